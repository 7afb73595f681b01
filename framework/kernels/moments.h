#pragma once
#include <cstdint>

namespace gradus::kernels {

// Of the rows of [R, C], contiguous; in double and in two passes. T: float, double.

/// y [R] = sum((x - mean(x))^2) / divisor.
template <class T>
void variance(const T* x, T* y, int64_t R, int64_t C, double divisor);

/// y [R] = sqrt(sum((x - mean(x))^2) / divisor), also where the squares leave the range of T or of
/// double.
template <class T>
void standard_deviation(const T* x, T* y, int64_t R, int64_t C, double divisor);

/// dx = scale_r (x - mean(x)), zeros where scale_r is 0.
template <class T>
void scaled_deviations(const T* x, const double* scale, T* dx, int64_t R, int64_t C);

}  // namespace gradus::kernels
