#pragma once
#include <cstdint>

namespace gradus::kernels {

// Functions of the contiguous rows of [R, C]. T: float, double. Outputs may be the same memory as
// an input of the same shape. A NaN or +infinity in a row makes the row NaN. Sums accumulate in
// double, in runs. Exponentials below the least normal number count as 0.

/// y = exp(x) / sum(exp(x)); zeros for a row that is all -infinity.
template <class T>
void softmax(const T* x, T* y, int64_t R, int64_t C);

/// y = x - log(sum(exp(x))); -infinity for a row that is all -infinity.
template <class T>
void log_softmax(const T* x, T* y, int64_t R, int64_t C);

/// dx = y (g - sum(g y)), y = softmax(x).
template <class T>
void softmax_vjp(const T* g, const T* y, T* dx, int64_t R, int64_t C);

/// dx = g - exp(y) sum(g), y = log_softmax(x).
template <class T>
void log_softmax_vjp(const T* g, const T* y, T* dx, int64_t R, int64_t C);

/// y [R] = log(sum(exp(x))); -infinity for a row that is all -infinity, +infinity for a row that
/// holds +infinity and no NaN.
template <class T>
void logsumexp(const T* x, double* y, int64_t R, int64_t C);

/// dx = g_r exp(x - y_r), y = logsumexp(x); 0 in a row that is all -infinity and where g_r is 0.
/// Where y_r is +infinity the elements of +infinity share g_r evenly.
template <class T>
void logsumexp_vjp(const T* g, const T* x, const double* y, T* dx, int64_t R, int64_t C);

}  // namespace gradus::kernels
