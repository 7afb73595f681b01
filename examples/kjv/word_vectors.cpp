#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/examples/common/interrupt.h>
#include <gradus/examples/common/progress.h>
#include <gradus/examples/kjv/word_vectors.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/data/skip_gram_pairs.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/layers/skip_gram.h>
#include <gradus/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

namespace gradus::examples {
namespace {

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

  SkipGramPairs pairs(sentences, vocabulary.counts(),
                      {.batch_size = settings.batch,
                       .window = settings.window,
                       .epochs = settings.epochs,
                       .subsample = settings.subsample},
                      generator);
  Progress progress("word vectors", pairs.total_words(), "words");
  MeanOver first{0, 0.1}, last{0.9, 1};
  bool stopped = false;
  while (!(stopped = interrupted()) && pairs.next()) {
    const double share =
        static_cast<double>(pairs.words_read()) / static_cast<double>(pairs.total_words());
    optimizer.set_lr(settings.lr * std::max(1 - share, 1e-4));

    const Tensor centers = tensor(pairs.centers());                             // [B]
    const Tensor contexts = tensor(pairs.contexts());                           // [B]
    const Tensor negatives = sampler(contexts, settings.negatives, generator);  // [B, K]
    optimizer.zero_grad();
    const Tensor loss = skip_gram_loss(input, output, centers, contexts, negatives);  // a sum
    if (!std::isfinite(loss.item())) {
      throw Error(
          fmt::format("word vectors: the loss is {} with --vector-lr {} and --vector-batch "
                      "{}: a small vocabulary needs a smaller value of one of them",
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
    throw ValueError(
        fmt::format("--words: the training texts lack {}, or have it fewer than --min-count times",
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
