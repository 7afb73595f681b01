#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// Reductions. The result has the shape of x without the reduced axes, or with size 1 there if
// `keepdim`; without axes everything is reduced, to rank 0. Float sums and means accumulate in
// double. NaN in gives NaN out.
// Each throws IndexError for an axis that x does not have, ValueError for an empty list or a
// repeated axis, DTypeError.

/// The sum; 0 over nothing. For int64 it is an int64 that wraps around, for boolean the int64 count
/// of true elements.
GRADUS_API Tensor sum(const Tensor& x);
GRADUS_API Tensor sum(const Tensor& x, const Axes& axes, bool keepdim = false);

/// The mean of a float tensor; NaN over nothing.
GRADUS_API Tensor mean(const Tensor& x);
GRADUS_API Tensor mean(const Tensor& x, const Axes& axes, bool keepdim = false);

/// True if any element of a boolean tensor is; false over nothing.
GRADUS_API Tensor any(const Tensor& x);
GRADUS_API Tensor any(const Tensor& x, const Axes& axes, bool keepdim = false);

/// True if all elements of a boolean tensor are; true over nothing.
GRADUS_API Tensor all(const Tensor& x);
GRADUS_API Tensor all(const Tensor& x, const Axes& axes, bool keepdim = false);

// The greatest and the least element of float or int64 tensors. A NaN counts as both.
// Each throws ShapeError where an axis to reduce has size 0.

/// The greatest element; where several are equal they share the gradient evenly.
GRADUS_API Tensor max(const Tensor& x);
GRADUS_API Tensor amax(const Tensor& x, const Axes& axes, bool keepdim = false);

/// The least element; where several are equal they share the gradient evenly.
GRADUS_API Tensor min(const Tensor& x);
GRADUS_API Tensor amin(const Tensor& x, const Axes& axes, bool keepdim = false);

/// Elements chosen along an axis, and their int64 places on it.
struct ValuesAndIndices {
  Tensor values, indices;
};

/// The greatest element along one axis and its first place; the element there gets the gradient.
GRADUS_API ValuesAndIndices max(const Tensor& x, std::int64_t axis, bool keepdim = false);
/// The least element along one axis and its first place; the element there gets the gradient.
GRADUS_API ValuesAndIndices min(const Tensor& x, std::int64_t axis, bool keepdim = false);

/// The first place of the greatest element, as int64: along an axis, or in row-major order.
GRADUS_API Tensor argmax(const Tensor& x);
GRADUS_API Tensor argmax(const Tensor& x, std::int64_t axis, bool keepdim = false);
/// The first place of the least element, as int64: along an axis, or in row-major order.
GRADUS_API Tensor argmin(const Tensor& x);
GRADUS_API Tensor argmin(const Tensor& x, std::int64_t axis, bool keepdim = false);

}  // namespace gradus
