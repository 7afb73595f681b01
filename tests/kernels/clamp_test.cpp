#include <gradus/framework/kernels/clamp.h>

#include "elementwise_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
class Limits : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Limits, FloatTypes);

Exact larger(Exact a, Exact b) { return std::isnan(a) || a > b ? a : b; }
Exact smaller(Exact a, Exact b) { return std::isnan(a) || a < b ? a : b; }

TYPED_TEST(Limits, UnaryIsExact) {
  const std::vector<Reference> all{
      {"abs", abs, [](Exact x) { return std::fabs(x); }, -9, 9, 0},
      {"sign", sign, [](Exact x) { return x > 0   ? 1
                                          : x < 0 ? -1
                                                  : x; }, -9, 9, 0}};
  for (const Reference& f : all) {
    check_unary<TypeParam>(f);
    check_positions<TypeParam>(f.name, f.kernel);
  }
}

TYPED_TEST(Limits, BinaryIsExactForEveryStrideAndLength) {
  const std::vector<BinaryReference> all{
      {"maximum", maximum, larger, -2, 2, 0},
      {"minimum", minimum, smaller, -2, 2, 0},
      {"abs_vjp", abs_vjp, [](Exact g, Exact x) { return x > 0   ? g
                                                         : x < 0 ? -g
                                                                 : 0; }, -2, 2, 0}};
  for (const BinaryReference& f : all) check_binary<TypeParam>(f);
  check_zero_cotangent<TypeParam>(abs_vjp);
}

// In every lane of a batch and in its tail.
TYPED_TEST(Limits, NaNWinsInEveryLane) {
  using T = TypeParam;
  for (const int64_t n : {1, 5, 16, 19, 35}) {
    for (int64_t at = 0; at < n; ++at) {
      std::vector<T> a(static_cast<size_t>(n), T(1)), b(a.size(), T(2));
      a[size_t(at)] = nan_value<T>;
      for (const BinaryKernel* f : {&maximum, &minimum}) {
        for (const auto& y : {apply_each(*f, a, b), apply_each(*f, b, a)}) {
          for (int64_t i = 0; i < n; ++i) ASSERT_EQ(std::isnan(y[size_t(i)]), i == at) << n;
        }
      }
      std::vector<T> y(a.size());
      clamp(a.data(), y.data(), n, T(-3), T(3));
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(std::isnan(y[size_t(i)]), i == at) << n;
    }
  }
}

TYPED_TEST(Limits, SharesOfTheGradient) {
  using T = TypeParam;
  const T inf = infinity<T>, nan = nan_value<T>;
  const auto share = [](T a, T b) { return apply(maximum_vjp, T(4), a, b); };
  EXPECT_EQ(share(2, 1), T(4));
  EXPECT_EQ(share(1, 2), T(0));
  EXPECT_EQ(share(2, 2), T(2));
  EXPECT_EQ(share(0, T(-0.0)), T(2));
  EXPECT_EQ(share(inf, inf), T(2));
  EXPECT_EQ(share(nan, 1), T(4));
  EXPECT_EQ(share(1, nan), T(0));
  EXPECT_EQ(share(nan, nan), T(2));
  EXPECT_EQ(apply(minimum_vjp, T(4), T(2), T(1)), T(0));
  EXPECT_EQ(apply(minimum_vjp, T(4), T(1), T(2)), T(4));
  EXPECT_EQ(apply(minimum_vjp, T(4), T(1), T(1)), T(2));
  EXPECT_EQ(apply(minimum_vjp, T(4), nan, T(1)), T(4));
  EXPECT_EQ(apply(maximum_vjp, nan, T(1), T(2)), T(0));  // never multiplies
}

TYPED_TEST(Limits, ClampForEveryLength) {
  using T = TypeParam;
  for (int64_t n = 0; n <= 70; ++n) {
    std::vector<T> x = random_values<T>(n, T(-2), T(2)), g = random_values<T>(n, T(1), T(2), 2);
    for (size_t i = 0; i < x.size(); i += 5) x[i] = i % 2 == 0 ? T(-0.5) : T(0.75);
    std::vector<T> y(x.size() + 1, T(-5)), closed = y, open = y;
    clamp(x.data(), y.data(), n, T(-0.5), T(0.75));
    clamp_vjp(g.data(), x.data(), closed.data(), n, T(-0.5), T(0.75), true);
    clamp_vjp(g.data(), x.data(), open.data(), n, T(-0.5), T(0.75), false);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(y[i], x[i] < T(-0.5) ? T(-0.5) : x[i] > T(0.75) ? T(0.75) : x[i]);
      ASSERT_EQ(closed[i], x[i] >= T(-0.5) && x[i] <= T(0.75) ? g[i] : T(0));
      ASSERT_EQ(open[i], x[i] > T(-0.5) && x[i] < T(0.75) ? g[i] : T(0));
    }
    ASSERT_EQ(y.back() + closed.back() + open.back(), T(-15));
  }
}

TEST(LimitsInteger, AreExact) {
  constexpr int64_t highest = std::numeric_limits<int64_t>::max(),
                    lowest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(apply(abs, int64_t{-3}), 3);
  EXPECT_EQ(apply(abs, lowest), lowest);
  EXPECT_EQ(apply(sign, lowest), -1);
  EXPECT_EQ(apply(sign, int64_t{0}), 0);
  EXPECT_EQ(apply(sign, highest), 1);
  EXPECT_EQ(apply(maximum, highest, highest - 1), highest);
  EXPECT_EQ(apply(minimum, lowest, int64_t{-1}), lowest);
  std::vector<int64_t> x, y(50);
  for (int64_t i = 0; i < 50; ++i) x.push_back(i - 25);
  clamp(x.data(), y.data(), 50, int64_t{-7}, int64_t{9});
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], std::clamp<int64_t>(x[i], -7, 9));
}

}  // namespace
}  // namespace gradus::kernels
