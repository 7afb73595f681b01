#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/nn/reduction.h>

namespace gradus {

/// How skip_gram_loss() reduces and looks rows up.
struct SkipGramOptions {
  Reduction reduction = Reduction::sum;  ///< of the losses of the pairs
  EmbeddingLookup input = {}, output = {};
};

/// The skip-gram loss with negative samples, one fused op that reads each row once. For pair b,
/// with v the row of centers[b] in `input`, u_0 that of contexts[b] in `output` and u_k those of
/// negatives[b, :]:
///
///   loss_b = -log s(v u_0) - sum over k of log s(-v u_k),   s(x) = 1 / (1 + exp(-x))
///
/// input: [V, D], output: [W, D] of the same dtype; centers, contexts: int64 [B]; negatives: int64
/// [B, K]. Returns [], or [B] without reduction. A table that is looked up with `.sparse` gets a
/// SparseGrad with one row per lookup. Backward does not need the weights, which may change in
/// place before it.
///
/// The sum is the default because the learning rate of SGD then means the same as in word2vec
/// (0.025): on the King James Bible, batches of 128 to 4,096 pairs learn equally well at that rate,
/// while the mean over 1,024 pairs learns almost nothing. A sum also adds up all occurrences of a
/// frequent word in a batch, all computed from the same old row. Where that diverges,
/// `.scale_grad_by_freq = true` averages them row by row and needs a rate of about 0.1; lazy Adam
/// (0.002) works with any reduction.
/// Throws ShapeError, DTypeError, IndexError naming the first bad id, or a padding_idx that its
/// table does not have.
/// Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their
/// compositionality", equation 4.
GRADUS_API Tensor skip_gram_loss(const Tensor& input, const Tensor& output, const Tensor& centers,
                                 const Tensor& contexts, const Tensor& negatives,
                                 const SkipGramOptions& options = {});

namespace detail {

/// Throws as skip_gram_loss() does.
GRADUS_API void check_skip_gram(const Tensor& input, const Tensor& output, const Tensor& centers,
                                const Tensor& contexts, const Tensor& negatives);

}  // namespace detail
}  // namespace gradus
