#pragma once
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::kernels {

/// Rounding to an integer: downwards, upwards, to the nearest (ties to even), towards zero.
extern const UnaryKernel floor, ceil, round, trunc;

/// The remainder of a divided by b: with the sign of a, with the sign of b. NaN for b = 0; integers
/// must have b != 0.
extern const BinaryKernel fmod, remainder;

/// a / b rounded downwards; int64_t only, b != 0; wraps around.
extern const BinaryKernel floor_divide;

// Derivatives with respect to b, from g, a and b: -g times a / b rounded towards zero, and
// downwards; 0 where g is 0.

extern const TernaryKernel fmod_vjp_b, remainder_vjp_b;

/// The position of the first 0, or -1 if there is none.
int64_t first_zero(const int64_t* x, int64_t n);

}  // namespace gradus::kernels
