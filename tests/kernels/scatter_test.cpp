#include <gradus/framework/kernels/scatter.h>
#include <gradus/framework/kernels/wide_sums.h>
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
    std::vector<T> y = targets, in_order = targets;
    std::vector<double> wide(targets.begin(), targets.end());
    std::vector<int64_t> counts(targets.size());
    walk(routes, [&](size_t target, size_t source) {
      in_order[target] += sources[source];
      wide[target] += static_cast<double>(sources[source]);
      ++counts[target];
    });
    scatter_add(routes, sources.data(), y.data());
    for (size_t i = 0; i < y.size(); ++i) {
      const bool frequent = std::is_same_v<T, float> && counts[i] > FrequentTargets::limit;
      EXPECT_TRUE(y[i] == static_cast<T>(wide[i]) || (!frequent && y[i] == in_order[i]))
          << i << " of " << counts[i] << " sources";
    }
    // What is summed in double does not depend on threads.
    std::vector<T> alone = targets;
    const ThreadsGuard guard;
    set_num_threads(1);
    scatter_add(routes, sources.data(), alone.data());
    EXPECT_TRUE(same_bits(y, alone));
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

TEST(ScatterAdd, KeepsTheDigitsOfFrequentTargets) {
  constexpr int64_t m = 8192, n = 3;
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    set_parallel_grain(1);
    for (const int64_t inner : {1, 5, 200}) {
      for (const bool one_vector : {false, true}) {
        // Target 1 gets all but a few.
        std::vector<int64_t> ids(at(one_vector ? m : m * inner), 1);
        for (size_t i = 0; i < ids.size(); i += 97) ids[i] = 2;
        const Routes routes{ids.data(), 1, m, n, inner, one_vector};
        const std::vector<float> x = random_values<float>(m * inner, 0.5F, 1.5F);
        std::vector<float> y(at(n * inner), 0x1p24F);
        std::vector<double> exact(y.begin(), y.end());
        walk(routes, [&](size_t target, size_t source) {
          exact[target] += static_cast<double>(x[source]);
        });
        scatter_add(routes, x.data(), y.data());
        for (int64_t j = 0; j < inner; ++j) {
          ASSERT_EQ(y[at(inner + j)], static_cast<float>(exact[at(inner + j)]))
              << threads << " threads, " << inner << " columns, column " << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
