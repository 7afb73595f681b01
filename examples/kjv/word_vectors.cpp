#include <fmt/format.h>
#include <gradus/examples/kjv/word_vectors.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace gradus::examples {
namespace {

/// The mean loss over pairs.
struct MeanLoss {
  double sum = 0, pairs = 0;
  void add(double loss, double n) { sum += loss, pairs += n; }
  double result() const { return pairs > 0 ? sum / pairs : 0; }
};

}  // namespace

TrainedVectors train_word_vectors(const Sentences& sentences, const Vocabulary& vocabulary,
                                  const WordVectorSettings& settings) {
  Generator generator(settings.seed);
  const Embedding input(vocabulary.size(), settings.dim, {.sparse = true});
  const Embedding output(vocabulary.size(), settings.dim, {.sparse = true});
  init_skip_gram(input, output, generator);
  const NegativeSampler sampler(vocabulary.counts());
  SkipGramPairs pairs(sentences, vocabulary.counts(), settings.windows, generator);
  SGD optimizer({{"input", input.weight}, {"output", output.weight}}, {.lr = settings.lr});

  const StopSignal stop;
  Progress progress(
      pairs.total_words(),
      {.name = "word vectors", .unit = "words", .every_percent = 10, .output = stdout});
  MeanLoss first, last;
  while (!stop.requested() && pairs.next()) {
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
                      loss.item(), settings.lr, settings.windows.batch_size));
    }
    loss.backward();
    optimizer.step();

    const auto B = static_cast<double>(centers.numel());
    if (share <= 0.1) first.add(loss.item(), B);
    if (share >= 0.9) last.add(loss.item(), B);
    progress.update(pairs.words_read() - progress.count(), {{"loss", loss.item() / B}});
  }
  return {input.weight.detach(), first.result(), last.result(), stop.signal()};
}

std::vector<std::pair<std::string, double>> nearest_words(const Tensor& matrix,
                                                          const Vocabulary& vocabulary,
                                                          std::int64_t word, std::int64_t count) {
  const Tensor cosines = cosine_similarity(matrix, select(matrix, 0, word));  // [V]
  const auto [values, ids] = topk(cosines, std::min(count + 1, vocabulary.size()));
  std::vector<std::pair<std::string, double>> nearest;
  for (std::int64_t k = 0; k < ids.numel() && std::ssize(nearest) < count; ++k) {
    const std::int64_t id = ids.span<std::int64_t>()[static_cast<std::size_t>(k)];
    const double cosine = values.span<float>()[static_cast<std::size_t>(k)];
    if (id != word) nearest.emplace_back(vocabulary.word(id), cosine);
  }
  return nearest;
}

}  // namespace gradus::examples
