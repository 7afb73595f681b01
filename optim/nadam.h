#pragma once
#include <gradus/optim/optimizer.h>

#include <array>

namespace gradus {

struct GRADUS_API NAdamOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  double momentum_decay = 4e-3;
  bool decoupled_weight_decay = false;  ///< decay shrinks w by 1 - lr * weight_decay instead
  bool maximize = false;                ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(NAdamOptions& options);

/// Adam with Nesterov's momentum. In step t of a parameter, from 1, with g = gradient +
/// weight_decay w and mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), m and v as in Adam:
///   d = sqrt(v / (1 - beta2^t)) + eps
///   w -= lr (1 - mu_t) / (1 - mu_1 ... mu_t) g / d
///      + lr mu_(t+1) / (1 - mu_1 ... mu_(t+1)) m / d
/// A sparse gradient is an error: each step moves every element of m.
/// Source: Dozat 2016, Incorporating Nesterov momentum into Adam, algorithm 2.
class GRADUS_API NAdam : public OptimizerWith<NAdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override;
};

}  // namespace gradus
