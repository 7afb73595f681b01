#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <optional>

namespace gradus {

/// The positions [T, D] that are added to embeddings: sin(t / 10000^(2 i / D)) in column 2 i, and
/// its cosine in column 2 i + 1. Throws ValueError for negative sizes and an odd D, DTypeError.
/// Source: Vaswani et al., "Attention Is All You Need", 2017.
GRADUS_API Tensor sinusoidal_positions(std::int64_t T, std::int64_t D,
                                       DType dtype = DType::float32);

struct RotaryOptions {
  std::int64_t first = 0;  ///< the position of the first element of x
  double base = 10000;
  /// Whether elements 2 i and 2 i + 1 of a head are a pair, instead of i and d / 2 + i.
  bool interleaved = false;
  /// The heads of x [B, T, H d]. Left out for x [B, H, T, d].
  std::optional<std::int64_t> num_heads = std::nullopt;
};

/// Queries or keys whose pairs of elements are turned by the angle t / base^(2 i / d), for position
/// t and pair i: the product of a query and a key then depends on the difference of their
/// positions. Throws ShapeError for other shapes and for heads with an odd number of elements,
/// ValueError for a base that is not positive, a negative position and num_heads < 1, DTypeError.
/// Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
GRADUS_API Tensor rotary_embedding(const Tensor& x, const RotaryOptions& options = {});

/// A mask for attention with `.causal` that lowers the scores of keys far away: [H, 1, K], of which
/// that of head h is slope_h * (j - (K - 1)). The slopes are powers of 2^(-8 / H) if H is a power
/// of 2. Throws ValueError for H < 1 and K < 0, DTypeError.
/// Source: Press, Smith, Lewis, "Train Short, Test Long: Attention with Linear Biases Enables Input
/// Length Extrapolation", 2022.
GRADUS_API Tensor alibi_mask(std::int64_t H, std::int64_t K, DType dtype = DType::float32);

/// The same for attention in both directions: [H, Q, K], -slope_h times the distance of the key
/// from the query. The last query is at the last key. Throws ValueError, DTypeError.
GRADUS_API Tensor alibi_mask(std::int64_t H, std::int64_t Q, std::int64_t K,
                             DType dtype = DType::float32);

}  // namespace gradus
