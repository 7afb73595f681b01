#pragma once
#include <gradus/optim/detail/row_order.h>
#include <gradus/optim/optimizer.h>

#include <array>

namespace gradus {

struct GRADUS_API SparseAdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool maximize = false;  ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(SparseAdamOptions& options);

/// Adam for sparse gradients only: does what Adam with .lazy = true does to them. In step t of a
/// parameter, from 1, for only the rows of the coalesced gradient:
///   m = beta1 m + (1 - beta1) g
///   v = beta2 v + (1 - beta2) g^2
///   w -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)
/// Moments of other rows do not decay, and their weights do not move. A gradient without rows (nnz
/// 0) counts as a step and changes nothing else. A dense gradient is an error.
class GRADUS_API SparseAdam : public OptimizerWith<SparseAdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;

  detail::RowOrder order_;
};

}  // namespace gradus
