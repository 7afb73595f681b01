#include <gradus/examples/gpt/model.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>

#include <algorithm>
#include <cmath>

namespace gradus::examples {
namespace {

TransformerEncoder make_decoder(const GptModelOptions& options) {
  const auto make_layer = [&](std::int64_t) {
    return TransformerEncoderLayer(options.size, options.heads,
                                   {.dim_feedforward = 4 * options.size,
                                    .dropout = options.dropout,
                                    .activation = FeedForward::gelu,
                                    .norm_first = true,
                                    .bias = options.bias});
  };
  return TransformerEncoder(options.layers, make_layer,
                            LayerNorm(options.size, {.bias = options.bias}));
}

/// The start of GPT-2: small weights, and smaller ones at the end of each of the 2 layers blocks
/// that are added up.
void init_weights(const Gpt& model) {
  const double std = model.options().init_std;
  const double depth = 2 * static_cast<double>(model.options().layers);
  for (const NamedParameter& target : model.parameters()) {
    const std::string& path = target.path;
    if (target.parameter.dim() < 2) {
      if (path.ends_with("bias")) zeros_(target.parameter);
      continue;
    }
    const bool ends_block = path.ends_with("out_proj.weight") || path.ends_with("linear2.weight");
    normal_(target.parameter, 0, ends_block ? std / std::sqrt(depth) : std);
  }
}

}  // namespace

GptCache GptCache::select(const Tensor& rows) const {
  return {layers.select(rows), index_select(ids, 0, rows)};
}

Gpt::Gpt(std::int64_t vocabulary, const GptModelOptions& options)
    : options_(options),
      embedding_(add("embedding", Embedding(vocabulary, options.size))),
      positions_(add("positions", LearnedPositions(options.block_size, options.size))),
      dropout_(add("dropout", Dropout(options.dropout))),
      decoder_(add("decoder", make_decoder(options))),
      output_(add("output", Linear(embedding_.weight, {.bias = false}))) {
  init_weights(*this);
}

Tensor Gpt::features(const Tensor& ids, TransformerCache* cache) const {
  const std::int64_t first = cache == nullptr ? 0 : cache->size();
  return decoder_(dropout_(positions_(embedding_(ids), first)), {.causal = true, .cache = cache});
}

Tensor Gpt::operator()(const Tensor& ids) const { return output_(features(ids, nullptr)); }

Tensor Gpt::next(const Tensor& ids, GptCache& cache) const {
  cache.ids = cache.ids.defined() ? cat({cache.ids, ids}, 1) : ids;
  const std::int64_t length = cache.ids.size(1);
  const bool fits = length <= options_.block_size;
  if (!fits) {  // all positions change: the cache no longer helps
    cache.ids = slice(cache.ids, 1, length - options_.block_size, length);
    cache.layers = {};
  }
  const Tensor x = fits ? features(ids, &cache.layers) : features(cache.ids, nullptr);
  return output_(select(x, 1, -1));
}

}  // namespace gradus::examples
