#pragma once
#include <gradus/optim/optimizer.h>

#include <cstddef>
#include <cstdint>

namespace gradus {

struct GRADUS_API RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  double momentum = 0;
  bool centered = false;  ///< divides by an estimate of the standard deviation
  bool maximize = false;  ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(RMSpropOptions& options);

/// RMSprop, with g = gradient + weight_decay w:
///   s = alpha s + (1 - alpha) g^2
///   d = sqrt(s) + eps                          with centered: a = alpha a + (1 - alpha) g,
///                                              d = sqrt(max(s - a^2, 0)) + eps
///   w -= lr g / d                              with momentum: b = momentum b + g / d, w -= lr b
/// A sparse gradient is an error: each step moves every element of s.
/// Source: Hinton 2012, Neural networks for machine learning, lecture 6e; Graves 2013, Generating
/// sequences with recurrent neural networks, eq. 38 to 45.
class GRADUS_API RMSprop : public OptimizerWith<RMSpropOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  bool uses_buffer(std::size_t buffer, std::int64_t group) const override;
  void update(Slot& slot) override;
};

}  // namespace gradus
