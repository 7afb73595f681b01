#pragma once
#include <gradus/framework/sparse_grad.h>
#include <gradus/framework/tensor.h>

#include <cstdint>

namespace gradus {

// Ids are int64 tensors; each is checked before anything is read: IndexError names the first one
// outside of its range, and where it is. Negative ids do not count from the end.

/// Entries ids [n] of one axis, in that order; an id may repeat. For ids == arange(n): x.
/// Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor index_select(const Tensor& x, std::int64_t axis, const Tensor& ids);

/// y[.., i, ..] = x[.., ids[.., i, ..], ..] along one axis; ids has the shape of x but for that
/// axis, and gives the shape of the result. Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor gather(const Tensor& x, std::int64_t axis, const Tensor& ids);

/// gather(x, axis, ids) where x and ids, of the same rank, broadcast to each other on the other
/// axes: take_along_axis(x, argsort(x, axis), axis) is x in order. NumPy's name and arguments;
/// PyTorch's take_along_dim. Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor take_along_axis(const Tensor& x, const Tensor& ids, std::int64_t axis);

/// ids of any shape as rows of 0 with a single 1: ids.shape() + [classes].
/// Throws IndexError, DTypeError, ValueError if classes is negative.
GRADUS_API Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype = DType::float32);

/// How embedding() looks rows up.
struct EmbeddingLookup {
  std::int64_t padding_idx = -1;    ///< the row whose lookups give no gradient; -1 for none
  bool scale_grad_by_freq = false;  ///< divide the gradient of a row by how often it is looked up
  bool sparse = false;              ///< the gradient of the weight is a SparseGrad
};

/// Rows of a table: weight [V, D], ids of any shape; gives ids.shape() + [D]. The padding row is
/// returned as it is. The gradient of a row is the sum of the cotangents of its lookups in this
/// call, divided by their number with scale_grad_by_freq. A sparse one has one entry per lookup
/// that is not padding, in order. Backward needs the ids but not the values of the weight, which
/// may change in place before it.
/// Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor embedding(const Tensor& weight, const Tensor& ids,
                            const EmbeddingLookup& lookup = {});

namespace detail {

/// Throws DTypeError unless ids are int64, IndexError for the first one outside [0, limit).
GRADUS_API void check_ids(const char* operation, const Tensor& ids, std::int64_t limit);

/// The gradient of a table of shape [V, D] by the cotangents g (n D elements) of the rows that were
/// looked up by ids (n elements). It may share the storage of g and ids.
GRADUS_API SparseGrad embedding_gradient(const Tensor& g, const Tensor& ids,
                                         const EmbeddingLookup& lookup, const Shape& table);

}  // namespace detail
}  // namespace gradus
