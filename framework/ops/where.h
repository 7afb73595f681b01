#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Masks are boolean tensors. All shapes broadcast as in NumPy. Tensors may have any dtype, but the
// same one; a C++ number takes the dtype of the tensor. What is not selected affects neither value
// nor gradient, not even if it is NaN: its cotangent is 0, and every op before it except matrix
// products then has gradient 0 (see docs/conventions.md). Each throws ShapeError if shapes do not
// broadcast, DTypeError.

/// a where the mask is true, else b.
GRADUS_API Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);
GRADUS_API Tensor where(const Tensor& mask, const Tensor& a, Number b);
GRADUS_API Tensor where(const Tensor& mask, Number a, const Tensor& b);

/// value where the mask is true, else x.
GRADUS_API Tensor masked_fill(const Tensor& x, const Tensor& mask, Number value);

/// The elements of x where the mask is true, in order, as a vector.
GRADUS_API Tensor masked_select(const Tensor& x, const Tensor& mask);

}  // namespace gradus
