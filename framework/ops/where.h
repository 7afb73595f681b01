#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Masks are boolean tensors. All shapes broadcast as in NumPy; tensors of any dtype, which must be
// equal; a C++ number takes the dtype of the tensor. What is not selected reaches neither value nor
// gradient, not even as NaN; of a cotangent of 0, every op before it but matrix products makes 0
// (see docs/conventions.md). Each throws ShapeError if shapes do not broadcast, DTypeError.

/// a where the mask is true, else b.
GRADUS_API Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);
GRADUS_API Tensor where(const Tensor& mask, const Tensor& a, Number b);
GRADUS_API Tensor where(const Tensor& mask, Number a, const Tensor& b);

/// value where the mask is true, else x.
GRADUS_API Tensor masked_fill(const Tensor& x, const Tensor& mask, Number value);

/// The elements of x where the mask is true, in order, as a vector.
GRADUS_API Tensor masked_select(const Tensor& x, const Tensor& mask);

}  // namespace gradus
