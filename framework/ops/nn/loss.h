#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// How the losses of the elements are reduced: to their mean, to their sum, or not at all.
enum class Reduction : std::uint8_t { mean, sum, none };

struct CrossEntropyOptions {
  std::int64_t ignore_index = -100;       ///< elements with this label are ignored
  Reduction reduction = Reduction::mean;  ///< over the elements that are not ignored
};

/// -log(softmax(logits)[label]), in one pass. logits: float [N, C] with labels int64 [N], or [C]
/// with []; returns [] or, with Reduction::none, the shape of labels (0 where ignored). The mean
/// over nothing (N = 0, all ignored) is 0 with gradient 0, where PyTorch has NaN. The loss of a
/// label with logit -infinity is infinity.
/// Throws ShapeError, DTypeError, IndexError for a label that is neither in [0, C) nor ignored.
GRADUS_API Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                                const CrossEntropyOptions& options = {});

/// -log_probabilities[label], for the output of log_softmax; otherwise like cross_entropy.
GRADUS_API Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels,
                           const CrossEntropyOptions& options = {});

/// (x - target)^2 for float tensors of one shape; both get gradients. Returns [] or, with
/// Reduction::none, the shape of x. The mean over nothing is 0.
/// Throws ShapeError unless the shapes are equal (they do not broadcast), DTypeError.
GRADUS_API Tensor mse_loss(const Tensor& x, const Tensor& target,
                           Reduction reduction = Reduction::mean);

}  // namespace gradus
