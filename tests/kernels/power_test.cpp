#include <gradus/framework/kernels/power.h>

#include "elementwise_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
class Power : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Power, FloatTypes);

std::vector<Reference> references() {
  return {{"square", square, [](Exact x) { return x * x; }, -9, 9},
          {"reciprocal", reciprocal, [](Exact x) { return 1 / x; }, -9, 9},
          {"rsqrt", rsqrt, [](Exact x) { return 1 / std::sqrt(x); }, 0, 1e4}};
}

TYPED_TEST(Power, UnaryIsWithinFewUnitsInTheLastPlace) {
  for (const Reference& f : references()) {
    check_unary<TypeParam>(f);
    check_positions<TypeParam>(f.name, f.kernel);
  }
}

TYPED_TEST(Power, OfAnyBaseAndExponentIsWithinOneUnitInTheLastPlace) {
  using T = TypeParam;
  const int64_t n = 200000;
  std::vector<T> a = random_values<T>(n, T(0), T(4), 1), b = random_values<T>(n, T(-60), T(60), 2);
  for (size_t i = 0; i < a.size(); ++i) {
    const auto k = static_cast<int>(i);
    if (i % 4 == 1) a[i] = std::ldexp(a[i], k % 280 - 140), b[i] /= T(30);
    if (i % 4 == 2) a[i] = 1 + std::ldexp(a[i] - 2, -k % 20), b[i] *= std::ldexp(T(1), k % 20);
    if (i % 4 == 3) a[i] = -a[i], b[i] = std::trunc(b[i]);
  }
  const std::vector<T> y = apply_each(pow, a, b);
  expect_within_ulps<T>(
      y, [&](size_t i) { return std::pow(Exact{a[i]}, Exact{b[i]}); },
      [&](size_t i) { return std::to_string(a[i]) + "^" + std::to_string(b[i]); }, 1.0);
}

TYPED_TEST(Power, OfIntegersIsExactWhereItFits) {
  using T = TypeParam;
  for (int base = -20; base <= 20; ++base) {
    double expected = 1;
    for (int exponent = 0; std::fabs(expected) < 1 / std::numeric_limits<T>::epsilon();
         ++exponent) {
      if (exponent > 60) break;
      EXPECT_EQ(apply(pow, T(base), T(exponent)), T(expected)) << base << "^" << exponent;
      expected *= base;
    }
  }
}

TYPED_TEST(Power, SpecialValuesAreThoseOfTheLanguage) {
  using T = TypeParam;
  const T inf = infinity<T>, tiny = std::numeric_limits<T>::denorm_min(),
          largest = std::numeric_limits<T>::max();
  const std::vector<T> values = {
      T(0),         T(-0.0), T(1),    T(-1),    T(2),    T(-2),    T(3),    T(-3),   T(0.5),
      T(-0.5),      T(1.5),  T(-1.5), inf,      -inf,    tiny,     -tiny,   largest, -largest,
      nan_value<T>, T(1e10), T(1000), T(-1000), T(1001), T(-1001), T(0.999)};
  for (const T a : values) {
    for (const T b : values) {
      const T y = apply(pow, a, b), expected = std::pow(a, b);
      EXPECT_LE(ulps(y, Exact{expected}), 1.5) << a << "^" << b << " = " << y;
      if (std::isnan(expected)) continue;
      EXPECT_EQ(std::signbit(y), std::signbit(expected)) << a << "^" << b;
    }
  }
}

TYPED_TEST(Power, BinaryForEveryStrideAndLength) {
  const std::vector<BinaryReference> all{
      {"pow", pow, [](Exact a, Exact b) { return std::pow(a, b); }, -9, 9, 1},
      {"square_vjp", square_vjp, [](Exact g, Exact x) { return 2 * g * x; }, -9, 9},
      {"reciprocal_vjp", reciprocal_vjp, [](Exact g, Exact y) { return -g * y * y; }, -9, 9},
      {"rsqrt_vjp", rsqrt_vjp, [](Exact g, Exact y) { return -g * y * y * y / 2; }, 0.1, 9}};
  for (const BinaryReference& f : all) {
    SCOPED_TRACE(f.name);
    std::vector<TypeParam> a = random_values<TypeParam>(70, TypeParam(-2), TypeParam(2), 1);
    const std::vector<TypeParam> b =
        random_values<TypeParam>(70, TypeParam(f.low), TypeParam(f.high), 2);
    if (f.name == "pow") {
      for (auto& value : a) value = std::fabs(value);
    }
    for (int64_t n = 0; n <= 70; ++n) {
      std::vector<TypeParam> y(static_cast<size_t>(n) + 1, TypeParam(-5));
      for (const int64_t sa : {0, 1}) {
        for (const int64_t sb : {0, 1}) {
          run(f.kernel, a.data(), sa, b.data(), sb, y.data(), n);
          for (int64_t i = 0; i < n; ++i)
            ASSERT_LE(ulps(y[size_t(i)], f.exact(a[size_t(i * sa)], b[size_t(i * sb)])), f.limit);
          ASSERT_EQ(y.back(), TypeParam(-5));
        }
      }
    }
    if (f.name != "pow") check_zero_cotangent<TypeParam>(f.kernel);
  }
}

TYPED_TEST(Power, DerivativesOfPow) {
  using T = TypeParam;
  const int64_t n = 70;
  const auto g = random_values<T>(n, T(-2), T(2), 1), a = random_values<T>(n, T(0.1), T(4), 2),
             b = random_values<T>(n, T(-5), T(5), 3), y = apply_each(pow, a, b);
  std::vector<T> da(g.size()), db(g.size());
  run(pow_vjp_base, g.data(), 1, a.data(), 1, b.data(), 1, da.data(), n);
  run(pow_vjp_exponent, g.data(), 1, y.data(), 1, a.data(), 1, db.data(), n);
  for (size_t i = 0; i < g.size(); ++i) {
    const Exact G = g[i], A = a[i], B = b[i];
    EXPECT_LE(ulps(da[i], G * B * std::pow(A, B - 1)), 8);  // b - 1 is rounded
    EXPECT_LE(ulps(db[i], G * Exact{y[i]} * std::log(A)), 3);
  }
  const T inf = infinity<T>, nan = nan_value<T>;
  const auto base = [](T cotangent, T x, T e) { return apply(pow_vjp_base, cotangent, x, e); };
  EXPECT_EQ(base(T(3), T(0), T(0)), T(0));
  EXPECT_EQ(base(T(3), nan, T(0)), T(0));
  EXPECT_EQ(base(T(3), T(0), T(1)), T(3));
  EXPECT_EQ(base(T(3), T(0), T(2)), T(0));
  EXPECT_EQ(base(T(3), T(0), T(0.5)), inf);
  EXPECT_EQ(base(T(3), T(-2), T(3)), T(36));
  EXPECT_EQ(base(T(0), T(0), T(0.5)), T(0));
  EXPECT_EQ(base(T(0), T(-1), T(0.5)), T(0));
  EXPECT_TRUE(std::isnan(base(T(3), T(-1), T(0.5))));
  EXPECT_TRUE(std::isnan(base(T(3), nan, T(2))));
  const auto exponent = [](T cotangent, T power, T x) {
    return apply(pow_vjp_exponent, cotangent, power, x);
  };
  EXPECT_EQ(exponent(T(3), T(0), T(0)), T(0));  // 0^2
  EXPECT_EQ(exponent(T(3), T(1), T(0)), T(0));  // 0^0
  EXPECT_EQ(exponent(T(3), inf, T(0)), -inf);   // 0^-1
  EXPECT_EQ(exponent(T(3), T(1), T(1)), T(0));
  EXPECT_EQ(exponent(T(3), T(0), inf), T(0));  // inf^-1
  EXPECT_EQ(exponent(T(0), T(4), T(-2)), T(0));
  EXPECT_TRUE(std::isnan(exponent(T(3), T(4), T(-2))));
  EXPECT_TRUE(std::isnan(exponent(T(3), nan, T(0))));
}

TEST(PowerInteger, SquareWrapsAround) {
  EXPECT_EQ(apply(square, int64_t{-3}), 9);
  EXPECT_EQ(apply(square, int64_t{1} << 32), 0);
  EXPECT_EQ(pow.i64, nullptr);
}

}  // namespace
}  // namespace gradus::kernels
