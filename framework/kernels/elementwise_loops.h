#pragma once
// For elementwise kernels. Each function is written once, as a stateless lambda F that takes and
// returns batches.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/simd/loop.h>

namespace gradus::kernels {

using detail::Operand;

template <class F, class T>
void unary(const T* x, T* y, int64_t n) {
  if (n > 0) detail::map_batches(y, n, F{}, Operand<T>(x, 1));
}

template <class F, class T>
void unary_with_slope(const T* x, T* y, T* slope, int64_t n) {
  if (n > 0) detail::map_batches_twice(y, slope, n, F{}, Operand<T>(x, 1));
}

template <class F, class T>
void binary(const T* a, int64_t stride_a, const T* b, int64_t stride_b, T* y, int64_t n) {
  if (n > 0) detail::map_batches(y, n, F{}, Operand<T>(a, stride_a), Operand<T>(b, stride_b));
}

template <class F, class T>
void large_binary(const T* a, int64_t stride_a, const T* b, int64_t stride_b, T* y, int64_t n) {
  if (n > 0)
    detail::map_batches_past_caches(y, n, F{}, Operand<T>(a, stride_a), Operand<T>(b, stride_b));
}

template <class F, class T>
void ternary(const T* a, int64_t stride_a, const T* b, int64_t stride_b, const T* c,
             int64_t stride_c, T* y, int64_t n) {
  if (n > 0)
    detail::map_batches(y, n, F{}, Operand<T>(a, stride_a), Operand<T>(b, stride_b),
                        Operand<T>(c, stride_c));
}

/// y = f(a, b) for numbers, in a plain loop; one of the strides may be 0.
template <class F, class T, class Y = T>
void binary_each(const T* a, int64_t stride_a, const T* b, int64_t stride_b, Y* y, int64_t n) {
  constexpr F f;
  if (n <= 0) return;
  const T first_a = *a, first_b = *b;
  if (stride_a != 0 && stride_b != 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  } else if (stride_a != 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], first_b);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = f(first_a, b[i * stride_b]);
  }
}

/// The same for integers that wrap around: f gets them as unsigned.
template <class F>
void binary_i64(const int64_t* a, int64_t stride_a, const int64_t* b, int64_t stride_b, int64_t* y,
                int64_t n) {
  using Wrapping = decltype([](int64_t left, int64_t right) {
    return static_cast<int64_t>(F{}(static_cast<uint64_t>(left), static_cast<uint64_t>(right)));
  });
  binary_each<Wrapping>(a, stride_a, b, stride_b, y, n);
}

template <class F>
constexpr UnaryKernel make_unary(F, int64_t cost) {
  return {unary<F, float>, unary<F, double>, nullptr, cost};
}

/// F returns the value and the slope.
template <class F>
constexpr SlopeKernel make_with_slope(F, int64_t cost) {
  return {unary_with_slope<F, float>, unary_with_slope<F, double>, cost};
}

template <class F>
constexpr BinaryKernel make_binary(F, int64_t cost) {
  return {binary<F, float>, binary<F, double>, nullptr, cost};
}

/// For gradients, which often go to a leaf and are not read soon.
template <class F>
constexpr BinaryKernel make_binary_past_caches(F, int64_t cost) {
  return {binary<F, float>,       binary<F, double>,      nullptr, cost,
          large_binary<F, float>, large_binary<F, double>};
}

template <class F>
constexpr BinaryKernel make_binary_i64(F, int64_t cost) {
  return {binary<F, float>, binary<F, double>, binary_i64<F>, cost};
}

template <class F>
constexpr TernaryKernel make_ternary(F, int64_t cost) {
  return {ternary<F, float>, ternary<F, double>, cost};
}

/// y = f(x...), in parallel, for an f that has state.
template <class T, class F, class... X>
void map_with(F f, T* y, int64_t n, int64_t cost, const X*... x) {
  parallel_for(n, cost, [=](int64_t begin, int64_t end) {
    detail::map_batches(y + begin, end - begin, f, Operand<T>(x + begin, 1)...);
  });
}

template <class B>
B constant(double value) {
  return B(static_cast<typename B::value_type>(value));
}

/// 0 where g is 0, else dx, which may be NaN there.
template <class B>
B unless_zero(const B& g, const B& dx) {
  return detail::select(g == constant<B>(0), constant<B>(0), dx);
}

}  // namespace gradus::kernels
