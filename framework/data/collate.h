#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
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
GRADUS_API FlatSequences
flatten_sequences(std::span<const std::span<const std::int64_t>> sequences);
/// The same for sequences that belong to samples: flatten_sequences(samples, &Example::ids).
template <class Sample, class F>
FlatSequences flatten_sequences(const std::vector<Sample>& samples, F&& ids_of) {
  static_assert(std::is_reference_v<std::invoke_result_t<F&, const Sample&>>,
                "flatten_sequences: ids_of must return a reference into the sample");
  std::vector<std::span<const std::int64_t>> sequences;
  sequences.reserve(samples.size());
  for (const Sample& sample : samples) sequences.emplace_back(std::invoke(ids_of, sample));
  return flatten_sequences(std::span<const std::span<const std::int64_t>>(sequences));
}

}  // namespace gradus
