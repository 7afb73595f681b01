#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <atomic>
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
  std::atomic<int64_t> first{n};
  parallel_for(n, 1, [&](int64_t begin, int64_t end) {
    if (begin > first.load(std::memory_order_relaxed)) return;
    const int64_t found = find_nonfinite(x, begin, end);
    if (found == end) return;
    int64_t known = first.load(std::memory_order_relaxed);
    while (found < known && !first.compare_exchange_weak(known, found, std::memory_order_relaxed)) {
    }
  });
  const int64_t found = first.load(std::memory_order_relaxed);
  return found < n ? found : -1;
}

template void fill(float*, float, int64_t);
template void fill(double*, double, int64_t);
template void fill(int64_t*, int64_t, int64_t);
template void fill(bool*, bool, int64_t);
template void axpy(float, const float*, float*, int64_t);
template void axpy(double, const double*, double*, int64_t);
template void axpy(int64_t, const int64_t*, int64_t*, int64_t);
template void add_to(const float*, float*, int64_t);
template void add_to(const double*, double*, int64_t);
template void add_to(const int64_t*, int64_t*, int64_t);
template void scale(float, float*, int64_t);
template void scale(double, double*, int64_t);
template void scale(int64_t, int64_t*, int64_t);
template int64_t first_nonfinite(const float*, int64_t);
template int64_t first_nonfinite(const double*, int64_t);

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
