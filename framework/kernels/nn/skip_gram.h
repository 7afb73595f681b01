#pragma once
#include <cstdint>

namespace gradus::kernels {

/// A batch of B pairs for skip-gram with negative samples, with the tables input [V, D] and output
/// [V', D]. Ids must be valid. T is float or double.
template <class T>
struct SkipGramBatch {
  const T* input;
  const T* output;
  const int64_t* centers;  ///< [B]: rows of input
  const int64_t* targets;  ///< [B, M]: rows of output; the word's context first, then the negatives
  int64_t B, M, D;         ///< M >= 1
};

/// losses[b] = -log s(v u_0) - sum over m >= 1 of log s(-v u_m), s the sigmoid, v the row of the
/// center and u_m those of the targets. The same pass over the rows computes the derivatives of
/// scale * losses[b]: input_grad [B, D] with respect to v, output_grad [B, M, D] with respect to
/// each u_m. Either may be null if it is not needed.
template <class T>
void skip_gram(const SkipGramBatch<T>& batch, T scale, T* losses, T* input_grad, T* output_grad);

}  // namespace gradus::kernels
