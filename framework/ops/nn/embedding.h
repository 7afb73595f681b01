#pragma once
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// How embedding() looks rows up.
struct EmbeddingLookup {
  std::int64_t padding_idx = -1;    ///< the row whose lookups give no gradient; -1 for none
  bool scale_grad_by_freq = false;  ///< divide the gradient of a row by how often it is looked up
  bool sparse = false;              ///< the gradient of the weight is a SparseGrad
};

/// Looks up rows of a table: weight [V, D], ids of any shape; returns ids.shape() + [D]. The
/// padding row is returned as it is. The gradient of a row is the sum of the cotangents of its
/// lookups in this call, divided by their number if scale_grad_by_freq is set. A sparse gradient
/// has one entry per lookup that is not padding, in order. Backward needs the ids but not the
/// values of the weight, which may change in place before it.
/// Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor embedding(const Tensor& weight, const Tensor& ids,
                            const EmbeddingLookup& lookup = {});

namespace detail {

/// The gradient of a table of shape [V, D] from the cotangents g (n D elements) of the rows that
/// were looked up by ids (n elements). It may share the storage of g and ids.
GRADUS_API SparseGrad embedding_gradient(const Tensor& g, const Tensor& ids,
                                         const EmbeddingLookup& lookup, const Shape& table);

}  // namespace detail
}  // namespace gradus
