#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/sentencepiece_file.h>
#include <gradus/framework/text/detail/unigram.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <queue>

namespace gradus::detail {
namespace {

template <class Pieces, class Text>
TokenTable numbered(const Pieces& pieces, Text text) {
  std::vector<std::pair<std::string, std::int64_t>> tokens;
  tokens.reserve(pieces.size());
  for (const auto& piece : pieces) tokens.emplace_back(text(piece), std::ssize(tokens));
  return TokenTable(std::move(tokens));
}

std::vector<std::string> texts_of(const std::vector<std::pair<std::string, double>>& pieces) {
  std::vector<std::string> texts;
  texts.reserve(pieces.size());
  for (const auto& [text, score] : pieces) texts.push_back(text);
  return texts;
}

/// The best ways from the last settled place of a word to each place up to `end`, and the scores of
/// those that may still grow.
template <class Score>
class Ways {
 public:
  explicit Ways(std::size_t longest) : scores_(std::bit_ceil(longest + 1)), lengths_(1) {}

  std::size_t settled() const { return settled_; }
  std::size_t held() const { return lengths_.size(); }
  Score score(std::size_t place) const { return scores_[place & (scores_.size() - 1)]; }

  // Makes room for the ways to all places before `end`.
  void grow(std::size_t end) {
    if (end > settled_ + lengths_.size()) lengths_.resize(end - settled_);
  }
  void offer(std::size_t place, std::size_t length, Score sum) {
    Score& score = scores_[place & (scores_.size() - 1)];
    std::uint16_t& best = lengths_[place - settled_];
    if (best != 0 && !(sum > score)) return;
    score = sum;
    best = static_cast<std::uint16_t>(length);
  }

  // The last place that the best ways to `from` and to all places after it go through.
  std::size_t meeting(std::size_t from) const {
    std::priority_queue<std::size_t> places;
    places.push(from);
    for (std::size_t i = from - settled_ + 1; i < lengths_.size(); ++i) {
      if (lengths_[i] != 0) places.push(settled_ + i);
    }
    for (;;) {
      const std::size_t last = places.top();
      while (!places.empty() && places.top() == last) places.pop();
      if (places.empty()) return last;
      places.push(last - lengths_[last - settled_]);
    }
  }
  // Calls f(span) for the pieces of the best way to a place, the last one first, and settles there.
  template <class F>
  void settle(std::size_t place, F&& f) {
    for (std::size_t end = place; end > settled_;) {
      const std::size_t length = lengths_[end - settled_];
      f(Span{end - length, end});
      end -= length;
    }
    lengths_.erase(lengths_.begin(),
                   lengths_.begin() + static_cast<std::ptrdiff_t>(place - settled_));
    settled_ = place;
  }

 private:
  std::vector<Score> scores_;           // a ring
  std::vector<std::uint16_t> lengths_;  // of the last piece of the way; 0 for no way
  std::size_t settled_ = 0;             // the place of the first of them
};

}  // namespace

Unigram::Unigram(std::vector<std::pair<std::string, double>> pieces, std::int64_t unknown_id,
                 bool byte_fallback)
    : tokens_(TokenTable::of_positions(texts_of(pieces))),
      unknown_(tokens_, unknown_id, byte_fallback) {
  if (unknown_id < -1 || unknown_id >= std::ssize(pieces)) {
    throw ValueError(fmt::format("the unknown piece has the id {}, but there are {} pieces",
                                 unknown_id, pieces.size()));
  }
  double least = std::numeric_limits<double>::infinity();
  found_scores_.resize(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& [piece, score] = pieces[i];
    scores_.push_back(score);
    least = std::min(least, score);
    add(i, piece, score);
  }
  unknown_score_ = least - 10;  // as SentencePiece has it
}

// Source: google/sentencepiece, unigram_model.cc.
Unigram::Unigram(const SentencePieceFile& file)
    : tokens_(numbered(file.pieces, [](const auto& piece) { return piece.text; })),
      unknown_(tokens_, file.unknown_id, file.byte_fallback),
      single_precision_(true) {
  using Kind = SentencePieceFile::Kind;
  float least = std::numeric_limits<float>::max(), greatest = std::numeric_limits<float>::min();
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    scores_.push_back(piece.score);
    if (piece.kind != Kind::normal) continue;
    least = std::min(least, piece.score);
    greatest = std::max(greatest, piece.score);
  }
  unknown_score_ = least - 10.0F;
  found_scores_.resize(file.pieces.size());
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    const auto& [text, score, kind] = file.pieces[i];
    if (kind == Kind::normal) add(i, text, score);
    if (kind == Kind::user_defined) add(i, text, static_cast<float>(text.size()) * greatest - 0.1);
  }
}

void Unigram::add(std::size_t id, const std::string& piece, double score) {
  if (!std::isfinite(score))
    throw ValueError(fmt::format("the score of '{}' is {}", printable(piece), score));
  if (piece.empty()) throw ValueError(fmt::format("piece {} is empty", id));
  if (piece.size() > std::numeric_limits<std::uint16_t>::max())
    throw ValueError(fmt::format("piece {} has {} bytes, more than 65535", id, piece.size()));
  found_scores_[id] = score;
  longest_ = std::max(longest_, piece.size());
  trie_.add(piece, static_cast<std::int32_t>(id));
}

// Viterbi's algorithm: the best way to each place, from left to right.
template <class Score>
std::size_t Unigram::find_best(std::string_view word, std::vector<Piece>& pieces) const {
  constexpr std::size_t block = std::size_t{1} << 16U;
  Ways<Score> ways(std::max<std::size_t>(longest_, 4));
  const std::size_t start = pieces.size();
  const auto settle = [&](std::size_t place) {
    const std::size_t first = pieces.size();
    ways.settle(place, [&](Span span) {
      pieces.push_back({trie_.find(word.substr(span.begin, span.size())), span});
    });
    std::reverse(pieces.begin() + static_cast<std::ptrdiff_t>(first), pieces.end());
    unknown_.join(pieces, first > start ? first - 1 : first);
  };
  std::size_t most = 0, wanted = block;
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t character = decode_utf8(word, i).length;
    const Score before = ways.score(i);
    bool known = false;
    ways.grow(i + character + 1);
    trie_.prefixes(word.substr(i), [&](std::size_t length, std::int32_t id) {
      ways.grow(i + length + 1);
      const double sum = before + found_scores_[static_cast<std::size_t>(id)];
      ways.offer(i + length, length, static_cast<Score>(sum));
      known = known || length == character;
    });
    if (!known) ways.offer(i + character, character, static_cast<Score>(before + unknown_score_));
    i += character;
    most = std::max(most, ways.held());
    if (ways.held() < wanted) continue;
    settle(ways.meeting(i));
    wanted = std::max(block, 2 * ways.held());  // where ways do not meet
  }
  settle(word.size());
  return most;
}

std::size_t Unigram::encode(std::string_view word, std::vector<Piece>& pieces) const {
  const std::size_t first = pieces.size();
  const std::size_t held =
      single_precision_ ? find_best<float>(word, pieces) : find_best<double>(word, pieces);
  unknown_.resolve(word, pieces, first);
  return held;
}

}  // namespace gradus::detail
