#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct AttentionOptions {
  /// Broadcasts to [B, H, Q, K]. Boolean: true where a query takes part with a key. Of the dtype of
  /// q: is added to the scores, and gets a gradient.
  Tensor mask = {};
  /// How many keys each sequence has, int64 [B]; undefined if all have K. What the others hold has
  /// no effect, not even NaN.
  Tensor lengths = {};
  /// Whether query i takes part with keys up to K - Q + i only: the last query with all, whatever
  /// the lengths are.
  bool causal = false;
  std::optional<double> scale = std::nullopt;  ///< of the products q k; 1 / sqrt(d) by default
  double dropout = 0;                          ///< of the weights; acts whenever it is not 0
  /// The heads of queries [B, Q, H d]. Left out for queries [B, H, Q, d].
  std::optional<std::int64_t> num_heads = std::nullopt;
};

/// softmax(scale q k^T + mask) v for each head:
///
///   q [B, H, Q, d], k [B, H, K, d], v [B, H, K, dv] -> [B, H, Q, dv], or with `.num_heads = H`
///   q [B, Q, H d],  k [B, K, H d],  v [B, K, H dv]  -> [B, Q, H dv], where the heads lie side by
///   side, as the projections of a layer leave them: they are read in place.
///
/// k and v may have fewer heads, of which each serves the same number of consecutive query heads
/// (grouped queries). A query that takes part with no key gives 0 and has the gradient 0. Memory is
/// linear in Q and K: the weights are computed block by block, and again in backward.
///
/// Throws ShapeError, IndexError for a length outside [0, K], DTypeError, ValueError for a scale
/// that is not finite and a dropout outside [0, 1].
/// Sources: Vaswani et al., "Attention Is All You Need", 2017; Dao et al., "FlashAttention: Fast
/// and Memory-Efficient Exact Attention with IO-Awareness", 2022; Ainslie et al., "GQA: Training
/// Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", 2023.
GRADUS_API Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                               const AttentionOptions& options = {},
                                               Generator& generator = default_generator());

/// The weights [B, H, Q, K] of scaled_dot_product_attention() without dropout, which it never holds
/// as a whole: to look at them, or to train them.
GRADUS_API Tensor attention_weights(const Tensor& q, const Tensor& k,
                                    const AttentionOptions& options = {});

}  // namespace gradus
