#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace gradus {

namespace detail {
class LazyValues;
}

/// The values of a SparseGrad as they are stored: entry k is factors[k] * rows[sources[k]]. Where
/// undefined, sources[k] is k and factors[k] is 1.
struct SparseEntries {
  Tensor rows;     ///< [m] + shape[1:]
  Tensor sources;  ///< int64 [n], or undefined
  Tensor factors;  ///< [n] of the dtype of the rows, or undefined
};

/// The gradient of a row lookup: for a table of shape [V, ...], row ids and the rows of values that
/// belong to them. All other rows are zero. Ids may repeat until it is coalesced; values of
/// repeated ids add up. Copying copies handles.
class GRADUS_API SparseGrad {
 public:
  /// ids: int64 [n], each in [0, V); values: float [n] + shape[1:]; shape: that of the table.
  /// Throws ShapeError, DTypeError, IndexError.
  SparseGrad(Tensor ids, Tensor values, const Shape& shape);

  const Tensor& ids() const { return ids_; }
  /// [nnz] + shape[1:]. A gradient of bags, whose entries share rows, expands them on the first
  /// call; entries() does not.
  const Tensor& values() const;
  /// The values as they are stored, which is how optimizers and clipping read them.
  SparseEntries entries() const;
  /// The shape of the dense gradient that this represents.
  const Shape& shape() const { return shape_; }
  DType dtype() const;
  /// The number of stored rows; repeated ids count each time.
  std::int64_t nnz() const { return ids_.numel(); }
  /// Elements of one row.
  std::int64_t row_size() const { return shape_.numel(1, shape_.rank()); }
  /// True if the ids are strictly increasing.
  bool is_coalesced() const { return coalesced_; }

  /// The same gradient with strictly increasing ids; the values of repeated ids are added in order.
  SparseGrad coalesce() const;
  /// The dense gradient, of shape shape().
  Tensor to_dense() const;
  /// Adds alpha * this to `dense` of shape shape(), row by row.
  void add_to(const Tensor& dense, double alpha = 1.0) const;
  /// Multiplies all values by a number, in place.
  void mul_(double factor) const;

  /// "SparseGrad(nnz=6, shape=[10, 3], float32, uncoalesced)"
  std::string str() const;

 private:
  friend struct detail::Access;
  SparseGrad(Tensor ids, Tensor values, const Shape& shape, bool coalesced);
  SparseGrad(Tensor ids, SparseEntries entries, const Shape& shape);

  Tensor ids_, values_;
  std::shared_ptr<detail::LazyValues> lazy_;  // in place of values_; shared by copies
  Shape shape_;
  bool coalesced_ = false;
};

}  // namespace gradus
