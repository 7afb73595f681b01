#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Elementwise, for float tensors; two tensors broadcast as in NumPy. Each throws ShapeError if
// shapes do not broadcast, DTypeError for mixed or unsupported dtypes.

/// a^b, with the special values of IEEE 754: 1 for b = 0 and for a = 1, whatever the other one is;
/// NaN for a < 0 and a b that is not an integer. The gradient of a is 0 where b is 0, that of b is
/// 0 where a is 0 and b >= 0, and NaN where a < 0.
GRADUS_API Tensor pow(const Tensor& a, const Tensor& b);
GRADUS_API Tensor pow(const Tensor& a, double b);
GRADUS_API Tensor pow(double a, const Tensor& b);

/// x^2, for float and int64 tensors.
GRADUS_API Tensor square(const Tensor& x);
/// 1 / x.
GRADUS_API Tensor reciprocal(const Tensor& x);
/// 1 / sqrt(x); infinite at 0, NaN below.
GRADUS_API Tensor rsqrt(const Tensor& x);

}  // namespace gradus
