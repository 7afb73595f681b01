#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/detail/piece_lattice.h>
#include <gradus/framework/text/detail/unigram_training.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace gradus::detail {
namespace {

constexpr double least_expected = 0.5;  // of a piece that is kept, as SentencePiece has it

// The derivative of log-gamma: the mean of a logarithm of probability under a Dirichlet
// distribution is a difference of two, which makes rare pieces rarer than their share.
// Source: Liang and Klein 2007, "Structured Bayesian nonparametric models with variational
// inference"; the series is Abramowitz and Stegun 6.3.18, after 6.3.5 until x >= 8.
double digamma(double x) {
  double result = 0;
  for (; x < 8; ++x) result -= 1 / x;
  const double y = 1 / (x * x);
  return result + std::log(x) - 0.5 / x -
         y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y / 132))));
}

bool is_character(const std::string& text) { return decode_utf8(text, 0).length == text.size(); }

bool is_before(const ScoredPiece& a, const ScoredPiece& b) {
  return a.score != b.score ? a.score > b.score : a.text < b.text;
}

class PieceLearner {
 public:
  PieceLearner(std::span<const CountedWord> words, const PieceOptions& options)
      : words_(words), options_(options) {
    for (const CountedWord& word : words) {
      for (std::size_t i = 0; i < word.text.size();) {
        const std::size_t length = decode_utf8(word.text, i).length;
        characters_[std::string(word.text.substr(i, length))] += static_cast<double>(word.count);
        i += length;
      }
    }
    seed();
  }

  std::vector<ScoredPiece> run() && {
    if (words_.empty()) return {};
    for (;;) {
      for (std::int64_t i = 0; i < options_.sub_iterations; ++i) maximize(expectations());
      if (std::ssize(pieces_) <= most_pieces()) break;
      prune();
    }
    return finished();
  }

 private:
  // Each with its share.
  void seed() {
    for (const auto& [text, count] : characters_) pieces_.push_back({text, count});
    for (ScoredPiece& piece : seed_pieces(words_, options_.max_piece_length, options_.seed_size))
      pieces_.push_back(std::move(piece));
    double sum = 0;
    for (const ScoredPiece& piece : pieces_) sum += piece.score;
    for (ScoredPiece& piece : pieces_) piece.score = std::log(piece.score / sum);
  }

  // Calls f(word, scratch, chunk) for all words, those of a chunk one after the other: what is
  // added up for each chunk does not depend on the threads.
  static constexpr std::int64_t chunks = 8;
  template <class F>
  void for_each_word(F&& f) const {
    parallel_for_each(chunks, std::int64_t{1} << 24U, [&](std::int64_t chunk) {
      PieceLattice::Scratch scratch;
      const std::int64_t n = std::ssize(words_);
      const std::int64_t begin = n / chunks * chunk + std::min(chunk, n % chunks);
      const std::int64_t end = begin + n / chunks + (chunk < n % chunks ? 1 : 0);
      for (std::int64_t i = begin; i < end; ++i)
        f(words_[static_cast<std::size_t>(i)], scratch, static_cast<std::size_t>(chunk));
    });
  }

  std::vector<double> expectations() const {
    const PieceLattice lattice(pieces_);
    std::vector<std::vector<double>> parts(chunks, std::vector<double>(pieces_.size()));
    for_each_word([&](const CountedWord& word, PieceLattice::Scratch& scratch, std::size_t chunk) {
      lattice.expect(word, parts[chunk], scratch);
    });
    for (std::size_t c = 1; c < parts.size(); ++c) {
      for (std::size_t i = 0; i < pieces_.size(); ++i) parts[0][i] += parts[c][i];
    }
    return std::move(parts[0]);
  }

  void maximize(const std::vector<double>& expected) {
    std::vector<ScoredPiece> kept;
    double sum = 0;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (expected[i] < least_expected) continue;
      kept.push_back({std::move(pieces_[i].text), expected[i]});
      sum += expected[i];
    }
    if (kept.empty()) return;
    for (ScoredPiece& piece : kept) piece.score = digamma(piece.score) - digamma(sum);
    pieces_ = std::move(kept);
  }

  // A tenth more than in the end, when those with the least scores go.
  std::int64_t most_pieces() const {
    const std::int64_t size = std::min(options_.size, std::int64_t{1} << 60U);
    return size + size / 10;
  }

  // How often each piece is in the best ways of all words.
  std::vector<double> frequencies(const PieceLattice& lattice) const {
    std::vector<std::vector<double>> parts(chunks, std::vector<double>(pieces_.size()));
    std::vector<std::vector<std::int32_t>> ways(chunks);
    for_each_word([&](const CountedWord& word, PieceLattice::Scratch& scratch, std::size_t chunk) {
      lattice.best(word.text, true, ways[chunk], scratch);
      for (const std::int32_t piece : ways[chunk]) {
        if (piece >= 0)
          parts[chunk][static_cast<std::size_t>(piece)] += static_cast<double>(word.count);
      }
    });
    for (std::size_t c = 1; c < parts.size(); ++c) {
      for (std::size_t i = 0; i < pieces_.size(); ++i) parts[0][i] += parts[c][i];
    }
    return std::move(parts[0]);
  }

  // What the likelihood of all words loses, about, if the best way to write each piece in others
  // stands where the piece stood. Infinite for a piece that there is no other way for.
  std::vector<double> losses() const {
    const PieceLattice lattice(pieces_);
    const std::vector<double> frequency = frequencies(lattice);
    double sum = 0;
    for (const double each : frequency) sum += each;
    std::vector<double> result(pieces_.size());
    parallel_for(std::ssize(pieces_), 4000, [&](std::int64_t begin, std::int64_t end) {
      PieceLattice::Scratch scratch;
      std::vector<std::int32_t> way;
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        lattice.best(pieces_[i].text, false, way, scratch);
        result[i] = way.empty() || std::count(way.begin(), way.end(), -1) > 0
                        ? std::numeric_limits<double>::infinity()
                        : loss(frequency, sum, i, way);
      }
    });
    return result;
  }

  // Each piece of the way is as much more frequent as the one that it stands for.
  double loss(const std::vector<double>& frequency, double sum, std::size_t piece,
              const std::vector<std::int32_t>& way) const {
    const double own = frequency[piece];
    if (own == 0) return -std::numeric_limits<double>::infinity();
    const double sum_after = sum + own * static_cast<double>(way.size() - 1);
    double after = 0;
    for (const std::int32_t each : way)
      after += std::log((frequency[static_cast<std::size_t>(each)] + own) / sum_after);
    return own * (std::log(own / sum) - after);
  }

  void prune() {
    const std::vector<double> loss = losses();
    std::vector<std::size_t> order(pieces_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return loss[a] != loss[b] ? loss[a] > loss[b] : pieces_[a].text < pieces_[b].text;
    });
    const double left = static_cast<double>(pieces_.size()) * options_.shrinking_factor;
    order.resize(std::max(static_cast<std::size_t>(most_pieces()), static_cast<std::size_t>(left)));
    std::sort(order.begin(), order.end());
    std::vector<ScoredPiece> kept;
    kept.reserve(order.size());
    for (const std::size_t i : order) kept.push_back(std::move(pieces_[i]));
    pieces_ = std::move(kept);
  }

  // All characters, and the best of the others; characters that were not kept come last.
  std::vector<ScoredPiece> finished() {
    std::sort(pieces_.begin(), pieces_.end(), is_before);
    std::vector<ScoredPiece> result;
    std::int64_t room = options_.size - std::ssize(characters_);
    const double least = pieces_.empty() ? 0 : pieces_.back().score;
    for (ScoredPiece& piece : pieces_) {
      const bool required = is_character(piece.text);
      if (!required && room <= 0) continue;
      if (required) {
        characters_.erase(piece.text);
      } else {
        --room;
      }
      result.push_back(std::move(piece));
    }
    for (const auto& [text, count] : characters_) result.push_back({text, least});
    std::sort(result.begin(), result.end(), is_before);
    return result;
  }

  std::span<const CountedWord> words_;
  const PieceOptions& options_;
  std::map<std::string, double> characters_;  // and how often each occurs
  std::vector<ScoredPiece> pieces_;
};

}  // namespace

std::vector<ScoredPiece> learn_pieces(std::span<const CountedWord> words,
                                      const PieceOptions& options) {
  return PieceLearner(words, options).run();
}

}  // namespace gradus::detail
