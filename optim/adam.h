#pragma once
#include <gradus/optim/detail/row_order.h>
#include <gradus/optim/optimizer.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus {

struct GRADUS_API AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  bool amsgrad = false;     ///< divides by the greatest second moment so far
  bool lazy = false;        ///< takes sparse gradients, and updates only the rows they hold
  bool maximize = false;    ///< goes up along the gradient
};

struct GRADUS_API AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  ///< shrinks w by the factor 1 - lr * weight_decay
  bool amsgrad = false;        ///< divides by the greatest second moment so far
  bool lazy = false;           ///< takes sparse gradients, and updates only the rows they hold
  bool maximize = false;       ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(AdamOptions& options);
GRADUS_API OptimizerInfo optimizer_info(AdamWOptions& options);

namespace detail {

/// What Adam and AdamW share: everything except how weights decay.
template <class Options>
class GRADUS_API AdamFamily : public OptimizerWith<Options> {
 public:
  using OptimizerWith<Options>::OptimizerWith;

 private:
  using Slot = Optimizer::Slot;
  bool uses_buffer(std::size_t buffer, std::int64_t group) const override;
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;

  RowOrder order_;
};

extern template class AdamFamily<AdamOptions>;
extern template class AdamFamily<AdamWOptions>;

}  // namespace detail

/// Adam. In step t of a parameter, from 1, with g = gradient + weight_decay w:
///   m = beta1 m + (1 - beta1) g
///   v = beta2 v + (1 - beta2) g^2
///   w -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
/// With amsgrad, v in the last line is the elementwise maximum of v so far.
///
/// With lazy, a dense gradient is treated the same, and a sparse one as by PyTorch's SparseAdam:
/// once coalesced, for only the rows it holds,
///   m, v as above
///   w -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)
/// so that eps weighs more in early steps; moments of other rows do not decay and their weights do
/// not move. t counts all steps of the parameter, even those whose gradient has no rows (nnz 0),
/// which change nothing else. A sparse gradient is an error without lazy (Adam moves all rows that
/// ever had a gradient) and with weight_decay (which would reach only the rows present).
/// Source: Kingma and Ba 2015, Adam: a method for stochastic optimization; Reddi et al. 2018, On
/// the convergence of Adam and beyond.
class GRADUS_API Adam : public detail::AdamFamily<AdamOptions> {
 public:
  using AdamFamily::AdamFamily;
};

/// Adam with decoupled weight decay: w *= 1 - lr * weight_decay, then Adam's step with the gradient
/// as it is. All else is as in Adam.
/// Source: Loshchilov and Hutter 2019, Decoupled weight decay regularization.
class GRADUS_API AdamW : public detail::AdamFamily<AdamWOptions> {
 public:
  using AdamFamily::AdamFamily;
};

}  // namespace gradus
