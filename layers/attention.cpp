#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/detail/attention_of_packed.h>
#include <gradus/framework/ops/nn/detail/attention_to_cache.h>
#include <gradus/framework/ops/nn/lengths.h>
#include <gradus/framework/ops/nn/positions.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/where.h>
#include <gradus/layers/attention.h>
#include <gradus/layers/detail/unchanged_on_error.h>
#include <gradus/layers/detail/weights.h>

#include <cmath>
#include <string>

namespace gradus {
namespace {

constexpr const char* op = "multihead_attention";

std::int64_t checked_size(const char* name, std::int64_t size) {
  if (size >= 1) return size;
  throw ValueError(fmt::format("MultiheadAttention: {} is {}, it must be at least 1", name, size));
}

std::int64_t checked_multiple(const char* name, std::int64_t size, const char* of,
                              std::int64_t part) {
  checked_size(name, size);
  checked_size(of, part);
  if (size % part == 0) return size;
  throw ValueError(fmt::format("MultiheadAttention: {} is {}, it must be a multiple of {}, {}",
                               name, size, of, part));
}

double checked_dropout(double p) {
  if (p >= 0 && p <= 1) return p;
  throw ValueError(fmt::format("MultiheadAttention: dropout is {}, it must be between 0 and 1", p));
}

std::int64_t kv_width_of(std::int64_t embed_dim, std::int64_t num_heads,
                         const std::optional<std::int64_t>& kv_heads) {
  if (!kv_heads) return embed_dim;
  checked_multiple("num_heads", num_heads, "kv_heads", *kv_heads);
  return *kv_heads * (embed_dim / num_heads);
}

const std::optional<RotaryPositions>& checked_rotary(const std::optional<RotaryPositions>& rotary,
                                                     std::int64_t size) {
  if (!rotary) return rotary;
  if (!(rotary->base > 0) || std::isinf(rotary->base)) {
    throw ValueError(fmt::format(
        "MultiheadAttention: the base of rotary is {}, it must be positive", rotary->base));
  }
  if (size % 2 != 0) {
    throw ValueError(fmt::format(
        "MultiheadAttention: the size of a head is {}, with rotary it must be even", size));
  }
  return rotary;
}

Linear with_zero_bias(const Linear& layer) {
  const NoGradGuard no_grad;
  if (layer.bias.defined()) layer.bias.zero_();
  return layer;
}

std::string describe(std::int64_t embed_dim, std::int64_t num_heads,
                     const MultiheadAttentionOptions& options) {
  std::string text = fmt::format("MultiheadAttention({}, {}", embed_dim, num_heads);
  if (options.kv_heads) text += fmt::format(", kv_heads={}", *options.kv_heads);
  if (options.kdim) text += fmt::format(", kdim={}", *options.kdim);
  if (options.vdim) text += fmt::format(", vdim={}", *options.vdim);
  if (options.rotary) text += fmt::format(", rotary={}", options.rotary->base);
  if (options.dropout > 0) text += fmt::format(", dropout={}", options.dropout);
  if (!options.bias) text += ", bias=false";
  return text + ")";
}

void refuse_cache(const AttentionInputs& inputs) {
  if (!inputs.cache) return;
  throw ValueError(
      fmt::format("{}: inputs.cache is for attention of a sequence to itself: call attend() with "
                  "the query and the cache",
                  op));
}

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       const MultiheadAttentionOptions& options,
                                       Generator& generator)
    : embed_dim_(checked_multiple("embed_dim", embed_dim, "num_heads", num_heads)),
      num_heads_(num_heads),
      kv_width_(kv_width_of(embed_dim, num_heads, options.kv_heads)),
      kdim_(checked_size("kdim", options.kdim.value_or(embed_dim))),
      vdim_(checked_size("vdim", options.vdim.value_or(embed_dim))),
      is_packed_(kdim_ == embed_dim && vdim_ == embed_dim),
      dropout_(checked_dropout(options.dropout)),
      rotary_(checked_rotary(options.rotary, embed_dim / num_heads)),
      generator_(&generator),
      in_proj_weight(add_weight("in_proj_weight", is_packed_, embed_dim + 2 * kv_width_, embed_dim,
                                detail::layer_dtype("MultiheadAttention", options.dtype))),
      q_proj_weight(add_weight("q_proj_weight", !is_packed_, embed_dim, embed_dim,
                               detail::layer_dtype("MultiheadAttention", options.dtype))),
      k_proj_weight(add_weight("k_proj_weight", !is_packed_, kv_width_, kdim_,
                               detail::layer_dtype("MultiheadAttention", options.dtype))),
      v_proj_weight(add_weight("v_proj_weight", !is_packed_, kv_width_, vdim_,
                               detail::layer_dtype("MultiheadAttention", options.dtype))),
      in_proj_bias(options.bias ? add_parameter("in_proj_bias",
                                                zeros({embed_dim + 2 * kv_width_},
                                                      detail::layer_dtype("MultiheadAttention",
                                                                          options.dtype)))
                                : Parameter(Tensor())),
      out_proj(add("out_proj", with_zero_bias(Linear(embed_dim, embed_dim,
                                                     {.bias = options.bias, .dtype = options.dtype},
                                                     generator)))) {
  set_description([=] { return describe(embed_dim, num_heads, options); });
}

Parameter MultiheadAttention::add_weight(const char* name, bool exists, std::int64_t rows,
                                         std::int64_t columns, DType dtype) {
  if (!exists) return Parameter(Tensor());
  const Tensor weight = detail::empty_sized("MultiheadAttention", Shape{rows, columns}, dtype);
  return add_parameter(name, xavier_uniform_(weight, 1, *generator_));
}

void MultiheadAttention::check(const char* name, const Tensor& x, std::int64_t features) const {
  detail::check_defined(op, name, x);
  if (x.dim() != 3 || x.size(2) != features) {
    throw ShapeError(
        fmt::format("{}: {} is {}, it must be [batch, time, {}]: layer MultiheadAttention({}, {})",
                    op, name, x.shape().str(), features, embed_dim_, num_heads_));
  }
}

void MultiheadAttention::refuse_rotary() const {
  if (!rotary_) return;
  throw ValueError(
      fmt::format("{}: rotary positions are for attention of a sequence to itself: call the layer "
                  "with x alone, or make it without .rotary",
                  op));
}

/// x times rows of in_proj_weight, or times a weight of its own.
Tensor MultiheadAttention::project(const Tensor& x, const Parameter& own, std::int64_t first_row,
                                   std::int64_t rows) const {
  const std::int64_t end = first_row + rows;
  const Tensor bias =
      in_proj_bias.defined() ? slice(in_proj_bias, 0, first_row, end) : Tensor(in_proj_bias);
  return linear(x, own.defined() ? Tensor(own) : slice(in_proj_weight, 0, first_row, end), bias);
}

Tensor MultiheadAttention::queries_of(const Tensor& x) const {
  return project(x, q_proj_weight, 0, embed_dim_);
}

Tensor MultiheadAttention::keys_of(const Tensor& x) const {
  return project(x, k_proj_weight, embed_dim_, kv_width_);
}

Tensor MultiheadAttention::values_of(const Tensor& x) const {
  return project(x, v_proj_weight, embed_dim_ + kv_width_, kv_width_);
}

/// Queries or keys of elements from position `first` on.
Tensor MultiheadAttention::turned(const Tensor& x, std::int64_t heads, std::int64_t first) const {
  if (!rotary_) return x;
  return rotary_embedding(x, {.first = first,
                              .base = rotary_->base,
                              .interleaved = rotary_->interleaved,
                              .num_heads = heads});
}

AttentionOptions MultiheadAttention::options_of(const AttentionInputs& inputs) const {
  return {.mask = inputs.mask,
          .lengths = inputs.lengths,
          .causal = inputs.causal,
          .dropout = is_training() ? dropout_ : 0,
          .num_heads = num_heads_};
}

/// With a cache.
Tensor MultiheadAttention::step(const Tensor& x, const AttentionInputs& inputs) const {
  if (inputs.lengths.defined()) {
    throw ValueError(
        fmt::format("{}: lengths cannot be given with a cache: use a mask [B, 1, 1, keys]", op));
  }
  KeyValueCache& cache = *inputs.cache;
  const std::int64_t first = cache.size();
  const Tensor q = turned(queries_of(x), num_heads_, first);
  cache.append(turned(keys_of(x), kv_width_ / head_dim(), first), values_of(x));
  return out_proj(
      detail::attention_to_cache(q, cache.keys(), cache.values(), options_of(inputs), *generator_));
}

Tensor MultiheadAttention::operator()(const Tensor& x, const AttentionInputs& inputs) const {
  const std::int64_t kv_heads = kv_width_ / head_dim();
  check("x", x, embed_dim_);
  if (!is_packed_) {
    throw ValueError(
        fmt::format("{}: the layer takes keys of {} features and values of {}: call "
                    "it with query, key and value",
                    op, kdim_, vdim_));
  }
  if (inputs.cache) {
    return detail::unchanged_on_error(inputs.cache, [&] { return step(x, inputs); });
  }
  const Tensor clean = zero_padding(x, inputs.lengths);
  const AttentionOptions options = options_of(inputs);
  const auto attended = [&] {
    if (!rotary_) {
      const Tensor qkv = linear(clean, in_proj_weight, in_proj_bias);
      return detail::attention_of_packed(qkv, kv_heads, options, *generator_);
    }
    const Tensor q = turned(queries_of(clean), num_heads_, 0);
    const Tensor k = turned(keys_of(clean), kv_heads, 0);
    return scaled_dot_product_attention(q, k, values_of(clean), options, *generator_);
  };
  return zero_padding(out_proj(attended()), inputs.lengths);
}

Tensor MultiheadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                      const AttentionInputs& inputs) const {
  refuse_rotary();
  refuse_cache(inputs);
  check("query", query, embed_dim_);
  check("key", key, kdim_);
  check("value", value, vdim_);
  const Tensor q = queries_of(query), k = keys_of(zero_padding(key, inputs.lengths));
  const Tensor v = values_of(zero_padding(value, inputs.lengths));
  return out_proj(scaled_dot_product_attention(q, k, v, options_of(inputs), *generator_));
}

Tensor MultiheadAttention::attend(const Tensor& query, const KeyValueCache& cache,
                                  const AttentionInputs& inputs) const {
  refuse_rotary();
  refuse_cache(inputs);
  check("query", query, embed_dim_);
  return out_proj(detail::attention_to_cache(queries_of(query), cache.keys(), cache.values(),
                                             options_of(inputs), *generator_));
}

void MultiheadAttention::append(KeyValueCache& cache, const Tensor& key,
                                const Tensor& value) const {
  refuse_rotary();
  check("key", key, kdim_);
  check("value", value, vdim_);
  cache.append(keys_of(key), values_of(value));
}

Tensor MultiheadAttention::weights(const Tensor& x, const AttentionInputs& inputs) const {
  refuse_cache(inputs);
  check("x", x, embed_dim_);
  const Tensor clean = zero_padding(x, inputs.lengths);
  Tensor p =
      attention_weights(turned(queries_of(clean), num_heads_, 0),
                        turned(keys_of(clean), kv_width_ / head_dim(), 0), options_of(inputs));
  if (!inputs.lengths.defined()) return p;
  const Tensor mask = length_mask(inputs.lengths, x.size(1));
  return where(reshape(mask, {x.size(0), 1, x.size(1), 1}), p, 0);
}

Tensor MultiheadAttention::weights(const Tensor& query, const Tensor& key,
                                   const AttentionInputs& inputs) const {
  refuse_rotary();
  refuse_cache(inputs);
  check("query", query, embed_dim_);
  check("key", key, kdim_);
  return attention_weights(queries_of(query), keys_of(zero_padding(key, inputs.lengths)),
                           options_of(inputs));
}

}  // namespace gradus
