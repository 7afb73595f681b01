#pragma once
#include <gradus/optim/optimizer.h>

#include <array>

namespace gradus {

struct GRADUS_API AdamaxOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  bool maximize = false;    ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(AdamaxOptions& options);

/// Adamax. In step t of a parameter, from 1, with g = gradient + weight_decay w:
///   m = beta1 m + (1 - beta1) g
///   u = max(beta2 u, |g| + eps)
///   w -= lr / (1 - beta1^t) m / u
/// A sparse gradient is an error: each step moves every element of m.
/// Source: Kingma and Ba 2015, Adam: a method for stochastic optimization, algorithm 2.
class GRADUS_API Adamax : public OptimizerWith<AdamaxOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override;
};

}  // namespace gradus
