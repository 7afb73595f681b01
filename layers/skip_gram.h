#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/skip_gram.h>
#include <gradus/layers/embedding.h>

namespace gradus {

/// skip_gram_loss() of the weights of two tables. All options of the tables apply as in their own
/// lookups: `max_norm` first scales down the rows of centers, contexts and negatives.
/// centers, contexts: int64 [B]; negatives: int64 [B, K]. Returns [], or [B] without reduction.
/// Throws ShapeError, DTypeError, IndexError naming the first bad id.
GRADUS_API Tensor skip_gram_loss(const Embedding& input, const Embedding& output,
                                 const Tensor& centers, const Tensor& contexts,
                                 const Tensor& negatives, Reduction reduction = Reduction::sum);

/// Initialises the tables as word2vec does: input from U(-0.5 / D, 0.5 / D), output and padding
/// rows with zeros.
GRADUS_API void init_skip_gram(const Embedding& input, const Embedding& output,
                               Generator& generator = default_generator());

}  // namespace gradus
