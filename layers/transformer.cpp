#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/framework/ops/nn/lengths.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/unchanged_on_error.h>
#include <gradus/layers/transformer.h>

#include <algorithm>

namespace gradus {
namespace {

using Options = TransformerLayerOptions;

bool is_gated(FeedForward activation) {
  return activation == FeedForward::glu || activation == FeedForward::swiglu;
}

MultiheadAttention attention_of(std::int64_t d_model, std::int64_t nhead, const Options& options,
                                bool to_itself, Generator& generator) {
  return MultiheadAttention(d_model, nhead,
                            {.dropout = options.dropout,
                             .bias = options.bias,
                             .kv_heads = options.kv_heads,
                             .rotary = to_itself ? options.rotary : std::nullopt,
                             .dtype = options.dtype},
                            generator);
}

Linear first_linear(std::int64_t d_model, const Options& options, Generator& generator) {
  if (options.dim_feedforward < 1) {
    throw ValueError(fmt::format("TransformerLayer: dim_feedforward is {}, it must be at least 1",
                                 options.dim_feedforward));
  }
  const std::int64_t rows = options.dim_feedforward * (is_gated(options.activation) ? 2 : 1);
  return Linear(d_model, rows, {.bias = options.bias, .dtype = options.dtype}, generator);
}

Linear second_linear(std::int64_t d_model, const Options& options, Generator& generator) {
  return Linear(options.dim_feedforward, d_model, {.bias = options.bias, .dtype = options.dtype},
                generator);
}

LayerNorm norm_of(std::int64_t d_model, const Options& options) {
  return LayerNorm(d_model,
                   {.eps = options.layer_norm_eps, .bias = options.bias, .dtype = options.dtype});
}

Tensor activated(const Tensor& x, FeedForward activation) {
  if (activation == FeedForward::relu) return relu(x);
  if (activation == FeedForward::gelu) return gelu(x);
  const std::int64_t half = x.size(-1) / 2;
  const Tensor a = slice(x, -1, 0, half), b = slice(x, -1, half, 2 * half);
  return activation == FeedForward::glu ? a * sigmoid(b) : silu(a) * b;
}

/// x plus what a block makes of it, with a norm before or after.
template <class Block>
Tensor add_block(const Tensor& x, const LayerNorm& norm, bool norm_first, const Block& block) {
  return norm_first ? x + block(norm(x)) : norm(x + block(x));
}

/// Makes caches for a first call.
void prepare(const char* operation, std::vector<KeyValueCache>& caches, std::size_t layers) {
  if (caches.empty()) caches.resize(layers);
  if (caches.size() != layers) {
    throw ValueError(fmt::format("{}: the cache is of {} layers, there are {}", operation,
                                 caches.size(), layers));
  }
  for (const KeyValueCache& cache : caches) {
    if (cache.size() == caches[0].size()) continue;
    throw ValueError(
        fmt::format("{}: one layer of the cache holds {} elements, another {}: trim() makes them "
                    "equal",
                    operation, caches[0].size(), cache.size()));
  }
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const Options& options, Generator& generator)
    : dropout_(options.dropout),
      activation_(options.activation),
      norm_first_(options.norm_first),
      generator_(&generator),
      self_attn(add("self_attn", attention_of(d_model, nhead, options, true, generator))),
      linear1(add("linear1", first_linear(d_model, options, generator))),
      linear2(add("linear2", second_linear(d_model, options, generator))),
      norm1(add("norm1", norm_of(d_model, options))),
      norm2(add("norm2", norm_of(d_model, options))) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const AttentionInputs& inputs) const {
  detail::check_defined("transformer_encoder_layer", "x", x);
  const double p = is_training() ? dropout_ : 0;
  const auto attend = [&](const Tensor& in) {
    return dropout(self_attn(in, inputs), p, *generator_);
  };
  const auto feed_forward = [&](const Tensor& in) {
    const Tensor hidden = dropout(activated(linear1(in), activation_), p, *generator_);
    return dropout(linear2(hidden), p, *generator_);
  };
  Tensor y = zero_padding(x, inputs.lengths);
  y = add_block(y, norm1, norm_first_, attend);
  y = add_block(y, norm2, norm_first_, feed_forward);
  return zero_padding(y, inputs.lengths);
}

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const Options& options, Generator& generator)
    : dropout_(options.dropout),
      activation_(options.activation),
      norm_first_(options.norm_first),
      generator_(&generator),
      self_attn(add("self_attn", attention_of(d_model, nhead, options, true, generator))),
      multihead_attn(
          add("multihead_attn", attention_of(d_model, nhead, options, false, generator))),
      linear1(add("linear1", first_linear(d_model, options, generator))),
      linear2(add("linear2", second_linear(d_model, options, generator))),
      norm1(add("norm1", norm_of(d_model, options))),
      norm2(add("norm2", norm_of(d_model, options))),
      norm3(add("norm3", norm_of(d_model, options))) {}

Tensor TransformerDecoderLayer::to_memory(const Tensor& x, const Tensor& memory,
                                          const DecoderInputs& inputs) const {
  const AttentionInputs attention{.mask = inputs.memory_mask, .lengths = inputs.memory_lengths};
  if (!inputs.memory_cache) return multihead_attn(x, memory, memory, attention);
  KeyValueCache& cache = *inputs.memory_cache;
  if (cache.batch() == 0) {
    const Tensor clean = zero_padding(memory, inputs.memory_lengths);
    multihead_attn.append(cache, clean, clean);
  } else if (const Shape shape{cache.batch(), cache.size(), multihead_attn.embed_dim()};
             memory.shape() != shape) {
    throw ShapeError(fmt::format("transformer_decoder_layer: memory is {}, its cache is of {}",
                                 memory.shape().str(), shape.str()));
  }
  return multihead_attn.attend(x, cache, attention);
}

Tensor TransformerDecoderLayer::run(const Tensor& x, const Tensor& memory,
                                    const DecoderInputs& inputs) const {
  const double p = is_training() ? dropout_ : 0;
  const auto to_itself = [&](const Tensor& in) {
    const AttentionInputs attention{.mask = inputs.mask,
                                    .lengths = inputs.lengths,
                                    .causal = inputs.causal,
                                    .cache = inputs.cache};
    return dropout(self_attn(in, attention), p, *generator_);
  };
  const auto to_other = [&](const Tensor& in) {
    return dropout(to_memory(in, memory, inputs), p, *generator_);
  };
  const auto feed_forward = [&](const Tensor& in) {
    const Tensor hidden = dropout(activated(linear1(in), activation_), p, *generator_);
    return dropout(linear2(hidden), p, *generator_);
  };
  Tensor y = zero_padding(x, inputs.lengths);
  y = add_block(y, norm1, norm_first_, to_itself);
  y = add_block(y, norm2, norm_first_, to_other);
  y = add_block(y, norm3, norm_first_, feed_forward);
  return zero_padding(y, inputs.lengths);
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Tensor& memory,
                                           const DecoderInputs& inputs) const {
  detail::check_defined("transformer_decoder_layer", {{"x", x}, {"memory", memory}});
  return detail::unchanged_on_error(inputs.cache, [&] {
    return detail::unchanged_on_error(inputs.memory_cache, [&] { return run(x, memory, inputs); });
  });
}

void TransformerCache::trim(std::int64_t size) {
  std::int64_t least = this->size();
  for (const KeyValueCache& cache : self) least = std::min(least, cache.size());
  if (size < 0 || size > least) {
    throw ValueError(fmt::format("TransformerCache: trim to {} is outside [0, {}]", size, least));
  }
  for (KeyValueCache& cache : self) cache.trim(size);
}

TransformerCache TransformerCache::select(const Tensor& ids) const {
  TransformerCache selected;
  for (const KeyValueCache& cache : self) selected.self.push_back(cache.select(ids));
  for (const KeyValueCache& cache : memory) selected.memory.push_back(cache.select(ids));
  return selected;
}

TransformerEncoder::TransformerEncoder(const ModuleList<TransformerEncoderLayer>& stack,
                                       const std::optional<LayerNorm>& last)
    : layers(add("layers", stack)), norm(last) {
  if (norm) add("norm", *norm);
}

Tensor TransformerEncoder::operator()(const Tensor& x, const EncoderInputs& inputs) const {
  detail::check_defined("transformer_encoder", "x", x);
  return detail::unchanged_on_error(inputs.cache, [&] { return run(x, inputs); });
}

Tensor TransformerEncoder::run(const Tensor& x, const EncoderInputs& inputs) const {
  if (inputs.cache) prepare("transformer_encoder", inputs.cache->self, layers.size());
  Tensor y = x;
  std::size_t i = 0;
  for (const TransformerEncoderLayer& layer : layers) {
    y = layer(y, {.mask = inputs.mask,
                  .lengths = inputs.lengths,
                  .causal = inputs.causal,
                  .cache = inputs.cache ? &inputs.cache->self[i++] : nullptr});
  }
  return norm ? zero_padding((*norm)(y), inputs.lengths) : y;
}

TransformerDecoder::TransformerDecoder(const ModuleList<TransformerDecoderLayer>& stack,
                                       const std::optional<LayerNorm>& last)
    : layers(add("layers", stack)), norm(last) {
  if (norm) add("norm", *norm);
}

Tensor TransformerDecoder::operator()(const Tensor& x, const Tensor& memory,
                                      const DecoderStackInputs& inputs) const {
  detail::check_defined("transformer_decoder", {{"x", x}, {"memory", memory}});
  return detail::unchanged_on_error(inputs.cache, [&] { return run(x, memory, inputs); });
}

Tensor TransformerDecoder::run(const Tensor& x, const Tensor& memory,
                               const DecoderStackInputs& inputs) const {
  TransformerCache* cache = inputs.cache;
  if (cache) prepare("transformer_decoder", cache->self, layers.size());
  if (cache) prepare("transformer_decoder", cache->memory, layers.size());
  Tensor y = x;
  std::size_t i = 0;
  for (const TransformerDecoderLayer& layer : layers) {
    y = layer(y, memory,
              {.mask = inputs.mask,
               .lengths = inputs.lengths,
               .causal = inputs.causal,
               .memory_mask = inputs.memory_mask,
               .memory_lengths = inputs.memory_lengths,
               .cache = cache ? &cache->self[i] : nullptr,
               .memory_cache = cache ? &cache->memory[i] : nullptr});
    ++i;
  }
  return norm ? zero_padding((*norm)(y), inputs.lengths) : y;
}

Transformer::Transformer(std::int64_t d_model, std::int64_t nhead,
                         const TransformerOptions& options, Generator& generator)
    : encoder(add("encoder", TransformerEncoder(
                                 options.num_encoder_layers,
                                 [&](std::int64_t) {
                                   return TransformerEncoderLayer(d_model, nhead, options.layer,
                                                                  generator);
                                 },
                                 norm_of(d_model, options.layer)))),
      decoder(add("decoder", TransformerDecoder(
                                 options.num_decoder_layers,
                                 [&](std::int64_t) {
                                   return TransformerDecoderLayer(d_model, nhead, options.layer,
                                                                  generator);
                                 },
                                 norm_of(d_model, options.layer)))) {
  const NoGradGuard no_grad;
  for (const NamedParameter& p : parameters()) {
    if (p.parameter.dim() > 1) xavier_uniform_(p.parameter, 1, generator);
  }
}

Tensor Transformer::operator()(const Tensor& source, const Tensor& target,
                               const TransformerInputs& inputs) const {
  detail::check_defined("transformer", {{"source", source}, {"target", target}});
  const Tensor memory =
      encoder(source, {.mask = inputs.source_mask, .lengths = inputs.source_lengths});
  return decoder(target, memory,
                 {.mask = inputs.target_mask,
                  .lengths = inputs.target_lengths,
                  .causal = inputs.causal,
                  .memory_mask = inputs.memory_mask,
                  .memory_lengths = inputs.source_lengths});
}

}  // namespace gradus
