#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/reduction.h>

namespace gradus {

// Losses of float tensors x and target of one shape; both get gradients. Each returns [] or, with
// Reduction::none, the shape of x. The mean over nothing is 0. With d = x - target:
// Each throws ShapeError unless the shapes are equal (they do not broadcast), DTypeError.

/// d^2.
GRADUS_API Tensor mse_loss(const Tensor& x, const Tensor& target,
                           Reduction reduction = Reduction::mean);

/// |d|; the gradient at 0 is 0.
GRADUS_API Tensor l1_loss(const Tensor& x, const Tensor& target,
                          Reduction reduction = Reduction::mean);

struct SmoothL1Options {
  double beta = 1;  ///< below it, |d| is squared
  Reduction reduction = Reduction::mean;
};

/// d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; l1_loss() if beta is 0. Throws ValueError
/// for a beta that is negative or not finite.
GRADUS_API Tensor smooth_l1_loss(const Tensor& x, const Tensor& target,
                                 const SmoothL1Options& options = {});

struct HuberOptions {
  double delta = 1;  ///< below it, |d| is squared
  Reduction reduction = Reduction::mean;
};

/// d^2 / 2 where |d| < delta, else delta (|d| - delta / 2). Throws ValueError unless delta is
/// finite and > 0.
GRADUS_API Tensor huber_loss(const Tensor& x, const Tensor& target,
                             const HuberOptions& options = {});

struct KlDivOptions {
  bool log_target = false;  ///< the targets are logarithms too
  bool batch_mean = false;  ///< a mean divides by the size of the first axis: it is then the mean
                            ///< of the divergences of its rows, which that over all elements is not
  Reduction reduction = Reduction::mean;
};

/// The terms of the Kullback-Leibler divergence of the distributions exp(x), x being the output of
/// log_softmax, from the targets: target (log(target) - x), or exp(target) (target - x) for targets
/// that are logarithms. A target of 0 has a term of 0, whatever x is. Throws ValueError for
/// batch_mean without a first axis or with another reduction than the mean.
GRADUS_API Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options = {});

}  // namespace gradus
