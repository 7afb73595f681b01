#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/sparse_grad.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradus::detail {

/// The positions of a sparse gradient, sorted by row. An optimizer keeps one, to reuse its memory.
class GRADUS_API RowOrder {
 public:
  void sort(const SparseGrad& gradient);

  /// The number of distinct rows; row(k) increases with k < size().
  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t row(std::int64_t k) const { return rows_[static_cast<std::size_t>(k)]; }
  /// The positions of row(k), in ascending order.
  const std::int64_t* begin(std::int64_t k) const {
    return positions_.data() + begins_[static_cast<std::size_t>(k)];
  }
  const std::int64_t* end(std::int64_t k) const { return begin(k + 1); }

 private:
  std::vector<std::int64_t> rows_, begins_, positions_, slots_;
};

}  // namespace gradus::detail
