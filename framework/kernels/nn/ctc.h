#pragma once
#include <cstdint>

// Connectionist temporal classification: sequences of logits [steps, C], whose softmax gives a
// label or a blank at each step, and targets, which are what is left of the labels of all steps
// once repeats are merged and blanks removed. Sums are in double, in logarithms. Nothing depends
// on the number of threads. T is float or double. Source: Graves et al. 2006, "Connectionist
// temporal classification: labelling unsegmented sequence data with recurrent neural networks".
namespace gradus::kernels {

template <class T>
struct CtcSequences {
  const T* logits;         ///< [B, steps, C]
  const int64_t* lengths;  ///< [B], in [0, steps]; null if all are `steps`
  int64_t B, steps, C, blank;

  int64_t length(int64_t b) const { return lengths != nullptr ? lengths[b] : steps; }
};

struct CtcTargets {
  const int64_t* labels;   ///< [B, size], in [0, C), none of them the blank
  const int64_t* lengths;  ///< [B], in [0, size]; null if all are `size`
  int64_t size;

  int64_t length(int64_t b) const { return lengths != nullptr ? lengths[b] : size; }
};

/// losses [B]: minus the logarithm of the probability of each target, infinity if it cannot be, NaN
/// for logits that have a NaN or +infinity. d_logits [B, steps, C], which may be null, gets the
/// derivative of each loss: 0 after the end of a sequence and where the loss is infinite.
template <class T>
void ctc_loss(const CtcSequences<T>& sequences, const CtcTargets& targets, double* losses,
              T* d_logits);

/// The most probable label of each step, the first of equal ones, with repeats merged and blanks
/// removed: labels [B, steps], the rest being the blank, and their number [B]. scores [B]: the
/// logarithm of the probability of these steps.
template <class T>
void ctc_greedy(const CtcSequences<T>& sequences, int64_t* labels, int64_t* lengths, T* scores);

/// The n <= width most probable targets that a search finds which keeps `width` prefixes at each
/// step: labels [B, n, steps], lengths [B, n], scores [B, n], falling; the score of one that is
/// missing is -infinity. Source: Hannun et al. 2014, "First-pass large vocabulary continuous speech
/// recognition using bi-directional recurrent DNNs", without a language model.
template <class T>
void ctc_beam(const CtcSequences<T>& sequences, int64_t width, int64_t n, int64_t* labels,
              int64_t* lengths, T* scores);

}  // namespace gradus::kernels
