#include <gradus/framework/kernels/rows.h>
#include <gradus/optim/detail/row_order.h>

#include <numeric>

namespace gradus::detail {

// A counting sort by the slot of each position's row.
void RowOrder::sort(const SparseGrad& gradient) {
  const auto n = static_cast<std::size_t>(gradient.nnz());
  const std::int64_t* ids = gradient.ids().data<std::int64_t>();
  positions_.resize(n);
  if (gradient.is_coalesced()) {
    rows_.assign(ids, ids + n);
    begins_.resize(n + 1);
    std::iota(begins_.begin(), begins_.end(), 0);
    std::iota(positions_.begin(), positions_.end(), 0);
    return;
  }
  kernels::unique_rows(ids, gradient.nnz(), gradient.shape()[0], rows_, slots_);
  begins_.assign(rows_.size() + 2, 0);
  for (const std::int64_t slot : slots_) ++begins_[static_cast<std::size_t>(slot) + 2];
  for (std::size_t k = 2; k < begins_.size(); ++k) begins_[k] += begins_[k - 1];
  for (std::size_t i = 0; i < n; ++i) {
    const auto next = static_cast<std::size_t>(begins_[static_cast<std::size_t>(slots_[i]) + 1]++);
    positions_[next] = static_cast<std::int64_t>(i);
  }
}

}  // namespace gradus::detail
