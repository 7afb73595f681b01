#pragma once
#include <cstdint>

namespace gradus::kernels {

// Products, and running sums and products. float and double accumulate in double, int64_t wraps
// around. The derivatives do not divide, so zeros are not a special case.

/// y [R] = product of each row of [R, C], 1 if C is 0. T: float, double, int64_t.
template <class T>
void prod(const T* x, T* y, int64_t R, int64_t C);

/// dx [R, C] = g_r times the product of all other values of the row; 0 where g_r is 0.
/// T: float, double.
template <class T>
void prod_vjp(const T* g, const T* x, T* dx, int64_t R, int64_t C);

// Along the middle axis of x seen as [outer, n, inner]:

/// y_i = x_0 + ... + x_i; summed from the other end if `reverse`. T: float, double, int64_t.
template <class T>
void cumsum(const T* x, T* y, int64_t outer, int64_t n, int64_t inner, bool reverse);

/// y_i = x_0 ... x_i. T: float, double, int64_t.
template <class T>
void cumprod(const T* x, T* y, int64_t outer, int64_t n, int64_t inner);

/// dx_i = y_{i-1} s_i with s_i = g_i + x_{i+1} s_{i+1}, y = cumprod(x); 0 where s_i is 0.
/// T: float, double.
template <class T>
void cumprod_vjp(const T* g, const T* x, const T* y, T* dx, int64_t outer, int64_t n,
                 int64_t inner);

}  // namespace gradus::kernels
