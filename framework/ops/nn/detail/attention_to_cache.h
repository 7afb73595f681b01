#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/nn/attention.h>

namespace gradus::detail {

/// scaled_dot_product_attention() with `num_heads`, for keys and values [K, B, heads * size]: time
/// comes first, so that the first K rows of a longer buffer are a tensor.
GRADUS_API Tensor attention_to_cache(const Tensor& q, const Tensor& keys, const Tensor& values,
                                     const AttentionOptions& options, Generator& generator);

}  // namespace gradus::detail
