#include <gradus/framework/kernels/rounding.h>

#include "elementwise_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
class Rounding : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Rounding, FloatTypes);

TYPED_TEST(Rounding, ToIntegersIsExact) {
  using T = TypeParam;
  const std::vector<Reference> all{
      {"floor", floor, [](Exact x) { return std::floor(x); }, -9, 9, 0},
      {"ceil", ceil, [](Exact x) { return std::ceil(x); }, -9, 9, 0},
      {"round", round, [](Exact x) { return std::nearbyint(x); }, -9, 9, 0},
      {"trunc", trunc, [](Exact x) { return std::trunc(x); }, -9, 9, 0}};
  for (const Reference& f : all) {
    check_unary<T>(f);
    check_positions<T>(f.name, f.kernel);
    for (int k = -9; k <= 9; ++k) {
      const T half = T(k) / 2;
      EXPECT_EQ(apply(f.kernel, half), static_cast<T>(f.exact(half))) << f.name << half;
    }
    for (int exponent = 20; exponent < 66; ++exponent) {
      const T large = std::ldexp(T(1), exponent) + T(0.5);
      EXPECT_EQ(apply(f.kernel, large), static_cast<T>(f.exact(large))) << f.name << large;
      EXPECT_EQ(apply(f.kernel, -large), static_cast<T>(f.exact(-large))) << f.name << large;
    }
  }
  EXPECT_EQ(apply(round, T(2.5)), T(2));
  EXPECT_EQ(apply(round, T(3.5)), T(4));
}

template <class T>
Exact exact_remainder(T a, T b) {
  const Exact rest = std::fmod(Exact{a}, Exact{b});
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

TYPED_TEST(Rounding, WholeMultiplesAndWhatIsLeft) {
  using T = TypeParam;
  const int64_t n = 70;
  const auto a = random_values<T>(n, T(-50), T(50), 1), b = random_values<T>(n, T(-3), T(3), 2),
             g = random_values<T>(n, T(-1), T(1), 3);
  std::vector<T> m = apply_each(fmod, a, b), r = apply_each(remainder, a, b), dm(a.size()),
                 dr(a.size());
  run(fmod_vjp_b, g.data(), 1, a.data(), 1, b.data(), 1, dm.data(), n);
  run(remainder_vjp_b, g.data(), 1, a.data(), 1, b.data(), 1, dr.data(), n);
  for (size_t i = 0; i < a.size(); ++i) {
    const Exact A = a[i], B = b[i];
    EXPECT_EQ(m[i], static_cast<T>(std::fmod(A, B)));
    EXPECT_EQ(r[i], static_cast<T>(exact_remainder(a[i], b[i])));
    EXPECT_EQ(dm[i], -g[i] * static_cast<T>(std::trunc(A / B)));
    EXPECT_EQ(dr[i], -g[i] * static_cast<T>(std::floor(A / B)));
  }
  std::vector<T> repeated(a.size());
  run(fmod, a.data(), 1, b.data(), 0, repeated.data(), n);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(repeated[i], std::fmod(a[i], b[0]));
  run(remainder_vjp_b, g.data(), 1, a.data(), 0, b.data(), 1, repeated.data(), n);
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(repeated[i], -g[i] * static_cast<T>(std::floor(Exact{a[0]} / b[i])));
}

TYPED_TEST(Rounding, ZeroAndInfiniteDivisors) {
  using T = TypeParam;
  const T inf = infinity<T>;
  EXPECT_TRUE(std::isnan(apply(fmod, T(3), T(0))));
  EXPECT_TRUE(std::isnan(apply(remainder, T(3), T(0))));
  EXPECT_EQ(apply(fmod, T(-3), inf), T(-3));
  EXPECT_EQ(apply(remainder, T(3), inf), T(3));
  EXPECT_EQ(apply(fmod_vjp_b, T(2), T(-3), inf), T(0));
  EXPECT_EQ(apply(remainder_vjp_b, T(2), T(-3), inf), T(2));  // floor(-3 / inf) is -1
  EXPECT_EQ(apply(fmod_vjp_b, T(0), T(3), T(0)), T(0));
  EXPECT_EQ(apply(remainder_vjp_b, T(0), T(3), nan_value<T>), T(0));
}

TEST(RoundingInteger, DividesDownwards) {
  for (int64_t a = -20; a <= 20; ++a) {
    for (int64_t b = -7; b <= 7; ++b) {
      if (b == 0) continue;
      const auto quotient = static_cast<int64_t>(std::floor(static_cast<double>(a) / double(b)));
      EXPECT_EQ(apply(floor_divide, a, b), quotient) << a << " " << b;
      EXPECT_EQ(apply(remainder, a, b), a - quotient * b) << a << " " << b;
      EXPECT_EQ(apply(fmod, a, b), a % b) << a << " " << b;
    }
  }
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(apply(floor_divide, lowest, int64_t{-1}), lowest);  // wraps around, does not trap
  EXPECT_EQ(apply(fmod, lowest, int64_t{-1}), 0);
  EXPECT_EQ(apply(remainder, lowest, int64_t{-1}), 0);
  EXPECT_EQ(apply(floor_divide, lowest, int64_t{2}), lowest / 2);
  const int64_t x[] = {3, 0, 0};
  EXPECT_EQ(first_zero(x, 3), 1);
  EXPECT_EQ(first_zero(x, 1), -1);
  EXPECT_EQ(first_zero(x, 0), -1);
}

}  // namespace
}  // namespace gradus::kernels
