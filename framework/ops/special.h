#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Elementwise, for float tensors. Each throws DTypeError for other dtypes.

/// exp(x) - 1, precise near 0 too.
GRADUS_API Tensor expm1(const Tensor& x);
/// log(1 + x), precise near 0 too; -inf at -1, NaN below.
GRADUS_API Tensor log1p(const Tensor& x);
/// x in radians; NaN for infinity.
GRADUS_API Tensor sin(const Tensor& x);
GRADUS_API Tensor cos(const Tensor& x);
/// The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
GRADUS_API Tensor erf(const Tensor& x);

}  // namespace gradus
