#pragma once
// Tests of kernels that work element by element against the exact function in long double.
#include <gradus/framework/kernels/elementwise.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "kernel_testing.h"

namespace gradus::kernels {

using Exact = long double;

template <class T>
T apply(const UnaryKernel& kernel, T x) {
  T y = 0;
  run(kernel, &x, &y, 1);
  return y;
}
template <class T>
T apply(const BinaryKernel& kernel, T a, T b) {
  T y = 0;
  run(kernel, &a, 1, &b, 1, &y, 1);
  return y;
}
template <class T>
T apply(const TernaryKernel& kernel, T a, T b, T c) {
  T y = 0;
  run(kernel, &a, 1, &b, 1, &c, 1, &y, 1);
  return y;
}

template <class T>
std::vector<T> apply_each(const UnaryKernel& kernel, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  run(kernel, x.data(), y.data(), static_cast<int64_t>(x.size()));
  return y;
}
template <class T>
std::vector<T> apply_each(const BinaryKernel& kernel, const std::vector<T>& a,
                          const std::vector<T>& b) {
  std::vector<T> y(a.size());
  run(kernel, a.data(), 1, b.data(), 1, y.data(), static_cast<int64_t>(a.size()));
  return y;
}

/// Values in [low, high), small ones of any exponent, and large ones of both signs.
template <class T>
std::vector<T> varied_values(double low, double high, int64_t n = 100000) {
  std::vector<T> x = random_values<T>(n, static_cast<T>(low), static_cast<T>(high));
  for (const T value : random_values<T>(n, T(-1), T(1), 2)) {
    const T small = std::ldexp(value, static_cast<int>(x.size() % 160) - 150);
    if (low < 0 || small > 0) x.push_back(small);
  }
  for (const T value : random_values<T>(n / 4, T(-1e4), T(1e4), 3)) {
    if (low < 0 || value > 0) x.push_back(value);
  }
  return x;
}

/// Each y[i] is within `limit` units in the last place of exact(i), of `least` where the exact
/// value is smaller than it; describe(i) says what was computed.
template <class T>
void expect_within_ulps(const std::vector<T>& y, const std::function<Exact(size_t)>& exact,
                        const std::function<std::string(size_t)>& describe, double limit,
                        double least = 0) {
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const Exact value = exact(i);
    double error = ulps(y[i], value);
    if (std::fabs(value) < Exact{least} && std::isfinite(y[i])) {
      error = static_cast<double>(std::fabs(y[i] - value)) /
              (least * static_cast<double>(std::numeric_limits<T>::epsilon()));
    }
    if (error > worst) worst = error, at = i;
  }
  EXPECT_LE(worst, limit) << (y.empty() ? "" : describe(at));
}

struct Reference {
  std::string name;
  const UnaryKernel& kernel;
  std::function<Exact(Exact)> exact;
  double low, high;  // where the function is neither constant nor undefined, in float
  double limit = 3;  // in units in the last place
  double least = 0;  // below it the error is measured against it
};

template <class T>
void check_unary(const Reference& f) {
  SCOPED_TRACE(f.name);
  const std::vector<T> x = varied_values<T>(f.low, f.high), y = apply_each(f.kernel, x);
  expect_within_ulps<T>(
      y, [&](size_t i) { return f.exact(x[i]); },
      [&](size_t i) { return f.name + " of " + std::to_string(x[i]); }, f.limit, f.least);
  const T inf = infinity<T>, tiny = std::numeric_limits<T>::denorm_min(),
          small = std::numeric_limits<T>::min(), largest = std::numeric_limits<T>::max();
  const std::vector<T> special = {inf,      -inf,     nan_value<T>, T(0),      T(-0.0),   tiny,
                                  -tiny,    small,    -small,       small / 3, largest,   -largest,
                                  T(1),     T(-1),    T(1000),      T(-1000),  T(88),     T(-88),
                                  T(88.72), T(-87.4), T(-103.5),    T(-110),   T(0.5),    T(-0.5),
                                  T(709.7), T(-709),  T(-745.1),    T(-800),   T(2),      T(-2),
                                  T(3),     T(-3),    T(1e-10),     T(-1e-10), T(6),      T(-6),
                                  T(13),    T(-13),   T(38),        T(-38),    T(-0.999), T(0.999)};
  for (const T value : special) {
    const T result = apply(f.kernel, value);
    const Exact exact = f.exact(value);
    if (std::fabs(exact) < Exact{f.least} && std::isfinite(result)) continue;
    EXPECT_LE(ulps(result, exact), f.limit) << f.name << "(" << value << ") = " << result;
    if (exact == 0) {
      EXPECT_EQ(std::signbit(result), std::signbit(exact)) << f.name << value;
    }
  }
}

/// An element has the same bits wherever it is, whatever its neighbours are, nothing outside is
/// written, and y may be x.
template <class T>
void check_positions(const std::string& name, const UnaryKernel& kernel) {
  const std::vector<T> values = {T(0.3),  T(-0.7), T(1e-3), T(-12.5), T(3.75),
                                 T(1e-9), T(88),   T(-90),  T(0),     T(1e7),
                                 T(-1),   T(0.9),  T(-0.2), T(2e20),  T(1.1)};
  std::vector<T> expected;
  for (const T value : values) expected.push_back(apply(kernel, value));
  for (int64_t n = 1; n <= 70; ++n) {
    for (int64_t shift = 0; shift < 3; ++shift) {
      std::vector<T> x(static_cast<size_t>(n + shift + 1)), y(x.size(), T(-5));
      const auto at = [&](size_t i) { return (i * 7 + size_t(n)) % values.size(); };
      for (size_t i = 0; i < x.size(); ++i) x[i] = values[at(i)];
      run(kernel, x.data() + shift, y.data() + shift, n);
      std::vector<T> z = x;
      run(kernel, static_cast<const T*>(z.data()) + shift, z.data() + shift, n);
      for (size_t i = 0; i < x.size(); ++i) {
        const bool inside = i >= size_t(shift) && i < size_t(n + shift);
        if (!inside) {
          ASSERT_EQ(y[i], T(-5)) << name << " " << n;
          continue;
        }
        if (std::isnan(expected[at(i)])) continue;
        ASSERT_TRUE(same_bits(y[i], expected[at(i)]))
            << name << "(" << x[i] << ") at " << i << " of " << n;
        ASSERT_TRUE(same_bits(z[i], expected[at(i)])) << name << " in place";
      }
    }
  }
}

struct BinaryReference {
  std::string name;
  const BinaryKernel& kernel;
  std::function<Exact(Exact, Exact)> exact;
  double low, high;  // of b
  double limit = 3;
  double least = 0;
};

/// For every stride, length around the width of a batch, and in place of either operand.
template <class T>
void check_binary(const BinaryReference& f) {
  SCOPED_TRACE(f.name);
  const std::vector<T> b = varied_values<T>(f.low, f.high, 20000);
  const std::vector<T> a = random_values<T>(static_cast<int64_t>(b.size()), T(-2), T(2), 5);
  const std::vector<T> y = apply_each(f.kernel, a, b);
  expect_within_ulps<T>(
      y, [&](size_t i) { return f.exact(a[i], b[i]); },
      [&](size_t i) {
        return f.name + " of " + std::to_string(a[i]) + ", " + std::to_string(b[i]);
      },
      f.limit, f.least);
  for (int64_t n = 0; n <= 70; ++n) {
    for (const int64_t sa : {0, 1}) {
      for (const int64_t sb : {0, 1}) {
        std::vector<T> out(static_cast<size_t>(n) + 2, T(-5));
        run(f.kernel, a.data(), sa, b.data(), sb, out.data() + 1, n);
        for (int64_t i = 0; i < n; ++i) {
          const T expected = apply(f.kernel, a[size_t(i * sa)], b[size_t(i * sb)]);
          if (std::isnan(expected)) continue;
          ASSERT_TRUE(same_bits(out[size_t(i) + 1], expected)) << f.name << " " << i << " of " << n;
        }
        ASSERT_EQ(out.front(), T(-5));
        ASSERT_EQ(out.back(), T(-5));
      }
    }
    std::vector<T> left(a.begin(), a.begin() + n), right(b.begin(), b.begin() + n),
        out(left.size());
    run(f.kernel, a.data(), 1, b.data(), 1, out.data(), n);
    run<T>(f.kernel, left.data(), 1, b.data(), 1, left.data(), n);
    run<T>(f.kernel, a.data(), 1, right.data(), 1, right.data(), n);
    for (size_t i = 0; i < out.size(); ++i) {
      if (std::isnan(out[i])) continue;
      ASSERT_TRUE(same_bits(left[i], out[i]) && same_bits(right[i], out[i])) << f.name << " " << n;
    }
  }
}

/// 0 where the cotangent, the first operand, is 0 of either sign, whatever the second one is.
template <class T>
void check_zero_cotangent(const BinaryKernel& kernel) {
  for (const T saved : {T(0), T(1), T(-1), infinity<T>, -infinity<T>, nan_value<T>}) {
    EXPECT_EQ(apply(kernel, T(0), saved), T(0)) << saved;
    EXPECT_EQ(apply(kernel, T(-0.0), saved), T(0)) << saved;
  }
  EXPECT_TRUE(std::isnan(apply(kernel, T(1), nan_value<T>)));
  EXPECT_TRUE(std::isnan(apply(kernel, nan_value<T>, T(0.5))));
}

}  // namespace gradus::kernels
