#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/span_math.h>

#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "../kernels/kernel_testing.h"

namespace gradus {
namespace {

using kernels::random_values;
using kernels::same_bits;
using kernels::ulps;
using testing::StrEq;

template <class T>
struct SpanFunction {
  std::string name;
  void (*f)(std::span<const T>, std::span<T>);
  std::function<long double(long double)> exact;
  double low, high;  // where the function is neither constant nor undefined
};

template <class T>
std::vector<SpanFunction<T>> functions() {
  using Exact = long double;
  return {{"exp", spans::exp, [](Exact x) { return std::exp(x); }, -104, 89},
          {"log", spans::log, [](Exact x) { return std::log(x); }, 0, 1e4},
          {"tanh", spans::tanh, [](Exact x) { return std::tanh(x); }, -10, 10},
          {"sigmoid", spans::sigmoid,
           [](Exact x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); },
           -104, 20}};
}

template <class T>
class SpanMath : public testing::Test {};
using FloatTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(SpanMath, FloatTypes);

TYPED_TEST(SpanMath, IsWithinFourUnitsInTheLastPlace) {
  using T = TypeParam;
  for (const SpanFunction<T>& function : functions<T>()) {
    std::vector<T> x = random_values<T>(20000, T(function.low), T(function.high));
    for (const T small : random_values<T>(20000, T(-1), T(1), 2)) {
      x.push_back(std::ldexp(small, static_cast<int>(x.size() % 160) - 150));
    }
    std::vector<T> y(x.size());
    function.f(x, y);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_LE(ulps(y[i], function.exact(x[i])), 4.0) << function.name << "(" << x[i] << ")";
    }
  }
}

TYPED_TEST(SpanMath, IsRightAtSpecialValues) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  const std::vector<T> x = {Limits::infinity(),
                            -Limits::infinity(),
                            Limits::quiet_NaN(),
                            T(0),
                            T(-0.0),
                            Limits::denorm_min(),
                            Limits::min(),
                            Limits::max(),
                            Limits::lowest(),
                            T(1),
                            T(-1),
                            T(-1000),
                            T(1000)};
  for (const SpanFunction<T>& function : functions<T>()) {
    std::vector<T> y(x.size());
    function.f(x, y);
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_LE(ulps(y[i], function.exact(x[i])), 4.0) << function.name << "(" << x[i] << ")";
    }
    EXPECT_EQ(std::signbit(y[4]), function.name == "tanh" || function.name == "log");
  }
}

TYPED_TEST(SpanMath, WorksInPlaceAndWritesNothingElse) {
  using T = TypeParam;
  for (const SpanFunction<T>& function : functions<T>()) {
    for (size_t n = 0; n <= 70; ++n) {
      const std::vector<T> x = random_values<T>(static_cast<int64_t>(n) + 2, T(0.1), T(2));
      std::vector<T> y(x.size(), T(-5)), z = x;
      function.f(std::span(x).subspan(1, n), std::span(y).subspan(1, n));
      EXPECT_EQ(y.front(), T(-5)) << function.name << " " << n;
      EXPECT_EQ(y.back(), T(-5)) << function.name << " " << n;
      const std::span<T> same = std::span(z).subspan(1, n);
      function.f(same, same);
      y.front() = x.front();
      y.back() = x.back();
      EXPECT_TRUE(same_bits(y, z)) << function.name << " " << n;
    }
    function.f({}, {});
  }
}

TYPED_TEST(SpanMath, GivesAValueTheSameBitsAnywhere) {
  using T = TypeParam;
  for (const SpanFunction<T>& function : functions<T>()) {
    const std::vector<T> x = random_values<T>(70, T(0.1), T(9));
    std::vector<T> all(x.size());
    function.f(x, all);
    for (size_t i = 0; i < x.size(); ++i) {
      T single = 0;
      function.f(std::span(x).subspan(i, 1), std::span(&single, 1));
      EXPECT_TRUE(same_bits(single, all[i])) << function.name << "(" << x[i] << ") at " << i;
    }
  }
}

template <class Kind>
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Kind& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TYPED_TEST(SpanMath, RefusesLengthsThatDiffer) {
  using T = TypeParam;
  for (const SpanFunction<T>& function : functions<T>()) {
    const std::vector<T> x(4, T(1));
    std::vector<T> y(3, T(-5));
    EXPECT_THAT(message<ShapeError>([&] { function.f(x, y); }),
                StrEq("spans::" + function.name +
                      ": x has 4 elements and y has 3: they must have the same number"));
    EXPECT_THAT(message<ShapeError>([&] { function.f({}, y); }),
                StrEq("spans::" + function.name +
                      ": x has 0 elements and y has 3: they must have the same number"));
    EXPECT_EQ(y, std::vector<T>(3, T(-5)));
  }
}

TYPED_TEST(SpanMath, RefusesSpansThatOverlapInPart) {
  using T = TypeParam;
  for (const SpanFunction<T>& function : functions<T>()) {
    std::vector<T> values(40, T(1));
    const std::span<T> all(values);
    const std::string end = ": they must be the same span or must not overlap";
    EXPECT_THAT(message<ValueError>([&] { function.f(all.first(20), all.subspan(1, 20)); }),
                StrEq("spans::" + function.name + ": y begins at element 1 of x" + end));
    EXPECT_THAT(message<ValueError>([&] { function.f(all.subspan(19, 20), all.first(20)); }),
                StrEq("spans::" + function.name + ": x begins at element 19 of y" + end));
    EXPECT_EQ(values, std::vector<T>(40, T(1)));
    function.f(all.first(20), all.last(20));  // one after the other
    EXPECT_NE(values[20], T(1));
    EXPECT_EQ(values[19], T(1));
  }
}

}  // namespace
}  // namespace gradus
