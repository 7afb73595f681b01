#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/examples/common/interrupt.h>
#include <gradus/examples/common/progress.h>
#include <gradus/examples/kjv/word_vectors.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/error.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/layers/negative_sampler.h>
#include <gradus/layers/skip_gram.h>
#include <gradus/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>

namespace gradus::examples {
namespace {

/// Walks through the sentences and cuts the pairs (word, word near it) into batches.
class PairStream {
 public:
  PairStream(const Sentences& sentences, const Vocabulary& vocabulary,
             const WordVectorSettings& settings, Generator& generator)
      : sentences_(sentences), settings_(settings), generator_(generator) {
    set_keep(vocabulary);
    for (const auto& sentence : sentences) words_ += static_cast<std::int64_t>(sentence.size());
  }

  /// The next batch, over all epochs; false at the end.
  bool next() {
    const auto size = static_cast<std::size_t>(settings_.batch);
    centers.clear();
    contexts.clear();
    while (ready_ + size > all_centers_.size() && read_sentence()) continue;
    const std::size_t end = std::min(ready_ + size, all_centers_.size());
    const auto take = [&](const std::vector<std::int64_t>& from, std::vector<std::int64_t>& to) {
      to.assign(from.begin() + static_cast<std::ptrdiff_t>(ready_),
                from.begin() + static_cast<std::ptrdiff_t>(end));
    };
    take(all_centers_, centers);
    take(all_contexts_, contexts);
    ready_ = end;
    return !centers.empty();
  }

  std::int64_t words_read() const { return words_read_; }
  std::int64_t words_in_all() const { return words_ * settings_.epochs; }

  std::vector<std::int64_t> centers, contexts;

 private:
  /// The probability with which word2vec keeps a word: sqrt(t / f) + t / f, f its frequency.
  void set_keep(const Vocabulary& vocabulary) {
    const auto& counts = vocabulary.counts();
    const auto total =
        static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    for (const std::int64_t count : counts) {
      const double ratio =
          settings_.subsample * total / static_cast<double>(std::max<std::int64_t>(count, 1));
      keep_.push_back(settings_.subsample > 0 ? std::sqrt(ratio) + ratio : 1.0);
    }
  }

  /// Appends the pairs of one more sentence; false if there is none. Each epoch has a new order.
  bool read_sentence() {
    if (position_ == order_.size()) {
      if (epoch_ == settings_.epochs) return false;
      ++epoch_;
      const Tensor order = randperm(static_cast<std::int64_t>(sentences_.size()), generator_);
      order_.assign(order.span<std::int64_t>().begin(), order.span<std::int64_t>().end());
      position_ = 0;
      if (order_.empty()) return false;
    }
    const auto& sentence = sentences_[static_cast<std::size_t>(order_[position_++])];
    words_read_ += static_cast<std::int64_t>(sentence.size());
    drop_used();
    kept_.clear();
    for (const std::int64_t word : sentence) {
      const double keep = keep_[static_cast<std::size_t>(word)];
      if (keep >= 1 || generator_.uniform() < keep) kept_.push_back(word);
    }
    append_pairs();
    return true;
  }

  void append_pairs() {
    const auto n = static_cast<std::int64_t>(kept_.size());
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t reach = 1 + generator_.below(settings_.window);
      const std::int64_t last = std::min(i + reach, n - 1);
      for (std::int64_t j = std::max<std::int64_t>(i - reach, 0); j <= last; ++j) {
        if (j == i) continue;
        all_centers_.push_back(kept_[static_cast<std::size_t>(i)]);
        all_contexts_.push_back(kept_[static_cast<std::size_t>(j)]);
      }
    }
  }

  void drop_used() {
    const auto used = static_cast<std::ptrdiff_t>(ready_);
    all_centers_.erase(all_centers_.begin(), all_centers_.begin() + used);
    all_contexts_.erase(all_contexts_.begin(), all_contexts_.begin() + used);
    ready_ = 0;
  }

  const Sentences& sentences_;
  const WordVectorSettings& settings_;
  Generator& generator_;
  std::vector<double> keep_;  // by word
  std::vector<std::int64_t> order_, kept_, all_centers_, all_contexts_;
  std::size_t position_ = 0, ready_ = 0;
  std::int64_t epoch_ = 0, words_ = 0, words_read_ = 0;
};

/// The mean of what was added while the share of the work was in [from, to].
struct MeanOver {
  double from, to, sum = 0, count = 0;
  void add(double share, double value, double weight) {
    if (share < from || share > to) return;
    sum += value * weight;
    count += weight;
  }
  double mean() const { return count > 0 ? sum / count : 0; }
};

}  // namespace

TrainedVectors train_word_vectors(const Sentences& sentences, const Vocabulary& vocabulary,
                                  const WordVectorSettings& settings) {
  Generator generator(settings.seed);
  const EmbeddingOptions sparse = {.padding_idx = vocabulary.padding_id(), .sparse = true};
  const Embedding input(vocabulary.size(), settings.dim, sparse);
  const Embedding output(vocabulary.size(), settings.dim, sparse);
  init_skip_gram(input, output, generator);
  const NegativeSampler sampler(vocabulary.counts());
  SGD optimizer({{"input", input.weight}, {"output", output.weight}}, {.lr = settings.lr});

  PairStream pairs(sentences, vocabulary, settings, generator);
  Progress progress("word vectors", pairs.words_in_all(), "words");
  MeanOver first{0, 0.1}, last{0.9, 1};
  bool stopped = false;
  while (!(stopped = interrupted()) && pairs.next()) {
    const double share =
        static_cast<double>(pairs.words_read()) / static_cast<double>(pairs.words_in_all());
    optimizer.set_lr(settings.lr * std::max(1 - share, 1e-4));

    const Tensor centers = tensor(pairs.centers);                               // [B]
    const Tensor contexts = tensor(pairs.contexts);                             // [B]
    const Tensor negatives = sampler(contexts, settings.negatives, generator);  // [B, K]
    optimizer.zero_grad();
    const Tensor loss = skip_gram_loss(input, output, centers, contexts, negatives);  // a sum
    if (!std::isfinite(loss.item())) {
      throw Error(
          fmt::format("word vectors: the loss is {} with --vector-lr {} and --vector-batch "
                      "{}: a small vocabulary needs less of one of them",
                      loss.item(), settings.lr, settings.batch));
    }
    loss.backward();
    optimizer.step();

    const auto B = static_cast<double>(centers.numel());
    first.add(share, loss.item() / B, B);
    last.add(share, loss.item() / B, B);
    progress.update(pairs.words_read(), loss.item() / B);
  }
  return {input, first.mean(), last.mean(), stopped};
}

std::vector<std::int64_t> find_words(const std::vector<std::string>& words,
                                     const Vocabulary& vocabulary) {
  std::vector<std::int64_t> ids;
  std::vector<std::string> unknown;
  for (const std::string& word : words) {
    const std::vector<std::string> tokens = tokenize(word);
    const auto id = tokens.size() == 1 ? vocabulary.find(tokens[0]) : std::nullopt;
    if (id) {
      ids.push_back(*id);
    } else {
      unknown.push_back("'" + word + "'");
    }
  }
  if (!unknown.empty()) {
    throw ValueError(fmt::format(
        "--words: the training texts lack {}, or have it fewer times than --min-count says",
        fmt::join(unknown, ", ")));
  }
  return ids;
}

std::vector<std::pair<std::string, double>> nearest_words(const Tensor& matrix,
                                                          const Vocabulary& vocabulary,
                                                          std::int64_t word, std::int64_t count) {
  const NoGradGuard no_grad;
  const Tensor length = sqrt(sum(matrix * matrix, 1, true)) + 1e-12;  // [V, 1]
  const Tensor unit = matrix / length;                                // [V, D]
  const Tensor cosines = matmul(unit, select(unit, 0, word));         // [V]
  const auto values = cosines.span<float>();

  std::vector<std::int64_t> order;
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    if (id != word && id != vocabulary.padding_id() && id != vocabulary.unknown_id())
      order.push_back(id);
  }
  count = std::min(count, static_cast<std::int64_t>(order.size()));
  std::partial_sort(
      order.begin(), order.begin() + count, order.end(), [&](std::int64_t a, std::int64_t b) {
        return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
      });
  std::vector<std::pair<std::string, double>> nearest;
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t id = order[static_cast<std::size_t>(k)];
    nearest.emplace_back(vocabulary.word(id), values[static_cast<std::size_t>(id)]);
  }
  return nearest;
}

void save_vectors(const Tensor& matrix, const Vocabulary& vocabulary,
                  const std::filesystem::path& path) {
  const NoGradGuard no_grad;
  std::vector<std::string> words;
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    if (id == vocabulary.padding_id() || id == vocabulary.unknown_id()) continue;
    ids.push_back(id);
    words.push_back(vocabulary.word(id));
  }
  save_word_vectors({words, index_select(matrix, 0, tensor(ids))}, path);
}

}  // namespace gradus::examples
