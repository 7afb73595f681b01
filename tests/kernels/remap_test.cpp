#include <gradus/framework/kernels/remap.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

using Sizes = std::vector<int64_t>;

// The entry of x for each entry of y; -1 for none.
Sizes entries(const Runs& runs) {
  Sizes result;
  for (const Run& run : runs) {
    for (int64_t k = 0; k < run.length; ++k) {
      result.push_back(run.first < 0 ? -1 : run.first + k * run.step);
    }
  }
  return result;
}

// Axes of size n, in many ways.
std::vector<Runs> ways(int64_t n) {
  return {{{n, 0, 1}},                                  // the identity
          {{n, n - 1, -1}},                             // reversed
          {{n - 1, 1, 1}, {1, 0, 1}},                   // rolled
          {{3, -1, 0}, {n, 0, 1}, {2, -1, 0}},          // padded
          {{1, 0, 0}, {n, 0, 1}, {4, n - 1, 0}},        // the ends repeated
          {{n - 1, n - 1, -1}, {n, 0, 1}, {1, 0, -1}},  // mirrored
          {{1, n - 1, 0}},                              // one entry
          {{5, -1, 0}},                                 // none of x
          {{n, 0, 1}, {n, 0, 1}}};
}

template <class T>
std::vector<T> naive(const std::vector<T>& x, const Sizes& shape, const std::vector<Runs>& axes,
                     T outside) {
  std::vector<Sizes> from;
  int64_t numel = 1;
  for (const Runs& runs : axes) {
    from.push_back(entries(runs));
    numel *= static_cast<int64_t>(from.back().size());
  }
  std::vector<T> y;
  for (int64_t i = 0; i < numel; ++i) {
    int64_t rest = i, offset = 0, stride = 1;
    bool inside = true;
    for (size_t axis = axes.size(); axis-- > 0;) {
      const auto length = static_cast<int64_t>(from[axis].size());
      const int64_t entry = from[axis][at(rest % length)];
      rest /= length;
      inside = inside && entry >= 0;
      offset += entry * stride;
      stride *= shape[axis];
    }
    y.push_back(inside ? x[at(offset)] : outside);
  }
  return y;
}

template <class T>
void expect_remaps(const Sizes& shape, const std::vector<Runs>& axes) {
  const int64_t n = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  std::vector<T> x(at(n));
  std::iota(x.begin(), x.end(), T{1});
  std::vector<T> expected = naive<T>(x, shape, axes, T{77});
  expected.push_back(T{55});  // the one behind the end stays
  std::vector<T> y(expected.size(), T{55});
  remap(x.data(), y.data(), static_cast<int>(shape.size()), shape.data(), axes.data(), T{77});
  EXPECT_EQ(y, expected);
}

TEST(Remap, TakesOneAxisInEveryWay) {
  for (const int64_t n : {1, 2, 7, 40}) {
    for (const Runs& runs : ways(n)) {
      if (runs[0].length == 0) continue;  // runs have a length
      expect_remaps<float>({n}, {runs});
      expect_remaps<double>({n, 3}, {runs, {{3, 0, 1}}});
      expect_remaps<int64_t>({2, n}, {{{2, 0, 1}}, runs});
      expect_remaps<float>({2, n, 3}, {{{2, 0, 1}}, runs, {{3, 0, 1}}});
    }
  }
}

TEST(Remap, TakesTwoAndThreeAxesInEveryPairOfWays) {
  for (const Runs& a : ways(3)) {
    for (const Runs& b : ways(5)) {
      expect_remaps<float>({3, 5}, {a, b});
      expect_remaps<int64_t>({5, 2, 3}, {b, {{2, 0, 1}}, a});
      expect_remaps<double>({3, 5, 2}, {a, b, {{2, 0, 1}}});
    }
  }
}

TEST(Remap, TakesEightAxesNoneAndEmptyOnes) {
  expect_remaps<float>({2, 1, 2, 1, 2, 1, 2, 2}, {ways(2)[1], ways(1)[3], ways(2)[3], ways(1)[0],
                                                  ways(2)[4], ways(1)[4], ways(2)[2], ways(2)[8]});
  expect_remaps<float>({}, {});
  expect_remaps<float>({0}, {{}});
  expect_remaps<float>({0}, {{{3, -1, 0}}});
  expect_remaps<float>({2, 0}, {ways(2)[3], {}});
  expect_remaps<float>({0, 2}, {{}, ways(2)[3]});
}

TEST(Remap, MovesBooleans) {
  const bool x[] = {true, false, false};
  bool y[5];
  const Runs runs{{1, -1, 0}, {3, 2, -1}, {1, 0, 0}};
  const int64_t n = 3;
  remap(x, y, 1, &n, &runs, true);
  const bool expected[] = {true, false, false, true, true};
  EXPECT_TRUE(std::equal(y, y + 5, expected));
}

TEST(Remap, IsTheSameOnSeveralThreads) {
  const ThreadsGuard guard;
  set_num_threads(3);
  for (const Runs& runs : ways(300'001)) expect_remaps<float>({300'001}, {runs});
  for (const Runs& runs : ways(70))
    expect_remaps<float>({70, 60, 9}, {runs, ways(60)[3], ways(9)[5]});
  set_parallel_grain(1);
  for (const Runs& runs : ways(5)) expect_remaps<double>({7, 5, 3}, {ways(7)[4], runs, ways(3)[2]});
}

template <class T>
void expect_vjp(int64_t outer, int64_t n, int64_t inner, const Runs& runs) {
  const Sizes from = entries(runs);
  const auto length = static_cast<int64_t>(from.size());
  const std::vector<T> g = random_values<T>(outer * length * inner, T{-1}, T{1});
  std::vector<long double> expected(at(outer * n * inner));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t j = 0; j < length; ++j) {
      for (int64_t i = 0; i < inner; ++i) {
        if (from[at(j)] < 0) continue;
        expected[at((o * n + from[at(j)]) * inner + i)] += g[at((o * length + j) * inner + i)];
      }
    }
  }
  std::vector<T> dx(expected.size() + 1, T{55});
  remap_vjp(g.data(), dx.data(), outer, n, inner, runs);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(dx[i], static_cast<double>(expected[i]), std::numeric_limits<T>::epsilon() * 40)
        << i;
  }
  EXPECT_EQ(dx.back(), T{55});
}

TEST(RemapVjp, AddsWhatIsTakenFromEachEntry) {
  for (const int64_t n : {1, 2, 7, 40}) {
    for (const Runs& runs : ways(n)) {
      if (runs[0].length == 0) continue;
      for (const int64_t inner : {1, 2, 5, 127, 128, 129, 300}) {
        expect_vjp<float>(2, n, inner, runs);
        expect_vjp<double>(3, n, inner, runs);
      }
    }
  }
}

TEST(RemapVjp, HasTheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  set_parallel_grain(100);
  const std::vector<float> g = random_values<float>(40 * 20 * 300, -1, 1);
  const auto results = with_threads([&] {
    std::vector<float> dx(40 * 10 * 300);
    remap_vjp(g.data(), dx.data(), 40, 10, 300, {{4, 3, -1}, {10, 0, 1}, {6, 9, 0}});
    return dx;
  });
  for (const auto& result : results) EXPECT_TRUE(same_bits(result, results[0]));
}

}  // namespace
}  // namespace gradus::kernels
