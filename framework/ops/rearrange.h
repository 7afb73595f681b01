#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <vector>

namespace gradus {

// For tensors of any dtype; float tensors carry gradients. All copy.

/// Reverses the order of the entries along each of the axes.
/// Throws IndexError, ValueError for a repeated axis.
GRADUS_API Tensor flip(const Tensor& x, const Axes& axes);

/// Shifts the entries of an axis by `shift` places; those that leave at the end come back at the
/// start, and a negative shift moves the other way. With several axes, each has its own shift;
/// shifts of the same axis add up. Without an axis the elements move in row-major order.
/// Throws IndexError, ValueError unless there are as many shifts as axes.
GRADUS_API Tensor roll(const Tensor& x, std::int64_t shift, std::int64_t axis);
GRADUS_API Tensor roll(const Tensor& x, std::int64_t shift);
GRADUS_API Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts,
                       const std::vector<std::int64_t>& axes);

/// Moves each axis source[i] to place destination[i] of the result; the others keep their order.
/// Throws IndexError, ValueError unless both lists have the same length and name no axis twice.
GRADUS_API Tensor movedim(const Tensor& x, const std::vector<std::int64_t>& source,
                          const std::vector<std::int64_t>& destination);
GRADUS_API Tensor movedim(const Tensor& x, std::int64_t source, std::int64_t destination);

/// Windows of `size` entries along an axis, each `step` after the one before, as a last axis:
/// x [B, T, C] -> [B, floor((T - size) / step) + 1, C, size] for axis 1.
/// Throws IndexError, ValueError unless size > 0 and step > 0, ShapeError if the axis is shorter
/// than a window.
GRADUS_API Tensor unfold(const Tensor& x, std::int64_t axis, std::int64_t size, std::int64_t step);

}  // namespace gradus
