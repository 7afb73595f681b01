#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/reduction.h>

namespace gradus {

// Losses of independent yes-or-no questions. x and target: float tensors of one shape, targets
// between 0 and 1; both get gradients. Each returns [] or, with Reduction::none, the shape of x.
// The mean divides by the number of elements, whatever they weigh; over nothing it is 0. Each
// throws ShapeError unless the shapes are equal (they do not broadcast), DTypeError, AutogradError
// for a weight that needs a gradient.

struct BinaryCrossEntropyOptions {
  Tensor weight = {};  ///< of the elements; broadcasts to the shape of x
  Reduction reduction = Reduction::mean;
};

/// -weight (target log(x) + (1 - target) log(1 - x)) for probabilities x. A logarithm counts as at
/// least -100, as in PyTorch: prefer binary_cross_entropy_with_logits(), which is exact.
/// Throws ValueError for an x outside [0, 1].
GRADUS_API Tensor binary_cross_entropy(const Tensor& x, const Tensor& target,
                                       const BinaryCrossEntropyOptions& options = {});

struct BinaryCrossEntropyLogitsOptions {
  Tensor weight = {};      ///< of the elements; broadcasts to the shape of x
  Tensor pos_weight = {};  ///< of the answer yes; broadcasts to the shape of x, as [C] to [N, C]
  Reduction reduction = Reduction::mean;
};

/// -weight (pos_weight target log(s) + (1 - target) log(1 - s)), s = sigmoid(x), without loss of
/// digits for any x. An answer of probability 0 has a term of 0, even where x is infinite.
GRADUS_API Tensor binary_cross_entropy_with_logits(
    const Tensor& x, const Tensor& target, const BinaryCrossEntropyLogitsOptions& options = {});

struct FocalOptions {
  double alpha = 0.25;  ///< the share of the answer yes; negative: no shares
  double gamma = 2;     ///< how much less sure answers count; 0: not at all
  Reduction reduction = Reduction::mean;
};

/// a_t (1 - p_t)^gamma ce, ce being the binary cross-entropy with logits, p_t the probability of
/// the right answer, p target + (1 - p) (1 - target), and a_t = alpha target + (1 - alpha) (1 -
/// target). Throws ValueError for a gamma that is negative or not finite, an alpha above 1. Source:
/// Lin et al. 2017, "Focal loss for dense object detection".
GRADUS_API Tensor sigmoid_focal_loss(const Tensor& x, const Tensor& target,
                                     const FocalOptions& options = {});

}  // namespace gradus
