// The ten closest of 400,000 rows for 1,000 queries, against the product of the two matrices alone,
// in turns: `ratio` is the quotient of the least processor times of each.
#include <benchmark/benchmark.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <algorithm>
#include <ctime>
#include <limits>

namespace {

using namespace gradus;

double processor_time() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class F>
void take_least(double& least, const F& f) {
  const double before = processor_time();
  f();
  least = std::min(least, processor_time() - before);
}

void nearest(benchmark::State& state, Closeness closeness) {
  const int before = num_threads();
  set_num_threads(static_cast<int>(state.range(0)));
  Generator generator(1);
  const Tensor matrix = randn({400'000, 100}, generator), queries = randn({1000, 100}, generator);
  const NeighborIndex index(matrix, closeness);
  double search = std::numeric_limits<double>::infinity(), product = search;
  for (auto _ : state) {
    take_least(product,
               [&] { benchmark::DoNotOptimize(matmul(queries, matrix, {.trans_b = true})); });
    take_least(search, [&] { benchmark::DoNotOptimize(index.search(queries, 10)); });
  }
  state.counters["product_ms"] = 1e3 * product;
  state.counters["search_ms"] = 1e3 * search;
  state.counters["ratio"] = search / product;
  set_num_threads(before);
}

}  // namespace

BENCHMARK_CAPTURE(nearest, cosine, Closeness::cosine)
    ->Arg(1)
    ->Arg(2)
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(nearest, euclidean, Closeness::euclidean)
    ->Arg(1)
    ->Arg(2)
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);
