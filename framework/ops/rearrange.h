#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <vector>

namespace gradus {

// Of tensors of any dtype; float tensors carry gradients. All copy.

/// The entries of each of the axes in reverse order.
/// Throws IndexError, ValueError for a repeated axis.
GRADUS_API Tensor flip(const Tensor& x, const Axes& axes);

/// The entries of an axis moved on by `shift`, those that leave at the end coming in at the start;
/// a negative shift moves them back. Several axes have a shift each; shifts of one axis add up.
/// Without an axis the elements move in row-major order.
/// Throws IndexError, ValueError unless there are as many shifts as axes.
GRADUS_API Tensor roll(const Tensor& x, std::int64_t shift, std::int64_t axis);
GRADUS_API Tensor roll(const Tensor& x, std::int64_t shift);
GRADUS_API Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts,
                       const std::vector<std::int64_t>& axes);

/// Axes source[i] moved to places destination[i] of the result; the others keep their order.
/// Throws IndexError, ValueError unless both name as many axes, each once.
GRADUS_API Tensor movedim(const Tensor& x, const std::vector<std::int64_t>& source,
                          const std::vector<std::int64_t>& destination);
GRADUS_API Tensor movedim(const Tensor& x, std::int64_t source, std::int64_t destination);

}  // namespace gradus
