#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// What becomes of the rows of a bag.
enum class BagMode { sum, mean, max };

/// "sum", "mean" or "max".
GRADUS_API const char* name(BagMode mode);

/// How embedding_bag() looks rows up.
struct EmbeddingBagLookup {
  BagMode mode = BagMode::mean;
  std::int64_t padding_idx = -1;  ///< the row whose members do not count; -1 for none
  /// Divide the gradient of a row by how often it is a member in the call. Not of a max.
  bool scale_grad_by_freq = false;
  bool sparse = false;               ///< the gradient of the weight is a SparseGrad. Not of a max
  bool include_last_offset = false;  ///< offsets end with the number of ids
};

/// The sum, mean or elementwise maximum of the rows of each bag: weight [V, D] gives [B, D]. Bags
/// are the rows of ids [B, T], or the parts of ids [n] that start at offsets [B] (with
/// include_last_offset [B + 1]); the first offset is 0, they never decrease and stay within n.
///
/// Members of the padding row count neither in the value, nor in the number that a mean divides
/// by, nor in gradients. A bag without members gives zeros. per_sample_weights, shaped as the ids,
/// are factors of the members of a sum and have gradients of their own.
///
/// The rows of the members are never written out: the gradient is added from the cotangents of the
/// bags to the rows of the table, or is a SparseGrad of one entry per member whose entries share
/// the cotangents of the bags. The gradient of a maximum goes to the first member that has it.
/// Backward needs values of the weight for the gradient of per_sample_weights only.
/// Throws IndexError, ShapeError, DTypeError, ValueError for options that do not go together.
GRADUS_API Tensor embedding_bag(const Tensor& weight, const Tensor& ids, const Tensor& offsets = {},
                                const EmbeddingBagLookup& lookup = {},
                                const Tensor& per_sample_weights = {});

namespace detail {

/// Throws ValueError for options that do not go together, starting with `operation`.
GRADUS_API void check_bag_options(const char* operation, const EmbeddingBagLookup& lookup);

/// All that embedding_bag() checks; a layer checks before it changes rows of its table.
GRADUS_API void check_bags(const Tensor& weight, const Tensor& ids, const Tensor& offsets,
                           const EmbeddingBagLookup& lookup, const Tensor& per_sample_weights);

}  // namespace detail
}  // namespace gradus
