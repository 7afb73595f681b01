#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// Sequences of ids, filled up to one length.
struct PaddedSequences {
  Tensor ids;      ///< int64 [B, T], T the greatest length
  Tensor lengths;  ///< int64 [B]
};

/// Fills sequences up with `padding` to the longest of them, or cuts them off at max_length (0: no
/// limit). Throws ValueError for a negative max_length.
GRADUS_API PaddedSequences pad_sequences(std::span<const std::vector<std::int64_t>> sequences,
                                         std::int64_t padding = 0, std::int64_t max_length = 0);

/// Sequences of ids, one after the other, as EmbeddingBag takes them.
struct FlatSequences {
  Tensor ids;      ///< int64 [N], N the sum of the lengths
  Tensor offsets;  ///< int64 [B], where each sequence begins
};

GRADUS_API FlatSequences flatten_sequences(std::span<const std::vector<std::int64_t>> sequences);

}  // namespace gradus
