// Whether a DataLoader hides its work behind the training step: an epoch of batches that are ready,
// of loading alone, and of a loop over a loader with no thread of its own, one and two. All with
// one thread for the ops: with a second core free, `loop/1` takes as long as the longer of `ready`
// and `load`.
#include <benchmark/benchmark.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <string>
#include <vector>

namespace {

using namespace gradus;

constexpr int64_t kTexts = 2048, kWords = 200, kVocabulary = 20000, kBatch = 64;

std::string word(int64_t id) { return std::string("w").append(std::to_string(id)); }

struct Classifier : Module {
  Classifier()
      : bag(add("bag", EmbeddingBag(kVocabulary + 1, 100, {.sparse = true}))),
        hidden(add("hidden", Linear(100, 256))),
        output(add("output", Linear(256, 20))) {}
  Tensor operator()(const FlatBatch& batch) const {
    return output(relu(hidden(bag(batch.ids, batch.offsets))));
  }
  const EmbeddingBag bag;
  const Linear hidden, output;
};

/// Texts with the lengths of e-mails, a model, and the loaders over them.
struct Job {
  Job() {
    set_num_threads(1);
    manual_seed(1);
    Generator generator(1);
    std::vector<std::string> all;
    for (int64_t i = 0; i < kVocabulary; ++i) all.push_back(word(i));
    words = Vocabulary::from_words(all, {.default_id = 0});
    for (int64_t t = 0; t < kTexts; ++t) {
      std::string text;
      for (int64_t w = 0; w < kWords; ++w) {
        const double u = generator.uniform();
        text += word(static_cast<int64_t>(u * u * u * static_cast<double>(kVocabulary)));
        text += ' ';
      }
      texts.push_back({.text = text, .label = std::to_string(t % 20)});
    }
  }

  auto samples() const {
    return mapped(texts, [this](const LabeledText& sample) {
      return LabeledIds{words.ids(tokenize(sample.text)), std::stoll(sample.label)};
    });
  }
  DataLoaderOptions options(int64_t workers) const {
    return {.batch_size = kBatch, .shuffle = true, .num_workers = workers};
  }
  void step(const FlatBatch& batch) {
    optimizer.zero_grad();
    cross_entropy(model(batch), batch.labels).backward();
    optimizer.step();
  }

  Vocabulary words = Vocabulary::from_words({"w0"}, {.default_id = 0});
  std::vector<LabeledText> texts;
  Classifier model;
  SGD optimizer = SGD(model.parameters(), {.lr = 0.1});
};

void ready(benchmark::State& state) {
  Job job;
  std::vector<FlatBatch> batches;
  DataLoader loader(job.samples(), CollateFlat{}, job.options(1));
  for (FlatBatch& batch : loader) batches.push_back(batch);
  for (auto _ : state) {
    for (const FlatBatch& batch : batches) job.step(batch);
  }
}
BENCHMARK(ready)->Name("loader/ready")->Unit(benchmark::kMillisecond)->UseRealTime();

void load_only(benchmark::State& state) {
  Job job;
  DataLoader loader(job.samples(), CollateFlat{}, job.options(0));
  for (auto _ : state) {
    for (FlatBatch& batch : loader) benchmark::DoNotOptimize(batch.ids.data<int64_t>());
  }
}
BENCHMARK(load_only)->Name("loader/load")->Unit(benchmark::kMillisecond)->UseRealTime();

void loop(benchmark::State& state) {
  Job job;
  DataLoader loader(job.samples(), CollateFlat{}, job.options(state.range(0)));
  for (auto _ : state) {
    for (const FlatBatch& batch : loader) job.step(batch);
  }
}
BENCHMARK(loop)
    ->Name("loader/loop")
    ->Arg(0)
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
