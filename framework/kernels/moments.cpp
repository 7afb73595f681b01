#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/blocks.h>
#include <gradus/framework/kernels/moments.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/wide_sum.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace gradus::kernels {

namespace {

constexpr int64_t row_block = 65536;  // elements of a row that one task adds

/// The sum of f(value), where the value is a double or a batch of doubles.
template <class T, class F>
double sum_of(const T* x, int64_t n, const F& f) {
  return detail::blocked_sum<double>(n, row_block, 1, [&](int64_t begin, int64_t end) {
    return detail::add_up<double>(x + begin, end - begin, f);
  });
}

/// The mean of n >= 1 values; exact if they are equal.
template <class T>
double mean_of(const T* x, int64_t n) {
  const auto first = static_cast<double>(x[0]);
  const double sum =
      sum_of(x, n, [=](const auto& v) { return v - std::decay_t<decltype(v)>(first); });
  const double mean = first + sum / static_cast<double>(n);
  if (std::isfinite(mean)) return mean;
  // Differences, or their sum, are out of range; scaled-down values are not.
  const double parts =
      sum_of(x, n, [](const auto& v) { return v * std::decay_t<decltype(v)>(0x1p-64); });
  return parts / static_cast<double>(n) * 0x1p64;
}

/// sum((x - mean)^2).
template <class T>
double squares_of(const T* x, int64_t n, double mean) {
  return sum_of(x, n, [=](const auto& v) {
    const auto deviation = v - std::decay_t<decltype(v)>(mean);
    return deviation * deviation;
  });
}

/// A row times the power of 2 that brings its greatest magnitude into [1, 2): its squares are in
/// the range of double, and nothing is rounded twice.
struct ScaledRow {
  template <class T>
  ScaledRow(const T* x, int64_t n, double divisor) : values(n) {
    double greatest = 0;
    for (int64_t i = 0; i < n; ++i) {
      greatest = std::max(greatest, std::fabs(static_cast<double>(x[i])));
    }
    exponent = std::ilogb(greatest);
    for (int64_t i = 0; i < n; ++i) values[i] = std::ldexp(static_cast<double>(x[i]), -exponent);
    mean = mean_of(values.data(), n);
    deviation = std::sqrt(squares_of(values.data(), n, mean) / divisor);
  }
  Scratch<double> values;
  int exponent;
  double mean, deviation;
};

/// True for a row that ScaledRow can help: finite values that are not all equal.
template <class T>
bool can_be_scaled(const T* x, int64_t n) {
  return std::all_of(x, x + n, [](T v) { return std::isfinite(v); }) &&
         !std::all_of(x, x + n, [x](T v) { return v == x[0]; });
}

/// sqrt(sum((x - mean)^2) / divisor), even if the squares leave the range of double.
template <class T>
double deviation_of(const T* x, int64_t n, double mean, double divisor) {
  const double squares = squares_of(x, n, mean);
  const bool in_range = squares > 1e-280 && squares < 1e300;
  if (in_range || !can_be_scaled(x, n)) return std::sqrt(squares / divisor);
  const ScaledRow row(x, n, divisor);
  return std::ldexp(row.deviation, row.exponent);
}

/// dx = scale (x - mean).
template <class T>
void scale_deviations(const T* x, double scale, double mean, T* dx, int64_t n) {
  parallel_for_each(
      n, 2, [=](int64_t i) { dx[i] = static_cast<T>(scale * (static_cast<double>(x[i]) - mean)); });
}

/// dx = g (x - mean) / (divisor y), y = deviation_of(x).
template <class T>
void deviation_vjp_row(double g, const T* x, double y, T* dx, int64_t n, double divisor) {
  const bool in_range = y > 1e-140 && y < 1e140;
  if (in_range || !can_be_scaled(x, n)) {
    return scale_deviations(x, g / (divisor * y), mean_of(x, n), dx, n);
  }
  const ScaledRow row(x, n, divisor);
  for (int64_t i = 0; i < n; ++i)
    dx[i] = static_cast<T>(g * ((row.values[i] - row.mean) / row.deviation / divisor));
}

/// y = f(row, C, mean) for each row of x.
template <class T, class F>
void for_rows(const T* x, T* y, int64_t R, int64_t C, const F& f) {
  parallel_for_each(R, 2 * C + 64, [=](int64_t row) {
    const T* from = x + row * C;
    y[row] = static_cast<T>(f(from, C, C > 0 ? mean_of(from, C) : 0.0));
  });
}

/// Calls f(cotangent, row, dx of the row) for each row of dx; writes zeros where the cotangent is
/// 0.
template <class T, class F>
void for_rows_with_cotangent(const T* g, T* dx, int64_t R, int64_t C, const F& f) {
  if (C == 0) return;
  parallel_for_each(R, 3 * C + 64, [=](int64_t row) {
    T* to = dx + row * C;
    if (g[row] == 0)
      std::fill(to, to + C, T{0});
    else
      f(static_cast<double>(g[row]), row, to);
  });
}

}  // namespace

template <class T>
void variance(const T* x, T* y, int64_t R, int64_t C, double divisor) {
  for_rows(x, y, R, C, [divisor](const T* row, int64_t n, double mean) {
    return squares_of(row, n, mean) / divisor;
  });
}

template <class T>
void standard_deviation(const T* x, T* y, int64_t R, int64_t C, double divisor) {
  for_rows(x, y, R, C, [divisor](const T* row, int64_t n, double mean) {
    return deviation_of(row, n, mean, divisor);
  });
}

template <class T>
void variance_vjp(const T* g, const T* x, T* dx, int64_t R, int64_t C, double divisor) {
  for_rows_with_cotangent(g, dx, R, C, [=](double cotangent, int64_t row, T* to) {
    const T* from = x + row * C;
    scale_deviations(from, 2 * cotangent / divisor, mean_of(from, C), to, C);
  });
}

template <class T>
void standard_deviation_vjp(const T* g, const T* x, const T* y, T* dx, int64_t R, int64_t C,
                            double divisor) {
  for_rows_with_cotangent(g, dx, R, C, [=](double cotangent, int64_t row, T* to) {
    if (y[row] == 0) return static_cast<void>(std::fill(to, to + C, T{0}));
    deviation_vjp_row(cotangent, x + row * C, static_cast<double>(y[row]), to, C, divisor);
  });
}

GRADUS_INSTANTIATE_FLOATS(variance)
GRADUS_INSTANTIATE_FLOATS(standard_deviation)
GRADUS_INSTANTIATE_FLOATS(variance_vjp)
GRADUS_INSTANTIATE_FLOATS(standard_deviation_vjp)

}  // namespace gradus::kernels
