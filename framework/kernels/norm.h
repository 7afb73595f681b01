#pragma once
#include <cstdint>

namespace gradus::kernels {

// p-norms of the contiguous rows of [R, C], accumulated in double; large and small values neither
// overflow nor underflow. NaN gives NaN. T: float, double.

/// y [R] = (sum(|x|^p) + eps)^(1/p); the number of nonzero elements for p = 0; max |x| and min |x|
/// for p = +-infinity. A negative p requires C >= 1; eps > 0 requires a finite p > 0.
template <class T>
void norm(const T* x, T* y, int64_t R, int64_t C, double p, double eps);

/// dx = g_r sign(x) (|x| / y_r)^(p - 1), 0 where x, y_r or g_r is 0; for infinite p the elements
/// that attain the norm share g_r evenly.
template <class T>
void norm_vjp(const T* g, const T* x, const T* y, T* dx, int64_t R, int64_t C, double p);

}  // namespace gradus::kernels
