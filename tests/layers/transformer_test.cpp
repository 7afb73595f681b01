#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/layers/transformer.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <set>

namespace gradus {
namespace {

Tensor random_values(const Shape& shape, std::uint64_t seed = 1) {
  return frozen(random_leaf(shape, seed));
}

TransformerLayerOptions small(FeedForward activation = FeedForward::relu, bool norm_first = false) {
  return {.dim_feedforward = 5,
          .dropout = 0,
          .activation = activation,
          .norm_first = norm_first,
          .dtype = DType::float64};
}

std::set<std::string> paths_of(const Module& module) {
  std::set<std::string> paths;
  for (const NamedParameter& p : module.parameters()) {
    paths.insert(p.path + " " + p.parameter.shape().str());
  }
  return paths;
}

TEST(TransformerEncoderLayer, HasTheParametersOfPyTorch) {
  EXPECT_EQ(
      paths_of(TransformerEncoderLayer(6, 2, {.dim_feedforward = 5})),
      (std::set<std::string>{"self_attn.in_proj_weight [18, 6]", "self_attn.in_proj_bias [18]",
                             "self_attn.out_proj.weight [6, 6]", "self_attn.out_proj.bias [6]",
                             "linear1.weight [5, 6]", "linear1.bias [5]", "linear2.weight [6, 5]",
                             "linear2.bias [6]", "norm1.weight [6]", "norm1.bias [6]",
                             "norm2.weight [6]", "norm2.bias [6]"}));
  EXPECT_EQ(
      paths_of(TransformerEncoderLayer(
          6, 2, {.dim_feedforward = 5, .activation = FeedForward::swiglu, .bias = false})),
      (std::set<std::string>{"self_attn.in_proj_weight [18, 6]", "self_attn.out_proj.weight [6, 6]",
                             "linear1.weight [10, 6]", "linear2.weight [6, 5]", "norm1.weight [6]",
                             "norm2.weight [6]"}));
}

// Of what PyTorch does not have.
TEST(TransformerEncoderLayer, FeedForwardBlocksWithGates) {
  const Tensor x = random_values({2, 3, 6});
  for (const FeedForward activation : {FeedForward::glu, FeedForward::swiglu}) {
    const TransformerEncoderLayer layer(6, 2, small(activation, true));
    const Tensor y = x + layer.self_attn(layer.norm1(x));
    const Tensor hidden = layer.linear1(layer.norm2(y));
    const Tensor a = slice(hidden, -1, 0, 5), b = slice(hidden, -1, 5, 10);
    const Tensor gated = activation == FeedForward::glu ? a * sigmoid(b) : a * sigmoid(a) * b;
    EXPECT_TRUE(is_close(layer(x), {2, 3, 6}, values_of(y + layer.linear2(gated)), 1e-13));
  }
}

TEST(TransformerEncoderLayer, GradientsOfEverything) {
  const Tensor x = random_leaf({2, 3, 4});
  for (const FeedForward activation : {FeedForward::gelu, FeedForward::glu, FeedForward::swiglu}) {
    for (const bool norm_first : {false, true}) {
      TransformerLayerOptions options = small(activation, norm_first);
      options.rotary = RotaryPositions{};
      options.kv_heads = 1;
      const TransformerEncoderLayer layer(4, 2, options);
      const AttentionInputs inputs{.lengths = tensor({3, 1}), .causal = true};
      const auto of_x =
          gradcheck([&](const std::vector<Tensor>&) { return layer(x, inputs); }, {x});
      EXPECT_TRUE(of_x.ok) << of_x.message;
      const auto of_weights = gradcheck([&] { return layer(x, inputs); }, layer.parameters());
      EXPECT_TRUE(of_weights.ok) << of_weights.message;
    }
  }
}

TEST(TransformerDecoderLayer, GradientsOfEverything) {
  const Tensor x = random_leaf({2, 3, 4}, 1), memory = random_leaf({2, 4, 4}, 2);
  for (const bool norm_first : {false, true}) {
    const TransformerDecoderLayer layer(4, 2, small(FeedForward::gelu, norm_first));
    const DecoderInputs inputs{
        .lengths = tensor({3, 1}), .causal = true, .memory_lengths = tensor({0, 4})};
    const auto run = [&] { return layer(x, memory, inputs); };
    const auto of_inputs =
        gradcheck([&](const std::vector<Tensor>&) { return run(); }, {x, memory});
    EXPECT_TRUE(of_inputs.ok) << of_inputs.message;
    const auto of_weights = gradcheck(run, layer.parameters());
    EXPECT_TRUE(of_weights.ok) << of_weights.message;
  }
}

/// Everything that a Transformer computes, with this value in the padding.
std::vector<std::vector<double>> results_with(double padding) {
  manual_seed(1);
  const Transformer net(4, 2,
                        {.num_encoder_layers = 2,
                         .num_decoder_layers = 2,
                         .layer = small(FeedForward::swiglu, true)});
  const Tensor source = random_leaf({2, 3, 4}, 1), target = random_leaf({2, 3, 4}, 2);
  source.detach()[1].set_row(2, full({4}, padding, DType::float64));
  target.detach()[0].set_row(1, full({4}, padding, DType::float64));
  target.detach()[0].set_row(2, full({4}, padding, DType::float64));
  const Tensor y =
      net(source, target,
          {.source_lengths = tensor({3, 2}), .target_lengths = tensor({1, 3}), .causal = true});
  sum(y * random_values({2, 3, 4}, 3)).backward();
  std::vector<std::vector<double>> results{values_of(y), gradient_of(source), gradient_of(target)};
  for (const NamedParameter& p : net.parameters()) results.push_back(gradient_of(p.parameter));
  return results;
}

TEST(Transformer, PaddingHasNoEffect) {
  const auto results = results_with(7);
  EXPECT_EQ(results_with(not_a_number), results);
  for (std::size_t i = 4; i < 12; ++i) EXPECT_EQ(results[0][i], 0);
  for (const auto& values : results) {
    for (const double v : values) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(Transformer, StartsFromXavier) {
  const Transformer net(
      32, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .layer = {.dim_feedforward = 96}});
  const double bound = std::sqrt(6.0 / (32 + 96));
  const double most = max(abs(net.encoder.layers[0].linear1.weight)).item();
  EXPECT_LT(most, bound);
  EXPECT_GT(most, 0.99 * bound);
  EXPECT_NE(values_of(net.decoder.layers[0].linear1.weight),
            values_of(net.encoder.layers[0].linear1.weight));
  EXPECT_EQ(paths_of(net).count("decoder.layers.0.multihead_attn.in_proj_weight [96, 32]"), 1U);
  EXPECT_EQ(paths_of(net).count("encoder.norm.weight [32]"), 1U);
}

TEST(Transformer, DropsInTrainingModeOnly) {
  Generator generator(1);
  const Transformer net(
      8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .layer = {.dim_feedforward = 8}},
      generator);
  const Tensor x = randn({1, 3, 8});
  EXPECT_NE(values_of(net(x, x)), values_of(net(x, x)));
  net.eval();
  EXPECT_EQ(values_of(net(x, x)), values_of(net(x, x)));
}

TEST(TransformerEncoder, DecodesThroughACacheInStepsOfAnySize) {
  TransformerLayerOptions options = small(FeedForward::swiglu, true);
  options.rotary = RotaryPositions{};
  const TransformerEncoder encoder(
      3, [&](std::int64_t) { return TransformerEncoderLayer(8, 2, options); },
      LayerNorm(8, {.dtype = DType::float64}));
  const NoGradGuard no_grad;
  const Tensor x = random_values({2, 20, 8}), expected = encoder(x, {.causal = true});
  for (const std::int64_t step : {1, 3, 19, 20}) {
    TransformerCache cache;
    std::vector<Tensor> parts;
    for (std::int64_t t = 0; t < 20; t += step) {
      parts.push_back(encoder(slice(x, 1, t, std::min<std::int64_t>(t + step, 20)),
                              {.causal = true, .cache = &cache}));
    }
    EXPECT_EQ(cache.size(), 20);
    EXPECT_TRUE(is_close(cat(parts, 1), {2, 20, 8}, values_of(expected), 1e-12)) << step;
    cache.trim(7);
    const Tensor again = encoder(slice(x, 1, 7, 9), {.causal = true, .cache = &cache});
    EXPECT_TRUE(is_close(again, {2, 2, 8}, values_of(slice(expected, 1, 7, 9)), 1e-12));
    TransformerCache swapped = cache.select(tensor({1, 0}));
    const Tensor last = encoder(flip(slice(x, 1, 9, 10), {0}), {.causal = true, .cache = &swapped});
    EXPECT_TRUE(is_close(flip(last, {0}), {2, 1, 8}, values_of(slice(expected, 1, 9, 10)), 1e-12));
  }
}

TEST(TransformerDecoder, DecodesThroughACacheInStepsOfAnySize) {
  const TransformerDecoder decoder(2, [](std::int64_t) {
    return TransformerDecoderLayer(8, 2, small(FeedForward::relu, false));
  });
  const NoGradGuard no_grad;
  const Tensor x = random_values({2, 10, 8}, 1), memory = random_values({2, 5, 8}, 2);
  const Tensor lengths = tensor({5, 3});
  const Tensor expected = decoder(x, memory, {.causal = true, .memory_lengths = lengths});
  for (const std::int64_t step : {1, 3, 10}) {
    TransformerCache cache;
    std::vector<Tensor> parts;
    for (std::int64_t t = 0; t < 10; t += step) {
      parts.push_back(decoder(slice(x, 1, t, std::min<std::int64_t>(t + step, 10)), memory,
                              {.causal = true, .memory_lengths = lengths, .cache = &cache}));
    }
    EXPECT_TRUE(is_close(cat(parts, 1), {2, 10, 8}, values_of(expected), 1e-12)) << step;
    for (const Shape& shape : {Shape{2, 4, 8}, Shape{3, 5, 8}, Shape{2, 5, 7}}) {
      EXPECT_ERROR(
          decoder(x, random_values(shape), {.cache = &cache}), ShapeError,
          "transformer_decoder_layer: memory is " + shape.str() + ", its cache is of [2, 5, 8]");
    }
  }
}

void expect_sizes(const std::vector<KeyValueCache>& caches,
                  const std::vector<std::int64_t>& sizes) {
  ASSERT_EQ(caches.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(caches[i].size(), sizes[i]);
}

TEST(TransformerEncoder, AFailedStepLeavesTheCacheAsItWas) {
  const TransformerEncoder encoder(
      2, [](std::int64_t) { return TransformerEncoderLayer(8, 2, small()); });
  const NoGradGuard no_grad;
  const Tensor x = random_values({1, 3, 8}, 1), next = random_values({1, 2, 8}, 2);
  const Tensor mask = full({4}, true, DType::boolean);
  TransformerCache cache;
  EXPECT_THROW(encoder(x, {.mask = mask, .cache = &cache}), ShapeError);
  EXPECT_TRUE(cache.self.empty());
  encoder(x, {.causal = true, .cache = &cache});
  TransformerCache untouched = cache;
  EXPECT_THROW(encoder(next, {.mask = mask, .causal = true, .cache = &cache}), ShapeError);
  expect_sizes(cache.self, {3, 3});
  EXPECT_EQ(values_of(encoder(next, {.causal = true, .cache = &cache})),
            values_of(encoder(next, {.causal = true, .cache = &untouched})));
}

TEST(TransformerDecoder, AFailedStepLeavesTheCacheAsItWas) {
  const TransformerDecoder decoder(
      2, [](std::int64_t) { return TransformerDecoderLayer(8, 2, small()); });
  const NoGradGuard no_grad;
  const Tensor x = random_values({1, 2, 8}, 1), next = random_values({1, 1, 8}, 2);
  const Tensor memory = random_values({1, 4, 8}, 3), other = random_values({1, 5, 8}, 4);
  TransformerCache cache;
  EXPECT_THROW(decoder(x, memory, {.memory_lengths = tensor({9}), .cache = &cache}), IndexError);
  EXPECT_TRUE(cache.self.empty());
  EXPECT_TRUE(cache.memory.empty());
  decoder(x, memory, {.causal = true, .cache = &cache});
  TransformerCache untouched = cache;
  EXPECT_THROW(decoder(next, other, {.causal = true, .cache = &cache}), ShapeError);
  EXPECT_THROW(decoder(next, memory, {.memory_mask = zeros({9}), .cache = &cache}), Error);
  expect_sizes(cache.self, {2, 2});
  expect_sizes(cache.memory, {4, 4});
  EXPECT_EQ(values_of(decoder(next, memory, {.causal = true, .cache = &cache})),
            values_of(decoder(next, memory, {.causal = true, .cache = &untouched})));
}

// The second layer refuses what the first one takes.
TEST(TransformerEncoder, AStepThatFailsInALaterLayerLeavesTheCacheAsItWas) {
  const TransformerEncoder encoder(
      2, [](std::int64_t) { return TransformerEncoderLayer(8, 2, small()); });
  const NoGradGuard no_grad;
  TransformerCache cache, batch_of_two;
  encoder(random_values({1, 3, 8}), {.cache = &cache});
  encoder(random_values({2, 3, 8}), {.cache = &batch_of_two});
  cache.self[1] = batch_of_two.self[1];
  EXPECT_THROW(encoder(random_values({1, 1, 8}), {.cache = &cache}), ShapeError);
  expect_sizes(cache.self, {3, 3});
}

TEST(TransformerDecoderLayer, AFailedStepLeavesTheCachesAsTheyWere) {
  const TransformerDecoderLayer layer(8, 2, small());
  const NoGradGuard no_grad;
  const Tensor x = random_values({1, 2, 8}, 1), memory = random_values({1, 4, 8}, 3);
  KeyValueCache cache, memory_cache;
  EXPECT_THROW(layer(x, memory,
                     {.memory_mask = zeros({9}, DType::float64),
                      .cache = &cache,
                      .memory_cache = &memory_cache}),
               ShapeError);
  EXPECT_EQ(cache.batch(), 0);
  EXPECT_EQ(memory_cache.batch(), 0);
}

TEST(TransformerCache, LayersOfUnequalSizesAreAnErrorUntilTheyAreTrimmed) {
  const TransformerEncoder encoder(
      2, [](std::int64_t) { return TransformerEncoderLayer(8, 2, small()); });
  const NoGradGuard no_grad;
  const Tensor x = random_values({1, 3, 8});
  TransformerCache cache;
  encoder(x, {.causal = true, .cache = &cache});
  cache.self[1].trim(1);
  EXPECT_ERROR(encoder(x, {.causal = true, .cache = &cache}), ValueError,
               "transformer_encoder: one layer of the cache holds 3 elements, another 1: trim() "
               "makes them equal");
  EXPECT_ERROR(cache.trim(2), ValueError, "TransformerCache: trim to 2 is outside [0, 1]");
  EXPECT_THROW(cache.trim(-1), ValueError);
  expect_sizes(cache.self, {3, 1});
  cache.trim(1);
  encoder(x, {.causal = true, .cache = &cache});
  expect_sizes(cache.self, {4, 4});
}

TEST(TransformerEncoder, BrokenInput) {
  EXPECT_ERROR(TransformerEncoderLayer(8, 2, {.dim_feedforward = 0}), ValueError,
               "TransformerLayer: dim_feedforward is 0, it must be at least 1");
  EXPECT_THROW(TransformerEncoderLayer(8, 3), ValueError);
  EXPECT_THROW(TransformerEncoderLayer(8, 2, {.dropout = 2}), ValueError);
  EXPECT_THROW(TransformerEncoderLayer(8, 2, {.layer_norm_eps = -1}), ValueError);
  const auto make = [](std::int64_t) { return TransformerEncoderLayer(8, 2, small()); };
  EXPECT_THROW(TransformerEncoder(-1, make), ValueError);
  const TransformerEncoder encoder(2, make);
  TransformerCache cache;
  cache.self.resize(3);
  EXPECT_ERROR(encoder(zeros({2, 3, 8}, DType::float64), {.cache = &cache}), ValueError,
               "transformer_encoder: the cache is of 3 layers, there are 2");
  EXPECT_THROW(encoder(zeros({2, 3, 7}, DType::float64)), ShapeError);
  EXPECT_THROW(encoder(zeros({2, 3, 8})), DTypeError);
}

}  // namespace
}  // namespace gradus
