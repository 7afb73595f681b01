#pragma once
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::kernels {

/// exp(x) - 1, log(1 + x), sin, cos and the error function, within 3 units in the last place.
extern const UnaryKernel expm1, log1p, sin, cos, erf;

// Derivatives from g and x; 0 where g is 0.

extern const BinaryKernel expm1_vjp;  ///< g exp(x)
extern const BinaryKernel log1p_vjp;  ///< g / (1 + x)
extern const BinaryKernel sin_vjp;    ///< g cos(x)
extern const BinaryKernel cos_vjp;    ///< -g sin(x)
extern const BinaryKernel erf_vjp;    ///< 2 / sqrt(pi) g exp(-x^2)

}  // namespace gradus::kernels
