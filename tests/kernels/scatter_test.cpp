#include <gradus/framework/kernels/scatter.h>
#include <gtest/gtest.h>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

struct Sizes {
  int64_t outer, m, n, inner;
};

// Few and many targets, one column and more than a tile of them.
const Sizes grid[] = {{1, 0, 3, 2},   {1, 1, 1, 1},    {1, 100, 7, 1}, {3, 20, 5, 4},
                      {2, 3, 50, 17}, {1, 40, 6, 300}, {5, 9, 2, 129}, {1, 20000, 300, 1},
                      {0, 4, 3, 2},   {2, 3, 4, 0}};

/// Ids with many repeats, for every source or one vector for all.
std::vector<int64_t> ids_for(const Sizes& s, bool one_vector) {
  std::mt19937_64 engine(7);
  std::vector<int64_t> ids(at(one_vector ? s.m : s.outer * s.m * s.inner));
  for (int64_t& id : ids) id = static_cast<int64_t>(engine() % static_cast<uint64_t>(s.n));
  return ids;
}

/// Calls f(target, source) in order of the sources.
template <class F>
void walk(const Routes& r, const F& f) {
  for (int64_t o = 0; o < r.outer; ++o) {
    for (int64_t i = 0; i < r.m; ++i) {
      for (int64_t j = 0; j < r.inner; ++j) {
        const int64_t source = (o * r.m + i) * r.inner + j;
        const int64_t id = r.ids[r.one_vector ? i : source];
        f(at((o * r.n + id) * r.inner + j), at(source));
      }
    }
  }
}

/// Calls f(routes, sources, targets) for the grid, for threads and grains.
template <class T, class F>
void for_each_case(const F& f) {
  const ThreadsGuard guard;
  for (const Sizes& s : grid) {
    for (const bool one_vector : {false, true}) {
      const std::vector<int64_t> ids = ids_for(s, one_vector);
      const Routes routes{ids.data(), s.outer, s.m, s.n, s.inner, one_vector};
      // Sums of values of very different sizes depend on their order.
      std::vector<T> sources = random_values<T>(s.outer * s.m * s.inner, 1, 2, 1);
      for (size_t i = 0; i < sources.size(); ++i) {
        sources[i] = std::ldexp(sources[i], static_cast<int>(i * 7 % 40));
      }
      const std::vector<T> targets = random_values<T>(s.outer * s.n * s.inner, -1, 1, 2);
      for (const int64_t grain : {int64_t{1}, int64_t{100}, detail::default_parallel_grain}) {
        set_parallel_grain(grain);
        for (const int threads : {1, 2, 3, 8}) {
          set_num_threads(threads);
          SCOPED_TRACE(testing::Message() << s.outer << " " << s.m << " " << s.n << " " << s.inner
                                          << ", threads " << threads << ", grain " << grain);
          f(routes, sources, targets);
        }
      }
    }
  }
}

template <class T>
class Scatter : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Scatter, Types);

TYPED_TEST(Scatter, TheLastSourceWins) {
  using T = TypeParam;
  for_each_case<T>([](const Routes& routes, const auto& sources, const auto& targets) {
    std::vector<T> y = targets, expected = targets;
    walk(routes, [&](size_t target, size_t source) { expected[target] = sources[source]; });
    scatter(routes, sources.data(), T{0}, y.data());
    EXPECT_TRUE(same_bits(y, expected));
  });
}

TYPED_TEST(Scatter, ANumberGoesToEveryTarget) {
  using T = TypeParam;
  for_each_case<T>([](const Routes& routes, const auto&, const auto& targets) {
    std::vector<T> y = targets, expected = targets;
    walk(routes, [&](size_t target, size_t) { expected[target] = T{5}; });
    scatter<T>(routes, nullptr, T{5}, y.data());
    EXPECT_TRUE(same_bits(y, expected));
  });
}

TYPED_TEST(Scatter, AddsInOrder) {
  using T = TypeParam;
  for_each_case<T>([](const Routes& routes, const auto& sources, const auto& targets) {
    std::vector<T> y = targets, expected = targets;
    walk(routes, [&](size_t target, size_t source) { expected[target] += sources[source]; });
    scatter_add(routes, sources.data(), y.data());
    EXPECT_TRUE(same_bits(y, expected));
  });
}

TYPED_TEST(Scatter, GathersAllOrTheLast) {
  using T = TypeParam;
  for_each_case<T>([](const Routes& routes, const auto& sources, const auto& targets) {
    std::vector<T> y(sources.size()), last(sources.size(), T{9});
    std::vector<T> expected(sources.size()), expected_last(sources.size());
    std::vector<size_t> winner(targets.size());
    walk(routes, [&](size_t target, size_t source) {
      expected[source] = targets[target];
      winner[target] = source;
    });
    walk(routes, [&](size_t target, size_t source) {
      expected_last[source] = winner[target] == source ? targets[target] : T{0};
    });
    gather(routes, targets.data(), y.data());
    gather_last(routes, targets.data(), last.data());
    EXPECT_TRUE(same_bits(y, expected));
    EXPECT_TRUE(same_bits(last, expected_last));
  });
}

}  // namespace
}  // namespace gradus::kernels
