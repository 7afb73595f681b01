#include <gradus/framework/kernels/special.h>

#include <numbers>

#include "elementwise_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
class Special : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Special, FloatTypes);

std::vector<Reference> references() {
  return {{"expm1", expm1, [](Exact x) { return std::expm1(x); }, -50, 89},
          {"log1p", log1p, [](Exact x) { return std::log1p(x); }, -1, 1e4},
          {"sin", sin, [](Exact x) { return std::sin(x); }, -20, 20},
          {"cos", cos, [](Exact x) { return std::cos(x); }, -20, 20},
          {"erf", erf, [](Exact x) { return std::erf(x); }, -6, 6}};
}

TYPED_TEST(Special, WithinFewUnitsInTheLastPlace) {
  for (const Reference& f : references()) check_unary<TypeParam>(f);
}

TYPED_TEST(Special, ElementHasTheSameBitsAtAnyPositionLengthAndAlignment) {
  for (const Reference& f : references()) check_positions<TypeParam>(f.name, f.kernel);
}

TYPED_TEST(Special, AnglesNearMultiplesOfARightAngleAndFarOut) {
  using T = TypeParam;
  std::vector<T> x;
  for (int64_t k = 1; k < 700000; k += 1 + k / 50) {
    const auto angle = static_cast<T>(static_cast<Exact>(k) * std::numbers::pi_v<Exact> / 2);
    for (const T near : {angle, std::nextafter(angle, T(0)), std::nextafter(angle, infinity<T>)}) {
      x.push_back(near);
      x.push_back(-near);
    }
  }
  for (int exponent = 10; exponent < std::numeric_limits<T>::max_exponent; ++exponent) {
    x.push_back(std::ldexp(T(1.2345), exponent));
    x.push_back(std::ldexp(T(-1.73), exponent));
  }
  x.insert(x.end(), {T(1e6), T(1000001), T(-1e6), T(999999.5)});
  const std::vector<T> s = apply_each(sin, x), c = apply_each(cos, x);
  const auto where = [&](size_t i) { return std::to_string(x[i]); };
  expect_within_ulps<T>(
      s, [&](size_t i) { return std::sin(Exact{x[i]}); }, where, 2);
  expect_within_ulps<T>(
      c, [&](size_t i) { return std::cos(Exact{x[i]}); }, where, 2);
}

TYPED_TEST(Special, Derivatives) {
  const std::vector<BinaryReference> all{
      {"expm1_vjp", expm1_vjp,
       [](Exact g, Exact x) { return g * static_cast<TypeParam>(std::exp(x)); }, -80, 80},
      {"log1p_vjp", log1p_vjp, [](Exact g, Exact x) { return g / (1 + x); }, -0.9, 100, 8},
      {"sin_vjp", sin_vjp, [](Exact g, Exact x) { return g * std::cos(x); }, -20, 20},
      {"cos_vjp", cos_vjp, [](Exact g, Exact x) { return -g * std::sin(x); }, -20, 20},
      {"erf_vjp", erf_vjp,
       [](Exact g, Exact x) {
         return g * 2 / std::sqrt(std::numbers::pi_v<Exact>) * std::exp(-x * x);
       },
       -5, 5, 8, 1e-2}};
  for (const BinaryReference& f : all) {
    check_binary<TypeParam>(f);
    check_zero_cotangent<TypeParam>(f.kernel);
  }
}

}  // namespace
}  // namespace gradus::kernels
