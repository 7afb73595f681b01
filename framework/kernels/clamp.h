#pragma once
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::kernels {

/// |x|, and the sign of x as -1, 0 or 1; NaN for NaN. int64_t too; the absolute value wraps around.
extern const UnaryKernel abs, sign;
/// The larger and the smaller of two; NaN if either is NaN. int64_t too.
extern const BinaryKernel maximum, minimum;

// Derivatives; 0 where g is 0.

extern const BinaryKernel abs_vjp;  ///< (g, x) -> g sign(x)
/// (g, a, b) -> the share of a: all of g where a is the result, half of g where both are (equal, or
/// both NaN), else 0.
extern const TernaryKernel maximum_vjp, minimum_vjp;

/// min(max(x, low), high), NaN for NaN, in parallel. T: float, double, int64_t.
template <class T>
void clamp(const T* x, T* y, int64_t n, T low, T high);

/// g where low <= x <= high, or, if not `inclusive`, low < x < high; else 0; NaN where x is NaN.
/// T: float, double.
template <class T>
void clamp_vjp(const T* g, const T* x, T* dx, int64_t n, T low, T high, bool inclusive);

}  // namespace gradus::kernels
