#include <gradus/framework/detail/blocks.h>
#include <gradus/framework/detail/simd_wide_sum.h>
#include <gradus/framework/kernels/moments.h>

#include <algorithm>
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

}  // namespace

template <class T>
void variance(const T* x, T* y, int64_t R, int64_t C, double divisor) {
  parallel_for(R, 2 * C + 64, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * C;
      const double mean = C > 0 ? mean_of(from, C) : 0.0;
      const double squares = sum_of(from, C, [=](const auto& v) {
        const auto deviation = v - std::decay_t<decltype(v)>(mean);
        return deviation * deviation;
      });
      y[row] = static_cast<T>(squares / divisor);
    }
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

#define GRADUS_MOMENTS(T)                                         \
  template void variance(const T*, T*, int64_t, int64_t, double); \
  template void scaled_deviations(const T*, const double*, T*, int64_t, int64_t);
GRADUS_MOMENTS(float)
GRADUS_MOMENTS(double)
#undef GRADUS_MOMENTS

}  // namespace gradus::kernels
