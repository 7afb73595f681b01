#include <gradus/framework/kernels/reduce.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

struct Sizes {
  int64_t outer, n, inner;
  size_t inputs() const { return static_cast<size_t>(outer * n * inner); }
  size_t outputs() const { return static_cast<size_t>(outer * inner); }
  size_t at(int64_t o, int64_t r, int64_t c) const {
    return static_cast<size_t>((o * n + r) * inner + c);
  }
};

std::vector<Sizes> all_sizes() {
  std::vector<Sizes> sizes = {{0, 3, 4},     {3, 4, 0},       {2, 100000, 1}, {3, 70000, 3},
                              {1, 5000, 40}, {1, 3000, 1100}, {70, 5, 513},   {40, 9, 600},
                              {2, 1025, 1},  {2, 2049, 2}};
  for (int64_t n = 1; n <= 70; ++n) {
    sizes.push_back({1, n, 1});
    sizes.push_back({3, n, 1});
    sizes.push_back({1, 7, n});
    sizes.push_back({2, n, 5});
    sizes.push_back({2, 17, n});
  }
  return sizes;
}

std::ostream& operator<<(std::ostream& out, const Sizes& s) {
  return out << "[" << s.outer << ", " << s.n << ", " << s.inner << "]";
}

template <class T>
class Reduce : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Reduce, FloatTypes);

TYPED_TEST(Reduce, SumAndMeanAreNearlyExact) {
  using T = TypeParam;
  for (const Sizes& s : all_sizes()) {
    const auto x = random_values<T>(static_cast<int64_t>(s.inputs()) + 1, T(-1), T(1));
    std::vector<T> total(s.outputs() + 1, T(-5)), average(s.outputs() + 1, T(-5));
    sum(x.data() + 1, total.data(), s.outer, s.n, s.inner);  // + 1: not aligned
    mean(x.data() + 1, average.data(), s.outer, s.n, s.inner);
    for (int64_t o = 0; o < s.outer; ++o) {
      for (int64_t c = 0; c < s.inner; ++c) {
        long double exact = 0, magnitude = 0;
        for (int64_t r = 0; r < s.n; ++r) {
          exact += x[s.at(o, r, c) + 1];
          magnitude += std::fabs(x[s.at(o, r, c) + 1]);
        }
        // Rounded once from double: half a unit in the last place in float, whatever n is.
        const long double limit = std::is_same_v<T, float>
                                      ? std::fabs(exact) * 6.1e-8L + magnitude * 1e-14L
                                      : magnitude * 5e-15L;
        const auto i = static_cast<size_t>(o * s.inner + c);
        ASSERT_NEAR(static_cast<double>(total[i] - exact), 0, static_cast<double>(limit)) << s;
        ASSERT_NEAR(static_cast<double>(average[i] - exact / s.n), 0,
                    static_cast<double>(limit / s.n))
            << s;
      }
    }
    EXPECT_EQ(total.back(), T(-5)) << s;
    EXPECT_EQ(average.back(), T(-5)) << s;
  }
}

TYPED_TEST(Reduce, OfNothing) {
  using T = TypeParam;
  T y[6] = {9, 9, 9, 9, 9, 9};
  sum<T>(nullptr, y, 2, 0, 3);
  for (const T value : y) EXPECT_EQ(value, T(0));
  mean<T>(nullptr, y, 2, 0, 3);
  for (const T value : y) EXPECT_TRUE(std::isnan(value));
  y[0] = 9;
  sum<T>(nullptr, y, 1, 0, 1);
  EXPECT_EQ(y[0], T(0));
  EXPECT_EQ(norm_p<T>(nullptr, 0, 2), 0);
  EXPECT_EQ(norm_p<T>(nullptr, 0, infinity<double>), 0);
}

TEST(SlowReduce, SumOfTwentyMillionOnesIsExact) {
  const std::vector<float> x(20000000, 1.0F);
  float y = 0;
  sum(x.data(), &y, 1, 20000000, 1);
  EXPECT_EQ(y, 20000000.0F);
  mean(x.data(), &y, 1, 20000000, 1);
  EXPECT_EQ(y, 1.0F);
  std::vector<float> columns(2);
  sum(x.data(), columns.data(), 1, 10000000, 2);
  EXPECT_EQ(columns, std::vector<float>({1e7F, 1e7F}));
}

TYPED_TEST(Reduce, InfinityAndNanReachTheSum) {
  using T = TypeParam;
  for (const Sizes& s :
       {Sizes{1, 50, 1}, Sizes{1, 100000, 1}, Sizes{2, 33, 20}, Sizes{1, 2000, 40}}) {
    std::vector<T> x(s.inputs(), T(1)), y(s.outputs());
    x[s.at(0, s.n / 2, 0)] = infinity<T>;
    sum(x.data(), y.data(), s.outer, s.n, s.inner);
    EXPECT_EQ(y[0], infinity<T>);
    if (y.size() > 1) {
      EXPECT_EQ(y[1], T(s.n));
    }
    x[s.at(0, s.n - 1, 0)] = -infinity<T>;
    sum(x.data(), y.data(), s.outer, s.n, s.inner);
    EXPECT_TRUE(std::isnan(y[0]));
  }
}

TEST(ReduceInteger, SumIsExactAndWraps) {
  for (const Sizes& s : all_sizes()) {
    std::vector<int64_t> x(s.inputs()), y(s.outputs());
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int64_t>(i * i) - 1000;
    sum(x.data(), y.data(), s.outer, s.n, s.inner);
    for (int64_t o = 0; o < s.outer; ++o) {
      for (int64_t c = 0; c < s.inner; ++c) {
        int64_t expected = 0;
        for (int64_t r = 0; r < s.n; ++r) expected += x[s.at(o, r, c)];
        ASSERT_EQ(y[static_cast<size_t>(o * s.inner + c)], expected) << s;
      }
    }
  }
  const int64_t x[] = {std::numeric_limits<int64_t>::max(), 1};
  int64_t y = 0;
  sum(x, &y, 1, 2, 1);
  EXPECT_EQ(y, std::numeric_limits<int64_t>::min());
}

/// Which value comes first in the order of max: NaN, then the greatest.
template <class T>
int64_t first_greatest(const std::vector<T>& x, const Sizes& s, int64_t o, int64_t c, T sign) {
  const T* const from = x.data() + s.at(o, 0, c);
  int64_t best = 0;
  T old = sign * *from;
  for (int64_t r = 1; r < s.n; ++r) {
    const T value = sign * from[r * s.inner];
    if (value > old || (value != value && old == old)) best = r, old = value;
  }
  return best;
}

template <class T>
void check_extremes(const std::vector<T>& values) {
  for (const Sizes& s : all_sizes()) {
    std::vector<T> x(s.inputs()), y(s.outputs()), z(s.outputs());
    std::vector<int64_t> index(s.outputs());
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = values[(i * 7 + i / 5 + i * i / 11) % values.size()];
    for (const T sign : {T(1), T(-1)}) {
      const auto f = sign > 0 ? max<T> : min<T>;
      f(x.data(), y.data(), index.data(), s.outer, s.n, s.inner);
      f(x.data(), z.data(), nullptr, s.outer, s.n, s.inner);
      for (int64_t o = 0; o < s.outer; ++o) {
        for (int64_t c = 0; c < s.inner; ++c) {
          const auto i = static_cast<size_t>(o * s.inner + c);
          const int64_t at = first_greatest(x, s, o, c, sign);
          ASSERT_EQ(index[i], at) << s << " sign " << sign;
          ASSERT_TRUE(same_bits(y[i], x[s.at(o, at, c)])) << s;
          ASSERT_TRUE(same_bits(z[i], y[i])) << s;
        }
      }
    }
  }
}

TYPED_TEST(Reduce, ExtremesAreTheFirst) {
  using T = TypeParam;
  check_extremes<T>({1, 5, -2, 5, 0, -7, 3, -7, 4.5, 2, -1});
  check_extremes<T>(random_values<T>(100003, T(-1), T(1)));
  check_extremes<T>({-infinity<T>, -infinity<T>, infinity<T>});
  check_extremes<T>({-infinity<T>});
  std::vector<T> with_nan = random_values<T>(1009, T(-1), T(1));
  with_nan[70] = with_nan[500] = nan_value<T>;
  check_extremes<T>(with_nan);
}

TEST(ReduceInteger, ExtremesAreTheFirst) {
  check_extremes<int64_t>({3, -1, 7, 7, 0, -5, std::numeric_limits<int64_t>::max() - 1, -5, 2,
                           (int64_t{1} << 53) + 1, int64_t{1} << 53});
}

TYPED_TEST(Reduce, ExtremeIsFoundAtEveryPosition) {
  using T = TypeParam;
  for (int64_t n = 1; n <= 150; ++n) {
    for (int64_t position = 0; position < n; ++position) {
      for (const T value : {T(2), nan_value<T>}) {
        std::vector<T> x(static_cast<size_t>(n), T(1));
        x[static_cast<size_t>(position)] = value;
        T y = 0;
        int64_t index = -1;
        max(x.data(), &y, &index, 1, n, 1);
        ASSERT_TRUE(same_bits(y, value)) << n << " " << position;
        ASSERT_EQ(index, position) << n;
      }
    }
  }
}

TYPED_TEST(Reduce, Norms) {
  using T = TypeParam;
  for (const int64_t n : {1, 2, 15, 16, 33, 70, 1025, 70000}) {
    const auto x = random_values<T>(n + 1, T(-3), T(3));
    for (const double p : {0.5, 1.0, 2.0, 3.0, 7.5, infinity<double>}) {
      long double total = 0, greatest = 0;
      for (size_t i = 1; i < x.size(); ++i) {
        const long double magnitude = std::fabs(x[i]);
        total += std::pow(magnitude, static_cast<long double>(p));
        greatest = std::max(greatest, magnitude);
      }
      const auto exact = static_cast<double>(
          std::isinf(p) ? greatest : std::pow(total, 1 / static_cast<long double>(p)));
      EXPECT_NEAR(norm_p(x.data() + 1, n, p), exact, 1e-14 * exact) << n << " " << p;
    }
  }
}

TYPED_TEST(Reduce, NormsDoNotOverflowInBetween) {
  using T = TypeParam;
  const T big = std::numeric_limits<T>::max() / 2, small = std::numeric_limits<T>::min();
  const std::vector<T> bigs(4, big), smalls(4, small);
  for (const double p : {1.0, 2.0, 4.0}) {
    const double factor = std::pow(4.0, 1 / p);
    if (p > 1) {
      EXPECT_NEAR(norm_p(bigs.data(), 4, p) / big, factor, 1e-14) << p;
    }
    EXPECT_NEAR(norm_p(smalls.data(), 4, p) / small, factor, 1e-14) << p;
  }
  const float x[] = {1e20F, -1e20F};
  EXPECT_NEAR(norm_p(x, 2, 2) / (std::sqrt(2.0) * static_cast<double>(1e20F)), 1, 1e-14);
}

TYPED_TEST(Reduce, NormsOfZerosInfinitiesAndNan) {
  using T = TypeParam;
  for (const double p : {0.5, 1.0, 2.0, 3.0, infinity<double>}) {
    for (const int64_t n : {1, 5, 40, 70000}) {
      std::vector<T> x(static_cast<size_t>(n), T(0));
      EXPECT_EQ(norm_p(x.data(), n, p), 0) << p;
      x.back() = -infinity<T>;
      EXPECT_EQ(norm_p(x.data(), n, p), infinity<double>) << p;
      x.front() = nan_value<T>;
      EXPECT_TRUE(std::isnan(norm_p(x.data(), n, p))) << p;
      x.assign(x.size(), T(1));
      x[x.size() / 2] = nan_value<T>;
      EXPECT_TRUE(std::isnan(norm_p(x.data(), n, p))) << p;
    }
  }
}

TYPED_TEST(Reduce, AnyNumberOfThreadsGivesTheSameBits) {
  using T = TypeParam;
  for (const Sizes& s : {Sizes{1, 300001, 1}, Sizes{3, 100003, 1}, Sizes{1000, 301, 1},
                         Sizes{1, 5003, 61}, Sizes{7, 71, 600}, Sizes{1, 400, 701}}) {
    const auto x = random_values<T>(static_cast<int64_t>(s.inputs()), T(-1), T(1));
    const auto results = with_threads([&] {
      std::vector<T> y(4 * s.outputs() + 2);
      T* p = y.data();
      const auto step = static_cast<int64_t>(s.outputs());
      sum(x.data(), p, s.outer, s.n, s.inner);
      mean(x.data(), p + step, s.outer, s.n, s.inner);
      max(x.data(), p + 2 * step, nullptr, s.outer, s.n, s.inner);
      min(x.data(), p + 3 * step, nullptr, s.outer, s.n, s.inner);
      p[4 * step] = static_cast<T>(norm_p(x.data(), static_cast<int64_t>(x.size()), 2));
      p[4 * step + 1] = static_cast<T>(norm_p(x.data(), static_cast<int64_t>(x.size()), 3));
      return y;
    });
    for (const auto& y : results) EXPECT_TRUE(same_bits(y, results[0])) << s;
  }
}

}  // namespace
}  // namespace gradus::kernels
