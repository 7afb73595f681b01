#pragma once
#include <gradus/optim/optimizer.h>

#include <cstddef>
#include <cstdint>

namespace gradus {

struct GRADUS_API SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;     ///< of the gradients that enter the momentum, except the first
  double weight_decay = 0;  ///< adds weight_decay * w to the gradient
  bool nesterov = false;    ///< needs momentum > 0 and dampening = 0
  bool maximize = false;    ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(SGDOptions& options);
/// Throws ValueError for Nesterov's momentum without momentum or with dampening.
GRADUS_API void check_options(const SGDOptions& options);

/// Stochastic gradient descent, with g = gradient + weight_decay w:
///   w -= lr g                                                without momentum
///   b = momentum b + (1 - dampening) g (at first b = g)      with momentum
///   w -= lr b, or w -= lr (g + momentum b) with nesterov
///
/// A sparse gradient has the same effect as the dense one. Without momentum only its rows are
/// touched. With momentum all rows move, so a step costs as much as a dense one. A gradient without
/// rows (nnz 0) changes nothing. A sparse gradient with weight_decay is an error: decay would touch
/// every row.
/// Source: Sutskever et al. 2013, On the importance of initialization and momentum in deep
/// learning.
class GRADUS_API SGD : public OptimizerWith<SGDOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  bool uses_buffer(std::size_t buffer, std::int64_t group) const override;
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;
};

}  // namespace gradus
