// How a step of sparse SGD (lookup of uniform ids, backward, update) follows the rows of the table,
// its width and the batch, and what memory a large table trains in. Times are of one step.
// benchmarks/plot_embedding_scale.py draws docs/embedding_scale.svg from
//   ./dev bench --json scale.json Scale
#include <benchmark/benchmark.h>
#include <gradus/gradus.h>
#include <sys/resource.h>

#include <cstdint>
#include <vector>

namespace {

using gradus::Embedding;
using gradus::MemoryStats;
using gradus::Tensor;

constexpr int64_t kRows = 1'000'000, kWidth = 128, kTokens = 8192;

// Enough of them that no cache holds the rows they touch.
std::vector<Tensor> uniform_batches(int64_t rows, int64_t tokens) {
  gradus::Generator generator(42);
  std::vector<Tensor> batches;
  for (int64_t touched = 0; touched < 64 * kTokens; touched += tokens) {
    batches.push_back(gradus::randint(0, rows, {tokens}, generator));
  }
  return batches;
}

template <class Optimizer, class Options>
void train(benchmark::State& state, int64_t rows, int64_t width, int64_t tokens,
           const Options& options) {
  const Embedding table = Embedding::from_pretrained(gradus::zeros({rows, width}),
                                                     /*freeze=*/false, {.sparse = true});
  const std::vector<Tensor> ids = uniform_batches(rows, tokens);
  const Tensor cotangent = gradus::full({tokens, width}, 1e-3);
  Optimizer optimizer(table.parameters(), options);
  size_t n = 0;
  const auto step = [&] {
    optimizer.zero_grad();
    table(ids[n++ % ids.size()]).backward(cotangent);
    optimizer.step();
  };
  for (int i = 0; i < 3; ++i) step();
  gradus::reset_peak_memory();
  const MemoryStats before = gradus::memory_stats();
  for (auto _ : state) step();
  const MemoryStats after = gradus::memory_stats();
  state.SetItemsProcessed(state.iterations() * tokens);
  state.counters["step_MB"] = static_cast<double>(after.peak - before.live) / 1e6;
  state.counters["fresh_blocks"] = static_cast<double>(after.fresh - before.fresh);
}

// Args: threads, then what is varied.
void ScaleRows(benchmark::State& state) {
  gradus::set_num_threads(static_cast<int>(state.range(0)));
  train<gradus::SGD>(state, state.range(1), kWidth, kTokens, gradus::SGDOptions{.lr = 0.1});
}
void ScaleWidth(benchmark::State& state) {
  gradus::set_num_threads(static_cast<int>(state.range(0)));
  train<gradus::SGD>(state, kRows, state.range(1), kTokens, gradus::SGDOptions{.lr = 0.1});
}
void ScaleBatch(benchmark::State& state) {
  gradus::set_num_threads(static_cast<int>(state.range(0)));
  train<gradus::SGD>(state, kRows, kWidth, state.range(1), gradus::SGDOptions{.lr = 0.1});
}

// 10^7 x 64: the resident memory of value + state + touched rows, most of it at any time.
template <class Optimizer, class Options>
void train_large(benchmark::State& state, double numbers_of_state, const Options& options) {
  gradus::trim_memory();
  gradus::set_num_threads(2);
  train<Optimizer>(state, 10'000'000, 64, kTokens, options);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["resident_MB"] = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
  state.counters["value_and_state_MB"] = (64 + numbers_of_state) * 4 * 10;
}
void ScaleLargeSGD(benchmark::State& state) {
  train_large<gradus::SGD>(state, 0, gradus::SGDOptions{.lr = 0.1});
}
void ScaleLargeRowwiseAdagrad(benchmark::State& state) {
  train_large<gradus::RowwiseAdagrad>(state, 1, gradus::RowwiseAdagradOptions{});
}
void ScaleLargeAdagrad(benchmark::State& state) {
  train_large<gradus::Adagrad>(state, 64, gradus::AdagradOptions{});
}

constexpr int64_t kSteps = 256;

BENCHMARK(ScaleRows)
    ->ArgsProduct({{1, 2}, {100'000, 1'000'000, 10'000'000}})
    ->ArgNames({"threads", "rows"})
    ->Iterations(kSteps)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(ScaleWidth)
    ->ArgsProduct({{1, 2}, {32, 64, 128, 256, 512}})
    ->ArgNames({"threads", "width"})
    ->Iterations(kSteps)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(ScaleBatch)
    ->ArgsProduct({{1, 2}, {512, 2048, 8192, 32768}})
    ->ArgNames({"threads", "batch"})
    ->Iterations(kSteps)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
// In this order: the resident memory of a process is the most it ever had.
BENCHMARK(ScaleLargeSGD)->Iterations(kSteps)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(ScaleLargeRowwiseAdagrad)
    ->Iterations(kSteps)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(ScaleLargeAdagrad)->Iterations(kSteps)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
