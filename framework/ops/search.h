#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// The indices of the elements that are not 0, in row-major order: int64 [n, rank]. A NaN is not 0.
/// For tensors of any dtype.
GRADUS_API Tensor nonzero(const Tensor& x);

/// How often each of 0, 1, ... occurs among ids [n]: int64 [max(1 + greatest id, minlength)].
/// Throws IndexError for a negative id, ShapeError, DTypeError, ValueError if minlength is
/// negative.
GRADUS_API Tensor bincount(const Tensor& ids, std::int64_t minlength = 0);
/// The sums of the float weights [n] of each id, added in double in the order of their positions.
GRADUS_API Tensor bincount(const Tensor& ids, const Tensor& weights, std::int64_t minlength = 0);

/// How many elements of a sorted vector [C] are below each of `values`, or not above it if `right`:
/// the place before which the value could be inserted. The result is int64 and has the shape of
/// `values`, of any shape. With sorted rows [.., C] and values [.., m] with the same leading
/// axes, each value is looked up in its own row.
/// -0 equals 0, and a NaN counts as the greatest value, as in sort(). For float or int64 tensors.
/// Throws ValueError if a row is not in ascending order, ShapeError, DTypeError.
GRADUS_API Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);
GRADUS_API Tensor searchsorted(const Tensor& sorted, Number value, bool right = false);

}  // namespace gradus
