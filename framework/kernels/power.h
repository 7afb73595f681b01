#pragma once
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::kernels {

extern const UnaryKernel square;             ///< x^2; int64_t too
extern const UnaryKernel reciprocal, rsqrt;  ///< 1 / x, 1 / sqrt(x)
extern const BinaryKernel pow;               ///< a^b, with the special values of IEEE 754

// Derivatives; 0 where g is 0.

extern const BinaryKernel square_vjp;         ///< (g, x) -> 2 g x
extern const BinaryKernel reciprocal_vjp;     ///< (g, y) -> -g y^2
extern const BinaryKernel rsqrt_vjp;          ///< (g, y) -> -g y^3 / 2
extern const TernaryKernel pow_vjp_base;      ///< (g, a, b) -> g b a^(b - 1), 0 where b is 0
extern const TernaryKernel pow_vjp_exponent;  ///< (g, y, a) -> g y log(a), 0 where a^b is 0 or a is
                                              ///< 0 and y finite

}  // namespace gradus::kernels
