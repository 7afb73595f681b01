#pragma once
#include <gradus/optim/optimizer.h>

namespace gradus {

struct GRADUS_API AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;
  double eps = 1e-6;
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  bool maximize = false;    ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(AdadeltaOptions& options);

/// Adadelta, with g = gradient + weight_decay w:
///   s = rho s + (1 - rho) g^2
///   d = sqrt(a + eps) / sqrt(s + eps) g
///   a = rho a + (1 - rho) d^2
///   w -= lr d
/// A sparse gradient is an error: each step moves every element of s.
/// Source: Zeiler 2012, Adadelta: an adaptive learning rate method, algorithm 1.
class GRADUS_API Adadelta : public OptimizerWith<AdadeltaOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override;
};

}  // namespace gradus
