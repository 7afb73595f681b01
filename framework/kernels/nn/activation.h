#pragma once
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::kernels {

extern const UnaryKernel gelu;         ///< x P(X <= x), X normal; 0 at -infinity
extern const UnaryKernel gelu_tanh;    ///< x / (1 + exp(-2 z)), z = sqrt(2 / pi) (x + 0.044715 x^3)
extern const UnaryKernel silu;         ///< x / (1 + exp(-x)); 0 at -infinity
extern const UnaryKernel logsigmoid;   ///< -log(1 + exp(-x))
extern const UnaryKernel mish;         ///< x tanh(log(1 + exp(x))); 0 at -infinity
extern const UnaryKernel softsign;     ///< x / (1 + |x|); 1 and -1 at infinity
extern const UnaryKernel hardsigmoid;  ///< x / 6 + 1/2 in [0, 1]
extern const UnaryKernel hardswish;    ///< x hardsigmoid(x); 0 at -infinity

/// The same with their derivatives.
extern const SlopeKernel gelu_with_slope, gelu_tanh_with_slope;

// Derivatives from g and x; 0 where g is 0.

extern const BinaryKernel silu_vjp, logsigmoid_vjp, mish_vjp, softsign_vjp;
/// NaN where x is; at -3 and 3 that of the flat side.
extern const BinaryKernel hardsigmoid_vjp, hardswish_vjp;

// With parameters, in parallel. T: float, double.

/// log(1 + exp(beta x)) / beta; x itself where beta x > threshold.
template <class T>
void softplus(const T* x, T* y, int64_t n, double beta, double threshold);
template <class T>
void softplus_vjp(const T* g, const T* x, T* dx, int64_t n, double beta, double threshold);

/// x where x > 0, else alpha (exp(x) - 1).
template <class T>
void elu(const T* x, T* y, int64_t n, double alpha);
/// g where x > 0, else g alpha exp(x).
template <class T>
void elu_vjp(const T* g, const T* x, T* dx, int64_t n, double alpha);

/// x where x > 0, else alpha (exp(x / alpha) - 1).
template <class T>
void celu(const T* x, T* y, int64_t n, double alpha);
/// g where x > 0, else g exp(x / alpha).
template <class T>
void celu_vjp(const T* g, const T* x, T* dx, int64_t n, double alpha);

/// x where x > 0, else slope x.
template <class T>
void leaky_relu(const T* x, T* y, int64_t n, double slope);
template <class T>
void leaky_relu_vjp(const T* g, const T* x, T* dx, int64_t n, double slope);

}  // namespace gradus::kernels
