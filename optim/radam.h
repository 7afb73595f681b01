#pragma once
#include <gradus/optim/optimizer.h>

#include <array>

namespace gradus {

struct GRADUS_API RAdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;              ///< adds weight_decay * w to the gradient
  bool decoupled_weight_decay = false;  ///< decay shrinks w by 1 - lr * weight_decay instead
  bool maximize = false;                ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(RAdamOptions& options);

/// Rectified Adam. In step t of a parameter, from 1, with g = gradient + weight_decay w, m and v as
/// in Adam, p = 2 / (1 - beta2) - 1 and p_t = p - 2 t beta2^t / (1 - beta2^t):
///   w -= lr m / (1 - beta1^t) r sqrt(1 - beta2^t) / (sqrt(v) + eps)     where p_t > 5,
///        r = sqrt((p_t - 4) (p_t - 2) p / ((p - 4) (p - 2) p_t))
///   w -= lr m / (1 - beta1^t)                                           elsewhere
/// A sparse gradient is an error: each step moves every element of m.
/// Source: Liu et al. 2020, On the variance of the adaptive learning rate and beyond, algorithm 2.
class GRADUS_API RAdam : public OptimizerWith<RAdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override;
};

}  // namespace gradus
