// How the golden cases call attention and its layers, whose weights they load by name.
#include <gradus/framework/ops/nn/attention.h>
#include <gradus/layers/attention.h>
#include <gradus/layers/transformer.h>
#include <gradus/tests/golden/golden_case.h>

#include <algorithm>

namespace gradus::golden {
namespace {

Results run_attention(Case& c) {
  AttentionOptions options;
  options.causal = c.flag("causal");
  if (c.has("scale")) options.scale = c.number("scale");
  std::size_t next = 3;
  if (c.flag("mask")) options.mask = c.inputs[next++];
  if (c.flag("lengths")) options.lengths = c.inputs[next++];
  return {scaled_dot_product_attention(c.inputs[0], c.inputs[1], c.inputs[2], options)};
}

/// Loads the parameters of a case, the inputs from `first` on, which then are those of the layer.
/// Returns the place of the input after them.
std::size_t load_weights(Case& c, const Module& layer, std::size_t first) {
  StateDict weights;
  std::istringstream names(c.word("parameters"));
  std::size_t next = first;
  for (std::string name; std::getline(names, name, ',');) weights.set(name, c.inputs[next++]);
  layer.load_state_dict(weights);
  for (const NamedParameter& p : layer.parameters()) {
    const auto place = std::find_if(weights.begin(), weights.end(),
                                    [&](const StateEntry& e) { return e.name == p.path; });
    c.inputs[first + static_cast<std::size_t>(place - weights.begin())] = p.parameter;
  }
  return next;
}

Tensor length_input(const Case& c, std::size_t place) {
  return c.flag("lengths") ? c.inputs[place] : Tensor();
}

Results run_multihead(Case& c) {
  const bool to_itself = c.word("kind") == "self";
  MultiheadAttentionOptions options;
  options.bias = c.flag("bias");
  options.dtype = c.dtype();
  if (!to_itself) options.kdim = c.inputs[1].size(2);
  if (!to_itself) options.vdim = c.inputs[2].size(2);
  const MultiheadAttention layer(c.integer("E"), c.integer("heads"), options);
  const std::size_t next = load_weights(c, layer, to_itself ? 1 : 3);
  const AttentionInputs inputs{.lengths = length_input(c, next), .causal = c.flag("causal")};
  if (to_itself) return {layer(c.inputs[0], inputs), layer.weights(c.inputs[0], inputs)};
  return {layer(c.inputs[0], c.inputs[1], c.inputs[2], inputs),
          layer.weights(c.inputs[0], c.inputs[1], inputs)};
}

TransformerLayerOptions layer_options(const Case& c) {
  TransformerLayerOptions options;
  options.dim_feedforward = c.integer("ff");
  options.dropout = 0;
  options.activation = c.word("activation") == "gelu" ? FeedForward::gelu : FeedForward::relu;
  options.layer_norm_eps = c.number("eps");
  options.norm_first = c.flag("norm_first");
  options.bias = c.flag("bias");
  options.dtype = c.dtype();
  return options;
}

std::optional<LayerNorm> last_norm(const Case& c, std::int64_t d_model) {
  if (!c.flag("norm") || c.integer("layers") == 0) return std::nullopt;
  return LayerNorm(d_model, {.dtype = c.dtype()});
}

Results run_encoder(Case& c) {
  const std::int64_t E = c.inputs[0].size(2), layers = c.integer("layers");
  const auto make = [&](std::int64_t) { return TransformerEncoderLayer(E, 2, layer_options(c)); };
  const bool causal = c.flag("causal");
  const auto norm = last_norm(c, E);
  if (layers == 0) {
    const TransformerEncoderLayer layer = make(0);
    const std::size_t next = load_weights(c, layer, 1);
    return {layer(c.inputs[0], {.lengths = length_input(c, next), .causal = causal})};
  }
  const TransformerEncoder encoder(layers, make, norm);
  const std::size_t next = load_weights(c, encoder, 1);
  return {encoder(c.inputs[0], {.lengths = length_input(c, next), .causal = causal})};
}

Results run_decoder(Case& c) {
  const std::int64_t E = c.inputs[0].size(2), layers = c.integer("layers");
  const auto make = [&](std::int64_t) { return TransformerDecoderLayer(E, 2, layer_options(c)); };
  const bool causal = c.flag("causal");
  const auto norm = last_norm(c, E);
  if (layers == 0) {
    const TransformerDecoderLayer layer = make(0);
    const std::size_t next = load_weights(c, layer, 2);
    return {layer(c.inputs[0], c.inputs[1],
                  {.lengths = length_input(c, next),
                   .causal = causal,
                   .memory_lengths = length_input(c, next + 1)})};
  }
  const TransformerDecoder decoder(layers, make, norm);
  const std::size_t next = load_weights(c, decoder, 2);
  return {decoder(c.inputs[0], c.inputs[1],
                  {.lengths = length_input(c, next),
                   .causal = causal,
                   .memory_lengths = length_input(c, next + 1)})};
}

Results run_transformer(Case& c) {
  const std::int64_t layers = c.integer("layers");
  const Transformer net(
      c.inputs[0].size(2), 2,
      {.num_encoder_layers = layers, .num_decoder_layers = layers, .layer = layer_options(c)});
  const std::size_t next = load_weights(c, net, 2);
  return {net(c.inputs[0], c.inputs[1],
              {.source_lengths = length_input(c, next),
               .target_lengths = length_input(c, next + 1),
               .causal = c.flag("causal")})};
}

}  // namespace

void add_attention(Runners& all) {
  all["scaled_dot_product_attention"] = run_attention;
  all["multihead_attention"] = run_multihead;
  all["transformer_encoder"] = run_encoder;
  all["transformer_decoder"] = run_decoder;
  all["transformer"] = run_transformer;
}

}  // namespace gradus::golden
