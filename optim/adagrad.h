#pragma once
#include <gradus/optim/detail/row_order.h>
#include <gradus/optim/optimizer.h>

#include <cstddef>
#include <cstdint>

namespace gradus {

struct GRADUS_API AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  double initial_accumulator_value = 0;
  double eps = 1e-10;
  bool maximize = false;  ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(AdagradOptions& options);

/// Adagrad. In step t of a parameter, from 1, with g = gradient + weight_decay w:
///   s += g^2                                   (s is initial_accumulator_value at first)
///   w -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
/// A sparse gradient, once coalesced, has the same effect as the dense one, and touches only its
/// rows; t counts all steps of the parameter, even those whose gradient has no rows. A sparse
/// gradient with weight_decay is an error: decay would touch every row.
/// Source: Duchi et al. 2011, Adaptive subgradient methods for online learning.
class GRADUS_API Adagrad : public OptimizerWith<AdagradOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  double buffer_start(std::size_t buffer, std::int64_t group) const override;
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;

  detail::RowOrder order_;
};

struct GRADUS_API RowwiseAdagradOptions {
  double lr = 1e-2;
  double initial_accumulator_value = 0;
  double eps = 1e-10;
};

GRADUS_API OptimizerInfo optimizer_info(RowwiseAdagradOptions& options);

/// Adagrad with one number of state for each row of a parameter, as used for embedding tables in
/// recommender systems. For each row r of the gradient, with the mean over its elements:
///   s[r] += mean(g[r]^2)                       (s is initial_accumulator_value at first)
///   w[r] -= lr g[r] / (sqrt(s[r]) + eps)
/// Rows are the entries of the first axis. A sparse gradient, once coalesced, has the same effect
/// as the dense one.
/// Source: Mudigere et al. 2022, Software-hardware co-design for fast and scalable training of deep
/// learning recommendation models, section 4.1.4.
class GRADUS_API RowwiseAdagrad : public OptimizerWith<RowwiseAdagradOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  double buffer_start(std::size_t buffer, std::int64_t group) const override;
  Shape buffer_shape(std::size_t buffer, const Shape& parameter) const override;
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;
};

}  // namespace gradus
