#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/loss.h>

#include <cstdint>

namespace gradus {

// Connectionist temporal classification: logits [B, T, C] give a label or a blank at each of T
// steps, and a target is what is left of them once repeats are merged and blanks removed. The ops
// take logits, not probabilities; the output of log_softmax(), which softmax does not change, is as
// good. What logits and targets hold after the end of their sequence has no effect.
// Source: Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence
// Data with Recurrent Neural Networks", 2006.

struct CtcOptions {
  Tensor lengths = {};         ///< steps of each sequence, int64 [B]; undefined if all are T
  Tensor target_lengths = {};  ///< labels of each target, int64 [B]; undefined if all are S
  std::int64_t blank = 0;      ///< the class that stands for no label
  /// The mean is that of the losses, each divided by the number of its labels, or by 1 without any.
  Reduction reduction = Reduction::mean;
  bool zero_infinity = false;  ///< whether the loss of a target that cannot be is 0, not infinity
};

/// Minus the logarithm of the probability of targets, int64 [B, S]. It is infinite where a target
/// needs more steps than there are (one for each label, and one between equal ones), or where its
/// probability is 0; its gradient is 0 there. Returns [], or [B] without reduction; the mean over
/// nothing is 0.
/// Throws ShapeError, DTypeError, IndexError for a length, a label or a blank outside its range,
/// ValueError for a label that is the blank.
GRADUS_API Tensor ctc_loss(const Tensor& logits, const Tensor& targets,
                           const CtcOptions& options = {});

struct CtcDecodeOptions {
  Tensor lengths = {};     ///< steps of each sequence, int64 [B]; undefined if all are T
  std::int64_t blank = 0;  ///< the class that stands for no label
};

/// What was decoded of each sequence.
struct CtcPaths {
  Tensor labels;   ///< int64 [B, T], or [B, n, T]; the blank after the last label
  Tensor lengths;  ///< the number of labels: int64 [B], or [B, n]
  Tensor scores;   ///< logarithms of probabilities, [B] or [B, n]; without a gradient
};

// Both throw ShapeError, DTypeError, IndexError for a length or a blank outside its range,
// ValueError for logits that are NaN or infinity; -infinity is a probability of 0.

/// What is left of the most probable class of each step, the first of equal ones; its score is that
/// of these steps.
GRADUS_API CtcPaths ctc_greedy_decode(const Tensor& logits, const CtcDecodeOptions& options = {});

/// The n most probable targets that a beam search finds, falling, with the probabilities of all
/// alignments that it kept; each step keeps the `width` best prefixes. If there are fewer, the rest
/// have the score -infinity. Throws ValueError unless 0 < n <= width.
/// Source: Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using
/// Bi-Directional Recurrent DNNs", 2014, without a language model.
GRADUS_API CtcPaths ctc_beam_decode(const Tensor& logits, std::int64_t width, std::int64_t n = 1,
                                    const CtcDecodeOptions& options = {});

}  // namespace gradus
