#pragma once
#include <gradus/framework/ops/loss.h>
#include <gradus/framework/random.h>
#include <gradus/framework/tensor.h>
#include <gradus/layers/embedding.h>

namespace gradus {

struct SkipGramOptions {
  Reduction reduction = Reduction::sum;  ///< of the losses of the pairs
};

/// The skip-gram loss with negative samples, one fused op that reads each row once. For pair b,
/// with v the row of centers[b] in `input`, u_0 that of contexts[b] in `output` and u_k those of
/// negatives[b, :]:
///
///   loss_b = -log s(v u_0) - sum over k of log s(-v u_k),   s(x) = 1 / (1 + exp(-x))
///
/// centers, contexts: int64 [B]; negatives: int64 [B, K]. Gives [], or [B] without reduction. All
/// options of the tables hold as in their own lookups; a sparse table gets a SparseGrad with one
/// row a lookup. Backward does not need the weights, which may change in place before it.
///
/// The sum is the default since a step of SGD then means what word2vec means by a learning rate
/// (0.025): on the King James Bible batches of 128 to 4,096 pairs learn equally well at that rate,
/// while the mean over 1,024 pairs does not leave its start. A sum also adds up all occurrences of
/// a frequent word in a batch, computed from the same old row. Where that blows up,
/// `.scale_grad_by_freq = true` averages them row by row and wants a rate of about 0.1; lazy Adam
/// (0.002) takes any reduction.
/// Throws ShapeError, DTypeError, IndexError naming the first bad id.
/// Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their
/// compositionality", equation 4.
GRADUS_API Tensor skip_gram_loss(const Embedding& input, const Embedding& output,
                                 const Tensor& centers, const Tensor& contexts,
                                 const Tensor& negatives, const SkipGramOptions& options = {});

/// Starts the tables as word2vec does: input from U(-0.5 / D, 0.5 / D), output zeros; padding rows
/// zeros.
GRADUS_API void init_skip_gram(const Embedding& input, const Embedding& output,
                               Generator& generator = default_generator());

}  // namespace gradus
