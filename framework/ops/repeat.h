#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace gradus {

// Ops that repeat, for tensors of any dtype; float tensors carry gradients. All copy.

/// Repeats the whole tensor counts[i] times along each axis i; if there are more counts than axes,
/// the first ones are for new leading axes. A count of 0 gives an empty tensor.
/// Throws ShapeError for fewer counts than axes, ValueError for a negative one.
GRADUS_API Tensor repeat(const Tensor& x, const std::vector<std::int64_t>& counts);

/// The same, but leading counts that are missing are 1. Throws ShapeError, ValueError.
GRADUS_API Tensor tile(const Tensor& x, const std::vector<std::int64_t>& counts);

/// Repeats each entry of an axis `count` times in a row; without an axis, each element of
/// flatten(x). Throws IndexError, ValueError for a negative count.
GRADUS_API Tensor repeat_interleave(const Tensor& x, std::int64_t count, std::int64_t axis);
GRADUS_API Tensor repeat_interleave(const Tensor& x, std::int64_t count);

/// Repeats entry i of an axis counts[i] times in a row; counts are int64 [n] for an axis of size n.
/// Throws IndexError, ShapeError, DTypeError, ValueError for a negative count.
GRADUS_API Tensor repeat_interleave(const Tensor& x, const Tensor& counts, std::int64_t axis);
GRADUS_API Tensor repeat_interleave(const Tensor& x, const Tensor& counts);

/// Repeats x along axes that have size 1, and along new leading ones: broadcast_to() in which a
/// size of -1 keeps that of x. Throws ShapeError.
GRADUS_API Tensor expand(const Tensor& x, std::span<const std::int64_t> sizes);
inline Tensor expand(const Tensor& x, std::initializer_list<std::int64_t> sizes) {
  return expand(x, std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}

/// The coordinates of a grid: from vectors [n0], [n1], ... it returns tensors [n0, n1, ...], where
/// the i-th one has the values of vector i along axis i. With indexing "xy" the first two axes of
/// the results are swapped. A tensor of rank 0 counts as [1].
/// Throws ValueError for an empty list or any other indexing, ShapeError, DTypeError.
GRADUS_API std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors,
                                        const std::string& indexing = "ij");

}  // namespace gradus
