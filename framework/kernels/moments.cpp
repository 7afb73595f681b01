#include <gradus/framework/kernels/blocks.h>
#include <gradus/framework/kernels/moments.h>
#include <gradus/framework/kernels/simd/wide_sum.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace gradus::kernels {

namespace {

constexpr int64_t row_block = 65536;  // elements of a row that one task adds

/// Sum of f(value as double, alone or as a batch).
template <class T, class F>
double sum_of(const T* x, int64_t n, const F& f) {
  return detail::blocked_sum<double>(n, row_block, 1, [&](int64_t begin, int64_t end) {
    return detail::add_up<double>(x + begin, end - begin, f);
  });
}

/// The mean of n >= 1 values; that of equal ones is exact.
template <class T>
double mean_of(const T* x, int64_t n) {
  const auto first = static_cast<double>(x[0]);
  const double sum =
      sum_of(x, n, [=](const auto& v) { return v - std::decay_t<decltype(v)>(first); });
  return first + sum / static_cast<double>(n);
}

/// sum((factor (x - mean))^2).
template <class T>
double squares_of(const T* x, int64_t n, double mean, double factor) {
  return sum_of(x, n, [=](const auto& v) {
    using V = std::decay_t<decltype(v)>;
    const V deviation = (v - V(mean)) * V(factor);
    return deviation * deviation;
  });
}

/// sqrt(sum((x - mean)^2) / divisor), also where the squares leave the range of double.
template <class T>
double deviation_of(const T* x, int64_t n, double mean, double divisor) {
  const double squares = squares_of(x, n, mean, 1);
  if (squares > 1e-280 && squares < 1e300) return std::sqrt(squares / divisor);
  double greatest = 0;
  for (int64_t i = 0; i < n; ++i) {
    greatest = std::max(greatest, std::fabs(static_cast<double>(x[i]) - mean));
  }
  // A power of 2, so that nothing is rounded twice. Of 0, NaN and infinity the squares are right.
  if (!(greatest > 0) || !std::isfinite(greatest)) return std::sqrt(squares / divisor);
  const double unit = std::ldexp(1.0, std::max(std::ilogb(greatest), -1000));  // 1 / unit is finite
  return unit * std::sqrt(squares_of(x, n, mean, 1 / unit) / divisor);
}

/// y = f(row, C, mean) for the rows of x.
template <class T, class F>
void for_rows(const T* x, T* y, int64_t R, int64_t C, const F& f) {
  parallel_for(R, 2 * C + 64, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * C;
      y[row] = static_cast<T>(f(from, C, C > 0 ? mean_of(from, C) : 0.0));
    }
  });
}

}  // namespace

template <class T>
void variance(const T* x, T* y, int64_t R, int64_t C, double divisor) {
  for_rows(x, y, R, C, [divisor](const T* row, int64_t n, double mean) {
    return squares_of(row, n, mean, 1) / divisor;
  });
}

template <class T>
void standard_deviation(const T* x, T* y, int64_t R, int64_t C, double divisor) {
  for_rows(x, y, R, C, [divisor](const T* row, int64_t n, double mean) {
    return deviation_of(row, n, mean, divisor);
  });
}

template <class T>
void scaled_deviations(const T* x, const double* scale, T* dx, int64_t R, int64_t C) {
  parallel_for(R, 3 * C + 64, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * C;
      T* to = dx + row * C;
      if (scale[row] == 0) {
        std::fill(to, to + C, T{0});
        continue;
      }
      const double mean = C > 0 ? mean_of(from, C) : 0.0, factor = scale[row];
      parallel_for(C, 2, [=](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i)
          to[i] = static_cast<T>(factor * (static_cast<double>(from[i]) - mean));
      });
    }
  });
}

#define GRADUS_MOMENTS(T)                                                   \
  template void variance(const T*, T*, int64_t, int64_t, double);           \
  template void standard_deviation(const T*, T*, int64_t, int64_t, double); \
  template void scaled_deviations(const T*, const double*, T*, int64_t, int64_t);
GRADUS_MOMENTS(float)
GRADUS_MOMENTS(double)
#undef GRADUS_MOMENTS

}  // namespace gradus::kernels
