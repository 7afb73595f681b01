#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/nn/attention.h>

namespace gradus::detail {

/// scaled_dot_product_attention() of a sequence to itself, whose queries, keys and values lie side
/// by side in one tensor [B, T, (num_heads + 2 kv_heads) size], as one product with a packed weight
/// makes them. `options` have num_heads.
GRADUS_API Tensor attention_of_packed(const Tensor& qkv, std::int64_t kv_heads,
                                      const AttentionOptions& options, Generator& generator);

}  // namespace gradus::detail
