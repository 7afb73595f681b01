#pragma once
#include <gradus/optim/optimizer.h>

#include <array>

namespace gradus {

struct GRADUS_API LionOptions {
  double lr = 1e-4;
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;  ///< shrinks w by the factor 1 - lr * weight_decay
};

GRADUS_API OptimizerInfo optimizer_info(LionOptions& options);

/// Lion:
///   w -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay w)
///   m = beta2 m + (1 - beta2) g
/// sign(0) is 0. A sparse gradient is an error: each step moves every element of m.
/// Source: Chen et al. 2023, Symbolic discovery of optimization algorithms, program 1.
class GRADUS_API Lion : public OptimizerWith<LionOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override;
};

}  // namespace gradus
