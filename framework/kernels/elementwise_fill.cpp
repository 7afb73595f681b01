#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/blocks.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace gradus::kernels {

using detail::Batch;
using detail::Operand;

template <class T>
void fill(T* y, T value, int64_t n) {
  parallel_for(n, 1, [=](int64_t begin, int64_t end) { std::fill(y + begin, y + end, value); });
}

template <class T>
void axpy(T alpha, const T* x, T* y, int64_t n) {
  parallel_for(n, 1, [=](int64_t begin, int64_t end) {
    if constexpr (std::is_integral_v<T>) {
      using Bits = std::make_unsigned_t<T>;  // which wrap around
      for (int64_t i = begin; i < end; ++i) {
        y[i] = static_cast<T>(static_cast<Bits>(y[i]) +
                              static_cast<Bits>(alpha) * static_cast<Bits>(x[i]));
      }
    } else {
      const Batch<T> factor(alpha);
      detail::map_batches(
          y + begin, end - begin,
          [&](const auto& xs, const auto& ys) { return detail::fma(factor, xs, ys); },
          Operand<T>(x + begin, 1), Operand<T>(y + begin, 1));
    }
  });
}

template <class T>
void add_to(const T* x, T* y, int64_t n) {
  run(add, x, 1, static_cast<const T*>(y), 1, y, n);
}

template <class T>
void scale(T alpha, T* y, int64_t n) {
  run(mul, static_cast<const T*>(y), 1, static_cast<const T*>(&alpha), 0, y, n);
}

template <class From, class To>
void convert(const From* x, To* y, int64_t n) {
  parallel_for(n, 1, [=](int64_t begin, int64_t end) {
    if constexpr (std::is_same_v<From, To>) {
      std::memcpy(y + begin, x + begin, static_cast<size_t>(end - begin) * sizeof(To));
    } else if constexpr (std::is_same_v<To, bool>) {
      for (int64_t i = begin; i < end; ++i) y[i] = x[i] != From{0};
    } else {
      for (int64_t i = begin; i < end; ++i) y[i] = static_cast<To>(x[i]);
    }
  });
}

namespace {

/// The position in [begin, end), or `end`.
template <class T>
int64_t find_nonfinite(const T* x, int64_t begin, int64_t end) {
  constexpr int64_t step = detail::batch_size<T>;
  const auto nonfinite = [](T value) { return value - value != T{0}; };  // NaN or inf - inf
  int64_t i = begin;
  for (; i + 4 * step <= end; i += 4 * step) {
    Batch<T> sum(T{0});
    for (int64_t k = 0; k < 4; ++k) {
      const Batch<T> values = Batch<T>::load_unaligned(x + i + k * step);
      sum += values - values;
    }
    if (detail::any(sum != Batch<T>(T{0}))) break;
  }
  while (i < end && !nonfinite(x[i])) ++i;
  return i;
}

}  // namespace

template <class T>
int64_t first_nonfinite(const T* x, int64_t n) {
  return detail::first_found(
      n, [=](int64_t begin, int64_t end) { return find_nonfinite(x, begin, end); });
}

GRADUS_INSTANTIATE_ALL(fill)
GRADUS_INSTANTIATE_NUMBERS(axpy)
GRADUS_INSTANTIATE_NUMBERS(add_to)
GRADUS_INSTANTIATE_NUMBERS(scale)
GRADUS_INSTANTIATE_FLOATS(first_nonfinite)

#define GRADUS_CONVERT_FROM(From)                                       \
  template void convert<From, float>(const From*, float*, int64_t);     \
  template void convert<From, double>(const From*, double*, int64_t);   \
  template void convert<From, int64_t>(const From*, int64_t*, int64_t); \
  template void convert<From, bool>(const From*, bool*, int64_t);
GRADUS_CONVERT_FROM(float)
GRADUS_CONVERT_FROM(double)
GRADUS_CONVERT_FROM(int64_t)
GRADUS_CONVERT_FROM(bool)
#undef GRADUS_CONVERT_FROM

}  // namespace gradus::kernels
