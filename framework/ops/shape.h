#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace gradus {

// For tensors of any dtype; float tensors carry gradients. An axis may be counted from the end.
//
// reshape, squeeze, unsqueeze, flatten, unflatten, and select and slice of the leading axis always
// share storage with x: a change in place is seen through both. All others always copy.

/// The values of x in another shape; one size may be -1 and is inferred from the others. Shares.
/// Throws ShapeError if the element counts differ.
GRADUS_API Tensor reshape(const Tensor& x, std::span<const std::int64_t> sizes);
inline Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> sizes) {
  return reshape(x, std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}
inline Tensor reshape(const Tensor& x, const Shape& shape) { return reshape(x, shape.sizes()); }

/// Merges the axes first to last, both included, into one; rank 0 becomes [1]. Shares.
/// Throws IndexError, ShapeError if last comes before first.
GRADUS_API Tensor flatten(const Tensor& x, std::int64_t first = 0, std::int64_t last = -1);

/// Splits one axis into several of the given sizes; one of them may be -1 and is inferred from the
/// others. Shares. Throws IndexError, ShapeError unless their product is the size of the axis.
GRADUS_API Tensor unflatten(const Tensor& x, std::int64_t axis,
                            std::span<const std::int64_t> sizes);
inline Tensor unflatten(const Tensor& x, std::int64_t axis,
                        std::initializer_list<std::int64_t> sizes) {
  return unflatten(x, axis, std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}

/// x without its axes of size 1. Shares.
GRADUS_API Tensor squeeze(const Tensor& x);
/// x without one axis, which must have size 1. Shares. Throws IndexError, ShapeError.
GRADUS_API Tensor squeeze(const Tensor& x, std::int64_t axis);

/// x with a new axis of size 1 that becomes axis `axis` of the result. Shares. Throws IndexError.
GRADUS_API Tensor unsqueeze(const Tensor& x, std::int64_t axis);

/// x with two axes swapped. Throws IndexError.
GRADUS_API Tensor transpose(const Tensor& x, std::int64_t axis0, std::int64_t axis1);

/// Axis i of the result is axis axes[i] of x. Throws IndexError, ValueError unless `axes` names
/// each axis once.
GRADUS_API Tensor permute(const Tensor& x, const std::vector<std::int64_t>& axes);

/// The tensors one after another along an axis; their other axes must be equal.
/// Throws ValueError for an empty list, ShapeError, DTypeError, IndexError.
GRADUS_API Tensor cat(const std::vector<Tensor>& tensors, std::int64_t axis = 0);

/// n tensors of one shape along a new axis of size n, which becomes axis `axis` of the result.
/// Throws ValueError for an empty list, ShapeError, DTypeError, IndexError.
GRADUS_API Tensor stack(const std::vector<Tensor>& tensors, std::int64_t axis = 0);

/// Indices start, start + step, ... before end along an axis, by the rules of x[start:end:step] in
/// NumPy: negative ones count from the end, those outside are left out, a negative step goes
/// backwards. The leading axis with step 1 shares. Throws IndexError, ValueError for step 0.
GRADUS_API Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t start, std::int64_t end,
                        std::int64_t step = 1);

/// The entry at one index of an axis, without the axis; a negative index counts from the end. The
/// leading axis shares. Throws IndexError.
GRADUS_API Tensor select(const Tensor& x, std::int64_t axis, std::int64_t index);

/// x repeated along axes that it lacks or that have size 1 there, as NumPy broadcasts.
/// Throws ShapeError.
GRADUS_API Tensor broadcast_to(const Tensor& x, const Shape& shape);

}  // namespace gradus
