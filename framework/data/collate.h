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

/// A text as ids, and the id of its class.
struct LabeledIds {
  std::vector<std::int64_t> ids;
  std::int64_t label = 0;
};
/// Two texts as ids: a sentence and its translation, a question and an answer.
struct IdPair {
  std::vector<std::int64_t> first, second;
};

struct FlatBatch : FlatSequences {
  Tensor labels;  ///< int64 [B]
};
struct PaddedBatch : PaddedSequences {
  Tensor labels;  ///< int64 [B]
};
struct PairBatch {
  PaddedSequences first, second;
};

/// Makes batches for models that take ids and offsets:
///   DataLoader loader(samples, CollateFlat{}, {.batch_size = 32});
struct GRADUS_API CollateFlat {
  FlatBatch operator()(const std::vector<LabeledIds>& samples) const;
};

/// Makes batches for models that take padded ids and lengths. See pad_sequences() for the members.
struct GRADUS_API CollatePadded {
  std::int64_t padding = 0, max_length = 0;
  PaddedBatch operator()(const std::vector<LabeledIds>& samples) const;
};

/// The same for pairs; both sides are padded, each to its own length. Words and their tags are
/// pairs too: with a second_padding of -100, which cross_entropy and the metrics ignore.
struct GRADUS_API CollatePairs {
  std::int64_t padding = 0, second_padding = 0, max_length = 0;
  PairBatch operator()(const std::vector<IdPair>& samples) const;
};

/// Hands on the only sample of a batch: of sets whose samples are batches, such as a TokenStream.
struct CollateFirst {
  template <class Sample>
  Sample operator()(const std::vector<Sample>& samples) const {
    return samples.at(0);
  }
};

}  // namespace gradus
