#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/attention.h>
#include <gradus/layers/key_value_cache.h>
#include <gradus/layers/linear.h>

#include <cstdint>
#include <optional>

namespace gradus {

/// Queries and keys are turned by their positions: see rotary_embedding().
struct RotaryPositions {
  double base = 10000;
  bool interleaved = false;
};

struct MultiheadAttentionOptions {
  double dropout = 0;  ///< of the weights, in training mode
  bool bias = true;    ///< whether the projections have biases
  /// The features of keys and of values; embed_dim by default. If one differs, there are three
  /// weights instead of in_proj_weight, as in PyTorch.
  std::optional<std::int64_t> kdim = std::nullopt, vdim = std::nullopt;
  /// The heads of keys and values, each for several heads of queries; num_heads by default. A
  /// divisor of num_heads.
  std::optional<std::int64_t> kv_heads = std::nullopt;
  /// For attention of a sequence to itself.
  std::optional<RotaryPositions> rotary = std::nullopt;
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// What an attention layer takes beside sequences: see AttentionOptions.
struct AttentionInputs {
  Tensor mask = {};     ///< true where a query takes part with a key, or added to the scores
  Tensor lengths = {};  ///< of the keys, int64 [B]
  bool causal = false;
  /// For attention of a sequence to itself: what was there before x, to which x is added. No graph
  /// is recorded through it; lengths cannot be given with it.
  KeyValueCache* cache = nullptr;
};

/// Projects queries, keys and values, lets scaled_dot_product_attention() mix the values in
/// num_heads parts, and projects the result.
///
///   const MultiheadAttention attention(64, 4);
///   const Tensor y = attention(x, {.lengths = lengths, .causal = true});  // [B, T, 64]
///   const Tensor z = attention(y, memory, memory, {.lengths = memory_lengths});
///
/// Parameters have the names of PyTorch: in_proj_weight, the rows of q, k and v below each other,
/// or q_proj_weight, k_proj_weight and v_proj_weight; in_proj_bias; out_proj.weight, out_proj.bias.
/// The first start from xavier_uniform_, biases from 0, out_proj.weight as in Linear.
class GRADUS_API MultiheadAttention : public Module {
 public:
  GRADUS_TOO_LATE MultiheadAttention();
  template <class M>
  GRADUS_TOO_LATE MultiheadAttention& operator=(M&&);

  /// The generator must live as long as the layer. Throws ValueError for sizes that are not
  /// positive or not multiples of the heads, a dropout outside [0, 1], and rotary positions with a
  /// base that is not positive or heads of an odd size; DTypeError.
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                     const MultiheadAttentionOptions& options = {},
                     Generator& generator = default_generator());

  /// Of a sequence to itself: x [B, T, embed_dim] -> [B, T, embed_dim]. Where lengths end, x has no
  /// effect and the result is 0. Throws ShapeError, IndexError, DTypeError; the cache is then what
  /// it was.
  Tensor operator()(const Tensor& x, const AttentionInputs& inputs = {}) const;
  /// Of query [B, Q, embed_dim] to key [B, K, kdim] and value [B, K, vdim] -> [B, Q, embed_dim].
  /// Throws also ValueError for a cache, and if the layer has rotary positions; so do the others.
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                    const AttentionInputs& inputs = {}) const;
  /// Of query [B, Q, embed_dim] to what a cache holds.
  Tensor attend(const Tensor& query, const KeyValueCache& cache,
                const AttentionInputs& inputs = {}) const;
  /// Appends the projections of key and value to a cache. Throws as KeyValueCache::append().
  void append(KeyValueCache& cache, const Tensor& key, const Tensor& value) const;

  /// The weights [B, num_heads, Q, K] of the same attention, without dropout; their mean over axis
  /// 1 is what PyTorch returns. Of a sequence to itself, they are 0 where lengths end.
  Tensor weights(const Tensor& x, const AttentionInputs& inputs = {}) const;
  Tensor weights(const Tensor& query, const Tensor& key, const AttentionInputs& inputs = {}) const;

  std::int64_t embed_dim() const { return embed_dim_; }
  std::int64_t num_heads() const { return num_heads_; }
  std::int64_t head_dim() const { return embed_dim_ / num_heads_; }

 private:
  Parameter add_weight(const char* name, bool exists, std::int64_t rows, std::int64_t columns,
                       DType dtype);
  void check(const char* name, const Tensor& x, std::int64_t features) const;
  void refuse_rotary() const;
  Tensor step(const Tensor& x, const AttentionInputs& inputs) const;
  Tensor project(const Tensor& x, const Parameter& own, std::int64_t first_row,
                 std::int64_t rows) const;
  Tensor queries_of(const Tensor& x) const;
  Tensor keys_of(const Tensor& x) const;
  Tensor values_of(const Tensor& x) const;
  Tensor turned(const Tensor& x, std::int64_t heads, std::int64_t first) const;
  AttentionOptions options_of(const AttentionInputs& inputs) const;

  const std::int64_t embed_dim_, num_heads_, kv_width_, kdim_, vdim_;
  const bool is_packed_;
  const double dropout_;
  const std::optional<RotaryPositions> rotary_;
  Generator* const generator_;

 public:
  const Parameter in_proj_weight;  ///< [embed_dim + 2 kv_heads head_dim, embed_dim]; or undefined
  const Parameter q_proj_weight;   ///< [embed_dim, embed_dim]; or undefined
  const Parameter k_proj_weight;   ///< [kv_heads head_dim, kdim]; or undefined
  const Parameter v_proj_weight;   ///< [kv_heads head_dim, vdim]; or undefined
  const Parameter in_proj_bias;    ///< [embed_dim + 2 kv_heads head_dim]; undefined without bias
  const Linear out_proj;
};

}  // namespace gradus
