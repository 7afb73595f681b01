#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Elementwise rounding to an integer, for float tensors, with gradient 0. Each throws DTypeError
// for other dtypes.

/// Downwards.
GRADUS_API Tensor floor(const Tensor& x);
/// Upwards.
GRADUS_API Tensor ceil(const Tensor& x);
/// To the nearest integer, ties to even: 0.5 becomes 0, 1.5 becomes 2.
GRADUS_API Tensor round(const Tensor& x);
/// Towards zero.
GRADUS_API Tensor trunc(const Tensor& x);

// The remainder of a divided by b, for float and int64 tensors; shapes broadcast as in NumPy. NaN
// for b = 0. The gradient of a is g, that of b is -g times the integer quotient. Each throws
// ShapeError if shapes do not broadcast, DTypeError for mixed or unsupported dtypes, and for
// integers ValueError with the position of the first b that is 0.

/// With the sign of a: a - b trunc(a / b), as in C.
GRADUS_API Tensor fmod(const Tensor& a, const Tensor& b);
GRADUS_API Tensor fmod(const Tensor& a, Number b);
/// With the sign of b: a - b floor(a / b), as in Python.
GRADUS_API Tensor remainder(const Tensor& a, const Tensor& b);
GRADUS_API Tensor remainder(const Tensor& a, Number b);

/// a / b rounded downwards, as in Python, of int64 tensors. Throws as described above.
GRADUS_API Tensor floor_divide(const Tensor& a, const Tensor& b);
GRADUS_API Tensor floor_divide(const Tensor& a, Number b);

}  // namespace gradus
