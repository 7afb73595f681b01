#pragma once
#include <cstdint>

namespace gradus::kernels {

// Moments of the contiguous rows of [R, C], in double and in two passes. T: float, double.

/// y [R] = sum((x - mean(x))^2) / divisor.
template <class T>
void variance(const T* x, T* y, int64_t R, int64_t C, double divisor);

/// y [R] = sqrt(sum((x - mean(x))^2) / divisor), even if the squares leave the range of T or of
/// double.
template <class T>
void standard_deviation(const T* x, T* y, int64_t R, int64_t C, double divisor);

/// dx = 2 g (x - mean(x)) / divisor; zeros where g is 0.
template <class T>
void variance_vjp(const T* g, const T* x, T* dx, int64_t R, int64_t C, double divisor);

/// dx = g (x - mean(x)) / (divisor y), y = standard_deviation(x); zeros where g or y is 0.
template <class T>
void standard_deviation_vjp(const T* g, const T* x, const T* y, T* dx, int64_t R, int64_t C,
                            double divisor);

}  // namespace gradus::kernels
