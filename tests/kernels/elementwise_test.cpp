#include <gradus/framework/kernels/elementwise.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "elementwise_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
class Elementwise : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Elementwise, FloatTypes);

struct Reference {
  std::string name;
  const UnaryKernel& kernel;
  std::function<long double(long double)> exact;
  double low, high;  // where the function is neither constant nor undefined, in float
};

std::vector<Reference> references() {
  return {{"exp", exp, [](long double x) { return std::exp(x); }, -104, 89},
          {"log", log, [](long double x) { return std::log(x); }, 0, 1e4},
          {"sqrt", sqrt, [](long double x) { return std::sqrt(x); }, 0, 1e4},
          {"tanh", tanh, [](long double x) { return std::tanh(x); }, -10, 10},
          {"sigmoid", sigmoid,
           [](long double x) {
             return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
           },
           -104, 20},
          {"relu", relu, [](long double x) { return x > 0 || std::isnan(x) ? x : 0; }, -9, 9},
          {"negate", negate, [](long double x) { return -x; }, -9, 9}};
}

TYPED_TEST(Elementwise, UnaryIsWithinFewUnitsInTheLastPlace) {
  using T = TypeParam;
  for (const Reference& f : references()) {
    std::vector<T> x = random_values<T>(100000, T(f.low), T(f.high));
    for (const T value : random_values<T>(100000, T(-1), T(1), 2))  // small ones, of any exponent
      x.push_back(std::ldexp(value, static_cast<int>(x.size() % 160) - 150));
    for (const T value : random_values<T>(20000, T(-740), T(740), 3)) x.push_back(value);
    std::vector<T> y(x.size());
    run(f.kernel, x.data(), y.data(), static_cast<int64_t>(x.size()));
    double worst = 0;
    T at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = ulps(y[i], f.exact(x[i]));
      if (error > worst) worst = error, at = x[i];
    }
    EXPECT_LE(worst, 3.0) << f.name << " at " << at;
    this->RecordProperty(f.name, std::to_string(worst));
  }
}

TYPED_TEST(Elementwise, UnaryIsRightAtSpecialValues) {
  using T = TypeParam;
  const T inf = infinity<T>, tiny = std::numeric_limits<T>::denorm_min(),
          small = std::numeric_limits<T>::min(), largest = std::numeric_limits<T>::max();
  for (const Reference& f : references()) {
    for (const T x :
         {inf,       -inf,      nan_value<T>, -nan_value<T>, T(0),     T(-0.0),  tiny,
          -tiny,     small,     -small,       small / 3,     largest,  -largest, T(1),
          T(-1),     T(1000),   T(-1000),     T(88),         T(-88),   T(88.72), T(88.73),
          T(-87.4),  T(-103.5), T(-103.98),   T(-110),       T(709.7), T(709.8), T(-708.5),
          T(-745.1), T(-745.2), T(-800)}) {
      const T y = apply(f.kernel, x);
      EXPECT_LE(ulps(y, f.exact(x)), 3.0) << f.name << "(" << x << ") = " << y;
    }
  }
  EXPECT_EQ(apply(exp, T(0)), T(1));
  EXPECT_EQ(apply(log, T(1)), T(0));
  EXPECT_EQ(apply(tanh, inf), T(1));
  EXPECT_EQ(apply(tanh, -inf), T(-1));
  EXPECT_EQ(apply(sigmoid, T(0)), T(0.5));
  EXPECT_TRUE(std::signbit(apply(tanh, T(-0.0))));
  EXPECT_TRUE(std::signbit(apply(negate, T(0))));
  EXPECT_FALSE(std::signbit(apply(relu, T(-0.0))));
}

TYPED_TEST(Elementwise, ElementHasTheSameBitsAtAnyPositionLengthAndAlignment) {
  using T = TypeParam;
  const std::vector<T> values = {T(0.3),  T(-0.7), T(1e-3), T(-12.5),
                                 T(3.75), T(1e-9), T(88),   T(-90)};
  for (const Reference& f : references()) {
    for (const T value : values) {
      const T expected = apply(f.kernel, value);
      if (std::isnan(expected)) continue;
      for (int64_t n = 1; n <= 70; ++n) {
        const int64_t shift = n % 16;
        std::vector<T> x(static_cast<size_t>(n + shift)), y(x.size());
        for (int64_t position = 0; position < n; ++position) {
          // Neighbours of every size, so that a branch taken for one lane shows in the others.
          for (size_t i = 0; i < x.size(); ++i) x[i] = values[(i * 7 + size_t(n)) % values.size()];
          x[static_cast<size_t>(position + shift)] = value;
          run(f.kernel, x.data() + shift, y.data() + shift, n);
          ASSERT_TRUE(same_bits(y[static_cast<size_t>(position + shift)], expected))
              << f.name << "(" << value << ") at " << position << " of " << n;
        }
      }
    }
  }
}

TYPED_TEST(Elementwise, WritesNothingOutsideAndWorksInPlace) {
  using T = TypeParam;
  for (const Reference& f : references()) {
    for (int64_t n = 0; n <= 70; ++n) {
      std::vector<T> x = random_values<T>(n + 2, T(0.1), T(2)), y(x.size(), T(-5)), z = x;
      run(f.kernel, x.data() + 1, y.data() + 1, n);
      EXPECT_EQ(y.front(), T(-5)) << f.name << " " << n;
      EXPECT_EQ(y.back(), T(-5)) << f.name << " " << n;
      run(f.kernel, static_cast<const T*>(z.data()) + 1, z.data() + 1, n);
      y.front() = x.front(), y.back() = x.back();
      EXPECT_TRUE(same_bits(y, z)) << f.name << " " << n;
    }
  }
}

struct BinaryReference {
  std::string name;
  const BinaryKernel& kernel;
  std::function<long double(long double, long double)> exact;
};

std::vector<BinaryReference> binary_references() {
  using R = long double;
  return {{"add", add, [](R a, R b) { return a + b; }},
          {"sub", sub, [](R a, R b) { return a - b; }},
          {"mul", mul, [](R a, R b) { return a * b; }},
          {"div", div, [](R a, R b) { return a / b; }},
          {"mul_vjp", mul_vjp, [](R g, R b) { return g * b; }},
          {"exp_vjp", exp_vjp, [](R g, R y) { return g == 0 ? 0 : g * y; }},
          {"log_vjp", log_vjp, [](R g, R x) { return g == 0 ? 0 : g / x; }},
          {"sqrt_vjp", sqrt_vjp, [](R g, R y) { return g == 0 ? 0 : g / (2 * y); }},
          {"tanh_vjp", tanh_vjp, [](R g, R y) { return g * (1 - y * y); }},
          {"sigmoid_vjp", sigmoid_vjp, [](R g, R y) { return g * y * (1 - y); }},
          {"relu_vjp", relu_vjp, [](R g, R y) { return std::isnan(y) ? y
                                                       : y > 0       ? g
                                                                     : 0; }},
          {"div_vjp_a", div_vjp_a, [](R g, R b) { return g == 0 ? 0 : g / b; }}};
}

TYPED_TEST(Elementwise, BinaryIsRightForEveryStrideAndLength) {
  using T = TypeParam;
  for (const BinaryReference& f : binary_references()) {
    for (int64_t n = 0; n <= 70; ++n) {
      const auto a = random_values<T>(n + 1, T(-1), T(1), 1),
                 b = random_values<T>(n + 1, T(-1), T(1), 2);
      for (const int64_t stride_a : {0, 1}) {
        for (const int64_t stride_b : {0, 1}) {
          std::vector<T> y(static_cast<size_t>(n) + 2, T(-5));
          run(f.kernel, a.data() + 1 - stride_a, stride_a, b.data() + stride_b, stride_b,
              y.data() + 1, n);
          for (int64_t i = 0; i < n; ++i) {
            const long double left = a[static_cast<size_t>(1 - stride_a + i * stride_a)],
                              right = b[static_cast<size_t>(stride_b + i * stride_b)];
            ASSERT_LE(ulps(y[static_cast<size_t>(i) + 1], f.exact(left, right)), 3.0)
                << f.name << " " << n << " " << i;
          }
          ASSERT_EQ(y.front(), T(-5)) << f.name;
          ASSERT_EQ(y.back(), T(-5)) << f.name;
        }
      }
    }
  }
}

TYPED_TEST(Elementwise, BinaryWorksInPlaceOfEitherOperand) {
  using T = TypeParam;
  for (const BinaryReference& f : binary_references()) {
    for (const int64_t n : {1, 7, 16, 17, 37, 64, 70}) {
      const auto a = random_values<T>(n, T(-1), T(1), 1), b = random_values<T>(n, T(-1), T(1), 2);
      std::vector<T> y(a.size()), left = a, right = b;
      run(f.kernel, a.data(), 1, b.data(), 1, y.data(), n);
      run<T>(f.kernel, left.data(), 1, b.data(), 1, left.data(), n);
      run<T>(f.kernel, a.data(), 1, right.data(), 1, right.data(), n);
      EXPECT_TRUE(same_bits(left, y)) << f.name << " " << n;
      EXPECT_TRUE(same_bits(right, y)) << f.name << " " << n;
    }
  }
}

TYPED_TEST(Elementwise, BinaryElementHasTheSameBitsAtAnyPosition) {
  using T = TypeParam;
  for (const BinaryReference& f : binary_references()) {
    const auto a = random_values<T>(150, T(-1), T(1), 1), b = random_values<T>(150, T(-1), T(1), 2);
    for (int64_t n = 1; n <= 70; ++n) {
      const int64_t start = n % 9;
      std::vector<T> y(static_cast<size_t>(n));
      run(f.kernel, a.data() + start, 1, b.data() + start, 1, y.data(), n);
      for (int64_t i = 0; i < n; ++i) {
        const auto at = static_cast<size_t>(start + i);
        ASSERT_TRUE(same_bits(y[static_cast<size_t>(i)], apply(f.kernel, a[at], b[at])))
            << f.name << " " << i << " of " << n;
      }
    }
  }
}

TYPED_TEST(Elementwise, DerivativeIsZeroWhereTheCotangentIsZero) {
  using T = TypeParam;
  for (const BinaryKernel* f : {&exp_vjp, &log_vjp, &sqrt_vjp, &div_vjp_a}) {
    for (const T saved : {T(0), infinity<T>, nan_value<T>}) {
      EXPECT_EQ(apply(*f, T(0), saved), T(0));
      EXPECT_EQ(apply(*f, T(-0.0), saved), T(0));
    }
    EXPECT_TRUE(std::isnan(apply(*f, T(1), nan_value<T>)));
    EXPECT_TRUE(std::isnan(apply(*f, nan_value<T>, T(1))));
  }
  EXPECT_EQ(apply(log_vjp, T(2), T(0)), infinity<T>);
  EXPECT_EQ(apply(sqrt_vjp, T(-2), T(0)), -infinity<T>);
}

TYPED_TEST(Elementwise, ReluDerivativeSelects) {
  using T = TypeParam;
  EXPECT_EQ(apply(relu_vjp, T(3), T(2)), T(3));
  EXPECT_EQ(apply(relu_vjp, T(3), infinity<T>), T(3));
  EXPECT_EQ(apply(relu_vjp, nan_value<T>, T(0)), T(0));  // never multiplies
  EXPECT_EQ(apply(relu_vjp, infinity<T>, T(0)), T(0));
  EXPECT_TRUE(std::isnan(apply(relu_vjp, T(3), nan_value<T>)));
}

TYPED_TEST(Elementwise, DivisionDerivativeOfTheDivisor) {
  using T = TypeParam;
  for (int64_t n = 0; n <= 70; ++n) {
    const auto g = random_values<T>(n, T(-1), T(1), 1), y = random_values<T>(n, T(-1), T(1), 2),
               b = random_values<T>(n + 1, T(0.1), T(2), 3);
    std::vector<T> each(g.size()), repeated(g.size());
    run(div_vjp_b, g.data(), 1, y.data(), 1, b.data(), 1, each.data(), n);
    run(div_vjp_b, g.data(), 1, y.data(), 1, b.data(), 0, repeated.data(), n);
    for (size_t i = 0; i < g.size(); ++i) {
      const long double product = -static_cast<long double>(g[i]) * y[i];
      ASSERT_LE(ulps(each[i], product / b[i]), 2.0);
      ASSERT_LE(ulps(repeated[i], product / b[0]), 2.0);
    }
  }
  const T g[] = {0, 0, 2, 2}, y[] = {nan_value<T>, 1, 3, 1}, b[] = {0, 0, 2, 0};
  T dx[4];
  run(div_vjp_b, g, 1, y, 1, b, 1, dx, 4);
  EXPECT_EQ(dx[0], T(0));
  EXPECT_EQ(dx[1], T(0));
  EXPECT_EQ(dx[2], T(-3));
  EXPECT_EQ(dx[3], -infinity<T>);
}

TEST(ElementwiseInteger, ArithmeticWrapsAround) {
  constexpr int64_t highest = std::numeric_limits<int64_t>::max(),
                    lowest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(apply(add, highest, int64_t{1}), lowest);
  EXPECT_EQ(apply(sub, lowest, int64_t{1}), highest);
  EXPECT_EQ(apply(mul, int64_t{1} << 62, int64_t{4}), 0);
  EXPECT_EQ(apply(negate, lowest), lowest);
  for (int64_t n = 0; n <= 40; ++n) {
    std::vector<int64_t> a(static_cast<size_t>(n) + 1), b(a.size()), y(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<int64_t>(i) * 1000003 - 7;
      b[i] = 11 - static_cast<int64_t>(i) * 5;
    }
    for (const int64_t sa : {0, 1}) {
      for (const int64_t sb : {0, 1}) {
        run(sub, a.data(), sa, b.data(), sb, y.data(), n);
        for (int64_t i = 0; i < n; ++i)
          ASSERT_EQ(y[size_t(i)], a[size_t(i * sa)] - b[size_t(i * sb)]) << n;
      }
    }
    run(negate, a.data(), y.data(), n);
    for (size_t i = 0; i < size_t(n); ++i) ASSERT_EQ(y[i], -a[i]);
  }
  EXPECT_EQ(div.i64, nullptr);
  EXPECT_EQ(exp.i64, nullptr);
}

template <class T>
void check_comparisons(const std::vector<T>& values) {
  const std::pair<const CompareKernel*, std::function<bool(T, T)>> cases[] = {
      {&equal, [](T a, T b) { return a == b; }},
      {&not_equal, [](T a, T b) { return a != b; }},
      {&less, [](T a, T b) { return a < b; }},
      {&less_equal, [](T a, T b) { return a <= b; }},
      {&greater, [](T a, T b) { return a > b; }},
      {&greater_equal, [](T a, T b) { return a >= b; }}};
  for (int64_t n = 0; n <= 70; ++n) {
    std::vector<T> a, b;
    for (size_t i = 0; i <= size_t(n); ++i) {
      a.push_back(values[i % values.size()]);
      b.push_back(values[(i * i + i / 3) % values.size()]);
    }
    for (const auto& [kernel, expected] : cases) {
      for (const int64_t sa : {0, 1}) {
        for (const int64_t sb : {0, 1}) {
          bool y[72] = {};
          run(*kernel, a.data(), sa, b.data(), sb, y, n);
          for (int64_t i = 0; i < n; ++i)
            ASSERT_EQ(y[i], expected(a[size_t(i * sa)], b[size_t(i * sb)])) << n << " " << i;
          ASSERT_FALSE(y[n]);
        }
      }
    }
  }
}

TEST(Compare, AgreesWithTheLanguage) {
  check_comparisons<float>({1, 2, nan_value<float>, -1, 0, -0.0F, infinity<float>});
  check_comparisons<double>({1, 2, nan_value<double>, -1, 0, -0.0, 1 + 1e-15});
  check_comparisons<int64_t>(
      {1, 2, -1, 0, std::numeric_limits<int64_t>::max(), (int64_t{1} << 53) + 1, int64_t{1} << 53});
}

TYPED_TEST(Elementwise, AnyNumberOfThreadsGivesTheSameBits) {
  using T = TypeParam;
  const int64_t n = 200003;
  const auto x = random_values<T>(n, T(-5), T(5));
  std::vector<T> single(x.size());
  for (const UnaryKernel* f : {&exp, &tanh, &sigmoid, &relu}) {
    for (size_t i = 0; i < x.size(); i += 997) single[i] = apply(*f, x[i]);
    const auto results = with_threads([&] {
      std::vector<T> y(x.size());
      run(*f, x.data(), y.data(), n);
      return y;
    });
    for (const auto& y : results) EXPECT_TRUE(same_bits(y, results[0]));
    for (size_t i = 0; i < x.size(); i += 997) ASSERT_TRUE(same_bits(results[0][i], single[i]));
  }
}

TYPED_TEST(Elementwise, ScalesAndAdds) {
  using T = TypeParam;
  for (const int64_t n : {0, 1, 5, 16, 33, 70, 100000}) {
    const auto x = random_values<T>(n, T(-1), T(1), 1), y = random_values<T>(n, T(-1), T(1), 2);
    auto a = y, b = y, c = y;
    axpy(T(0.3), x.data(), a.data(), n);
    add_to(x.data(), b.data(), n);
    scale(T(0.3), c.data(), n);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(a[i], y[i] + T(0.3) * x[i], 2 * std::numeric_limits<T>::epsilon());
      ASSERT_EQ(b[i], y[i] + x[i]);
      ASSERT_EQ(c[i], y[i] * T(0.3));
    }
  }
}

TEST(Fill, SetsEveryElementAndNoOther) {
  for (const int64_t n : {0, 1, 17, 100000}) {
    std::vector<float> f(static_cast<size_t>(n) + 1, -1);
    std::vector<int64_t> i(f.size(), -1);
    const auto flags = std::make_unique<bool[]>(f.size());
    fill(f.data(), 2.5F, n);
    fill(i.data(), int64_t{1} << 40, n);
    fill(flags.get(), true, n);
    for (size_t k = 0; k < static_cast<size_t>(n); ++k) {
      ASSERT_EQ(f[k], 2.5F);
      ASSERT_EQ(i[k], int64_t{1} << 40);
      ASSERT_TRUE(flags[k]);
    }
    EXPECT_EQ(f.back(), -1);
    EXPECT_EQ(i.back(), -1);
    EXPECT_FALSE(flags[static_cast<size_t>(n)]);
  }
}

template <class From, class To>
To converted(From x) {
  To y{};
  convert(&x, &y, 1);
  return y;
}

TEST(Convert, EveryPairOfTypes) {
  EXPECT_EQ((converted<float, double>(0.1F)), static_cast<double>(0.1F));
  EXPECT_EQ((converted<double, float>(0.1)), 0.1F);
  EXPECT_EQ((converted<double, float>(1e300)), infinity<float>);
  EXPECT_EQ((converted<float, int64_t>(-2.9F)), -2);
  EXPECT_EQ((converted<double, int64_t>(1e15 + 0.5)), 1000000000000000);
  EXPECT_EQ((converted<int64_t, float>(16777217)), 16777216.0F);
  EXPECT_EQ((converted<int64_t, double>(-(int64_t{1} << 53))), -9007199254740992.0);
  EXPECT_EQ((converted<float, bool>(-0.0F)), false);
  EXPECT_EQ((converted<float, bool>(1e-45F)), true);
  EXPECT_EQ((converted<double, bool>(nan_value<double>)), true);
  EXPECT_EQ((converted<int64_t, bool>(256)), true);
  EXPECT_EQ((converted<bool, float>(true)), 1.0F);
  EXPECT_EQ((converted<bool, double>(false)), 0.0);
  EXPECT_EQ((converted<bool, int64_t>(true)), 1);
  EXPECT_EQ((converted<bool, bool>(true)), true);
  EXPECT_EQ((converted<float, float>(3.5F)), 3.5F);
  EXPECT_EQ((converted<int64_t, int64_t>(-9)), -9);
  std::vector<float> x = random_values<float>(100001, -100, 100);
  std::vector<int64_t> y(x.size());
  convert(x.data(), y.data(), 100001);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], static_cast<int64_t>(x[i]));
}

TYPED_TEST(Elementwise, FindsTheFirstNonFiniteValue) {
  using T = TypeParam;
  for (const int64_t n : {0, 1, 15, 64, 70, 129}) {
    std::vector<T> x(static_cast<size_t>(n), std::numeric_limits<T>::max());
    EXPECT_EQ(first_nonfinite(x.data(), n), -1);
    for (const T bad : {nan_value<T>, infinity<T>, -infinity<T>}) {
      for (int64_t i = n - 1; i >= 0; --i) {
        x[static_cast<size_t>(i)] = bad;
        ASSERT_EQ(first_nonfinite(x.data(), n), i) << n;
      }
      std::fill(x.begin(), x.end(), -std::numeric_limits<T>::max());
    }
  }
  std::vector<T> x(200000, T(1));
  for (const int64_t i : {199999, 100000, 40000, 3}) {
    x[static_cast<size_t>(i)] = nan_value<T>;
    for (const int64_t found : with_threads([&] { return first_nonfinite(x.data(), 200000); }))
      EXPECT_EQ(found, i);
  }
}

// Such results go past the caches if they are aligned.
TYPED_TEST(Elementwise, HasTheSameBitsInResultsLargerThanTheCaches) {
  using T = TypeParam;
  const ThreadsGuard guard;
  set_parallel_grain(detail::default_parallel_grain);
  const int64_t n = (int64_t{8} << 20) / int64_t{sizeof(T)} + 3;
  const std::vector<T> a = random_values<T>(n, -2, 2, 1), b = random_values<T>(n, -2, 2, 2);
  std::vector<T> expected(a.size());
  std::vector<T> y(a.size() + 65);
  const auto start =
      static_cast<int64_t>((64 - reinterpret_cast<uintptr_t>(y.data()) % 64) / sizeof(T));
  for (const int64_t offset : {0, 1, 16}) {
    T* to = y.data() + start + offset;
    for (const int64_t stride : {0, 1}) {
      run(mul, a.data(), 1, b.data(), stride, expected.data(), n);
      const auto results = with_threads([&] {
        std::fill(y.begin(), y.end(), T(7));
        run(mul_vjp, a.data(), 1, b.data(), stride, to, n);
        EXPECT_EQ(to[n], T(7));
        return std::vector<T>(to, to + n);
      });
      for (const auto& result : results) EXPECT_TRUE(same_bits(result, expected)) << offset;
    }
  }
  std::vector<T> over = a;  // written over an operand
  run(mul_vjp, static_cast<const T*>(over.data()), 1, b.data(), 1, over.data(), n);
  EXPECT_TRUE(same_bits(over, expected));
}

}  // namespace
}  // namespace gradus::kernels
