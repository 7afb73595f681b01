#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// How the rows of a bag are combined.
enum class BagMode { sum, mean, max };

/// "sum", "mean" or "max".
GRADUS_API const char* name(BagMode mode);

/// How embedding_bag() looks rows up.
struct EmbeddingBagLookup {
  BagMode mode = BagMode::mean;
  std::int64_t padding_idx = -1;  ///< the row whose members do not count; -1 for none
  /// Divide the gradient of a row by how often it is a member in the call. Not for a max.
  bool scale_grad_by_freq = false;
  bool sparse = false;               ///< the gradient of the weight is a SparseGrad. Not for a max
  bool include_last_offset = false;  ///< offsets end with the number of ids
};

/// The sum, mean or elementwise maximum of the rows of each bag: weight [V, D]; returns [B, D].
/// Bags are the rows of ids [B, T], or the parts of ids [n] that start at offsets [B] (with
/// include_last_offset, [B + 1]). The first offset is 0; offsets never decrease and are at most n.
///
/// Members that look up the padding row do not count: not in the value, not in the number that a
/// mean divides by, and not in gradients. A bag without members gives zeros. per_sample_weights,
/// which have the shape of ids, multiply the members of a sum and get gradients too.
///
/// The rows of the members are never written out: the gradient is added from the cotangents of the
/// bags to the rows of the table, or is a SparseGrad of one entry per member whose entries share
/// the cotangents of the bags. The gradient of a maximum goes to the first member that attains it.
/// Backward needs the values of the weight only for the gradient of per_sample_weights.
/// Throws IndexError, ShapeError, DTypeError, ValueError for options that cannot be combined.
GRADUS_API Tensor embedding_bag(const Tensor& weight, const Tensor& ids, const Tensor& offsets = {},
                                const EmbeddingBagLookup& lookup = {},
                                const Tensor& per_sample_weights = {});

namespace detail {

/// Throws ValueError, naming `operation`, for options that cannot be combined.
GRADUS_API void check_bag_options(const char* operation, const EmbeddingBagLookup& lookup);

/// Everything that embedding_bag() checks; a layer calls this before it changes rows of its table.
GRADUS_API void check_bags(const Tensor& weight, const Tensor& ids, const Tensor& offsets,
                           const EmbeddingBagLookup& lookup, const Tensor& per_sample_weights);

}  // namespace detail
}  // namespace gradus
