#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// For lengths int64 [B] of sequences of up to T elements: boolean [B, T], true where an element
/// belongs to its sequence. Throws DTypeError, ShapeError, IndexError for a length outside [0, T].
GRADUS_API Tensor length_mask(const Tensor& lengths, std::int64_t T);

/// x [B, T, ...] with zeros after the end of each sequence: what x holds there has no effect and
/// the gradient 0. x itself if the lengths are undefined. Throws as length_mask().
GRADUS_API Tensor zero_padding(const Tensor& x, const Tensor& lengths);

}  // namespace gradus
