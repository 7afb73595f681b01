#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/reduction.h>

#include <cstdint>

namespace gradus {

struct CrossEntropyOptions {
  Tensor weight = {};                     ///< of the classes, [C], of the logits' dtype; none: 1
  std::int64_t ignore_index = -100;       ///< elements with this label are ignored
  Reduction reduction = Reduction::mean;  ///< over the elements that are not ignored
  double label_smoothing = 0;             ///< the share of each label that all classes get evenly
};

/// The cross-entropy of softmax(logits), in one pass. logits: float [..., C]. labels: int64 [...],
/// the class of each element, or probabilities, float [..., C], which need not add up to 1 and may
/// have a gradient. With w the weight, e the smoothing and lp = log_softmax(logits):
///
///   loss = -(1 - e) w_label lp_label - e / C sum_c w_c lp_c           of a label
///   loss = -sum_c w_c ((1 - e) p_c + e / C) lp_c                      of probabilities p
///
/// Returns [] or, with Reduction::none, [...], 0 where ignored. The mean of labels divides by the
/// sum of their w_label, that of probabilities by their number. The mean over nothing (no elements,
/// all ignored, all of weight 0) is 0 with gradient 0, where PyTorch has NaN. A class with a share
/// of 0 has no term of its own, whatever its logit; the loss of a label with logit -infinity is
/// infinity.
/// Throws ShapeError, DTypeError, IndexError for a label that is neither in [0, C) nor ignored,
/// ValueError for a smoothing outside [0, 1], a weight that is negative or not finite, or an
/// ignore_index >= 0 with probabilities, AutogradError for a weight that needs a gradient.
GRADUS_API Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                                const CrossEntropyOptions& options = {});

struct NllOptions {
  Tensor weight = {};                     ///< of the classes, [C], of the dtype of x; none: 1
  std::int64_t ignore_index = -100;       ///< elements with this label are ignored
  Reduction reduction = Reduction::mean;  ///< over the elements that are not ignored
};

/// -weight_label log_probabilities[label], for the output of log_softmax; otherwise like
/// cross_entropy of labels.
GRADUS_API Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels,
                           const NllOptions& options = {});

}  // namespace gradus
