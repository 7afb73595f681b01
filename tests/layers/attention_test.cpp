#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/positions.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/layers/attention.h>
#include <gradus/layers/positions.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

namespace gradus {
namespace {

Tensor random_values(const Shape& shape, std::uint64_t seed = 1) {
  return frozen(random_leaf(shape, seed));
}

std::vector<std::string> paths_of(const Module& module) {
  std::vector<std::string> paths;
  for (const NamedParameter& p : module.parameters()) {
    paths.push_back(p.path + " " + p.parameter.shape().str());
  }
  return paths;
}

MultiheadAttentionOptions in_double() { return {.dtype = DType::float64}; }

TEST(MultiheadAttention, HasTheParametersOfPyTorch) {
  EXPECT_EQ(paths_of(MultiheadAttention(6, 2)),
            (std::vector<std::string>{"in_proj_weight [18, 6]", "in_proj_bias [18]",
                                      "out_proj.weight [6, 6]", "out_proj.bias [6]"}));
  EXPECT_EQ(paths_of(MultiheadAttention(6, 2, {.bias = false, .kdim = 3})),
            (std::vector<std::string>{"q_proj_weight [6, 6]", "k_proj_weight [6, 3]",
                                      "v_proj_weight [6, 6]", "out_proj.weight [6, 6]"}));
  EXPECT_EQ(paths_of(MultiheadAttention(8, 4, {.bias = false, .kv_heads = 2})),
            (std::vector<std::string>{"in_proj_weight [16, 8]", "out_proj.weight [8, 8]"}));
}

TEST(MultiheadAttention, StartsAsThatOfPyTorch) {
  const MultiheadAttention layer(64, 4);
  const auto most = [](const Tensor& x) { return max(abs(x)).item(); };
  const double bound = std::sqrt(6.0 / (4 * 64));
  EXPECT_LT(most(layer.in_proj_weight), bound);
  EXPECT_GT(most(layer.in_proj_weight), 0.99 * bound);
  EXPECT_EQ(most(layer.in_proj_bias), 0);
  EXPECT_EQ(most(layer.out_proj.bias), 0);
  EXPECT_LT(most(layer.out_proj.weight), 1.0 / 8);
  EXPECT_GT(most(layer.out_proj.weight), 0.99 / 8);
  const MultiheadAttention apart(64, 4, {.kdim = 32});
  EXPECT_LT(most(apart.k_proj_weight), std::sqrt(6.0 / 96));
  EXPECT_GT(most(apart.k_proj_weight), 0.99 * std::sqrt(6.0 / 96));
}

TEST(MultiheadAttention, GroupedHeadsAreThoseOfAnOrdinaryLayerWithRepeatedRows) {
  const MultiheadAttention grouped(8, 4, {.kv_heads = 2, .dtype = DType::float64});
  const MultiheadAttention ordinary(8, 4, in_double());
  const NoGradGuard no_grad;
  const auto part = [&](std::int64_t first, std::int64_t last) {
    return slice(grouped.in_proj_weight, 0, first, last);
  };
  ordinary.in_proj_weight.copy_(
      cat({part(0, 8), part(8, 10), part(8, 10), part(10, 12), part(10, 12), part(12, 14),
           part(12, 14), part(14, 16), part(14, 16)}));
  ordinary.out_proj.weight.copy_(grouped.out_proj.weight);
  const Tensor x = random_values({2, 5, 8});
  EXPECT_TRUE(is_close(grouped(x, {.causal = true}), {2, 5, 8},
                       values_of(ordinary(x, {.causal = true})), 1e-14));
}

TEST(MultiheadAttention, GradientsOfEverything) {
  const Tensor x = random_leaf({2, 4, 6}, 1), other = random_leaf({2, 3, 5}, 2);
  const Tensor lengths = tensor({4, 2}), other_lengths = tensor({0, 3});
  const MultiheadAttention to_itself(6, 3, {.rotary = RotaryPositions{}, .dtype = DType::float64});
  const MultiheadAttention cross(6, 3, {.kdim = 5, .vdim = 5, .dtype = DType::float64});
  const auto check = [](const MultiheadAttention& layer, const std::vector<Tensor>& inputs,
                        const std::function<Tensor()>& run) {
    const auto of_inputs = gradcheck([&](const std::vector<Tensor>&) { return run(); }, inputs);
    EXPECT_TRUE(of_inputs.ok) << of_inputs.message;
    const auto of_weights = gradcheck(run, layer.parameters());
    EXPECT_TRUE(of_weights.ok) << of_weights.message;
  };
  check(to_itself, {x}, [&] { return to_itself(x, {.lengths = lengths, .causal = true}); });
  check(to_itself, {x}, [&] { return to_itself.weights(x, {.lengths = lengths}); });
  check(cross, {x, other}, [&] { return cross(x, other, other, {.lengths = other_lengths}); });
}

TEST(MultiheadAttention, WeightsAreThoseOfTheOutput) {
  const MultiheadAttention layer(4, 2, in_double());
  const NoGradGuard no_grad;
  slice(layer.in_proj_weight, 0, 8, 12).copy_(eye(4, DType::float64));  // values are x
  layer.out_proj.weight.copy_(eye(4, DType::float64));
  const Tensor x = random_values({2, 3, 4});
  const AttentionInputs inputs{.lengths = tensor({3, 2}), .causal = true};
  const Tensor p = layer.weights(x, inputs), y = layer(x, inputs);
  EXPECT_EQ(p.shape(), (Shape{2, 2, 3, 3}));
  for (std::int64_t h = 0; h < 2; ++h) {
    const Tensor expected = matmul(select(p, 1, h), slice(x, 2, 2 * h, 2 * h + 2));
    for (std::int64_t b = 0; b < 2; ++b) {
      const std::int64_t length = b == 0 ? 3 : 2;
      const Tensor actual = slice(slice(y[b], 1, 2 * h, 2 * h + 2), 0, 0, length);
      EXPECT_TRUE(
          is_close(actual, {length, 2}, values_of(slice(expected[b], 0, 0, length)), 1e-14));
    }
  }
}

/// Everything that a layer computes for x and other, in which padding is overwritten.
std::vector<std::vector<double>> results_with(double padding, bool to_itself) {
  manual_seed(1);
  const MultiheadAttention layer(6, 2, in_double());
  const Tensor x = random_leaf({2, 4, 6}, 1), other = random_leaf({2, 4, 6}, 2);
  const Tensor& padded = to_itself ? x : other;
  for (std::int64_t t = 2; t < 4; ++t) {
    padded.detach()[1].set_row(t, full({6}, padding, DType::float64));
  }
  const AttentionInputs inputs{.lengths = tensor({4, 2})};
  const Tensor y = to_itself ? layer(x, inputs) : layer(x, other, other, inputs);
  sum(y * random_values({2, 4, 6}, 3)).backward();
  std::vector<std::vector<double>> results{values_of(y), gradient_of(x)};
  if (!to_itself) results.push_back(gradient_of(other));
  for (const NamedParameter& p : layer.parameters()) results.push_back(gradient_of(p.parameter));
  return results;
}

TEST(MultiheadAttention, PaddingHasNoEffect) {
  for (const bool to_itself : {false, true}) {
    EXPECT_EQ(results_with(not_a_number, to_itself), results_with(7, to_itself)) << to_itself;
  }
  const MultiheadAttention layer(6, 2);
  const Tensor y = layer(randn({2, 4, 6}), {.lengths = tensor({2, 0})});
  for (const double v : values_of(slice(y[0], 0, 2, 4))) EXPECT_EQ(v, 0);
  for (const double v : values_of(y[1])) EXPECT_EQ(v, 0);
}

TEST(MultiheadAttention, DropsWeightsInTrainingModeOnly) {
  Generator generator(1);
  const MultiheadAttention layer(6, 2, {.dropout = 0.5}, generator);
  const Tensor x = randn({2, 9, 6});
  EXPECT_NE(values_of(layer(x)), values_of(layer(x)));
  layer.eval();
  EXPECT_EQ(values_of(layer(x)), values_of(layer(x)));
}

TEST(MultiheadAttention, DecodesThroughACacheInStepsOfAnySize) {
  for (const std::int64_t B : {1, 3}) {
    for (const bool rotary : {false, true}) {
      MultiheadAttentionOptions options{.kv_heads = 1, .dtype = DType::float64};
      if (rotary) options.rotary = RotaryPositions{};
      const MultiheadAttention layer(8, 2, options);
      const NoGradGuard no_grad;
      const Tensor x = random_values({B, 40, 8}), expected = layer(x, {.causal = true});
      for (const std::int64_t step : {1, 3, 7, 39, 40}) {
        KeyValueCache cache;
        std::vector<Tensor> parts;
        for (std::int64_t t = 0; t < 40; t += step) {
          parts.push_back(layer(slice(x, 1, t, std::min<std::int64_t>(t + step, 40)),
                                {.causal = true, .cache = &cache}));
        }
        EXPECT_EQ(cache.size(), 40);
        EXPECT_TRUE(is_close(cat(parts, 1), {B, 40, 8}, values_of(expected), 1e-12)) << step;
      }
    }
  }
}

TEST(MultiheadAttention, AttendsToWhatACacheHolds) {
  const MultiheadAttention layer(8, 2, in_double());
  const NoGradGuard no_grad;
  const Tensor x = random_values({3, 4, 8}, 1), other = random_values({3, 5, 8}, 2);
  const AttentionInputs inputs{.lengths = tensor({5, 2, 0})};
  KeyValueCache cache;
  layer.append(cache, other, other);
  EXPECT_TRUE(is_close(layer.attend(x, cache, inputs), {3, 4, 8},
                       values_of(layer(x, other, other, inputs)), 1e-13));
}

TEST(MultiheadAttention, BrokenInput) {
  EXPECT_ERROR(MultiheadAttention(6, 4), ValueError,
               "MultiheadAttention: embed_dim is 6, it must be a multiple of num_heads, 4");
  EXPECT_ERROR(MultiheadAttention(0, 1), ValueError,
               "MultiheadAttention: embed_dim is 0, it must be at least 1");
  EXPECT_ERROR(MultiheadAttention(6, 2, {.kv_heads = 4}), ValueError,
               "MultiheadAttention: num_heads is 2, it must be a multiple of kv_heads, 4");
  EXPECT_ERROR(MultiheadAttention(6, 2, {.dropout = -1}), ValueError,
               "MultiheadAttention: dropout is -1, it must be between 0 and 1");
  EXPECT_THROW(MultiheadAttention(6, 2, {.kdim = 0}), ValueError);
  EXPECT_ERROR(MultiheadAttention(9, 3, {.rotary = RotaryPositions{}}), ValueError,
               "MultiheadAttention: the size of a head is 3, with rotary it must be even");
  EXPECT_ERROR(MultiheadAttention(8, 2, {.rotary = RotaryPositions{.base = -1}}), ValueError,
               "MultiheadAttention: the base of rotary is -1, it must be positive");
  EXPECT_ERROR(MultiheadAttention(6, 2, {.kdim = 3})(zeros({2, 3, 6})), ValueError,
               "multihead_attention: the layer takes keys of 3 features and values of 6: call it "
               "with query, key and value");
  EXPECT_THROW(MultiheadAttention(6, 2, {.dtype = DType::int64}), DTypeError);
  const MultiheadAttention layer(6, 2);
  const Tensor x = zeros({2, 3, 6});
  EXPECT_ERROR(layer(zeros({2, 3, 5})), ShapeError,
               "multihead_attention: x is [2, 3, 5], it must be [batch, time, 6]: layer "
               "MultiheadAttention(6, 2)");
  EXPECT_ERROR(layer(x, zeros({2, 6}), x), ShapeError,
               "multihead_attention: key is [2, 6], it must be [batch, time, 6]: layer "
               "MultiheadAttention(6, 2)");
  EXPECT_THROW(layer(zeros({3, 6}), {.lengths = tensor({1, 1, 1})}), ShapeError);
  EXPECT_THROW(layer(x, {.lengths = tensor({4, 1})}), IndexError);
  EXPECT_THROW(layer(x, {.mask = zeros({2, 2})}), ShapeError);
  EXPECT_THROW(layer(x.to(DType::float64)), DTypeError);
  KeyValueCache cache;
  EXPECT_ERROR(layer(x, {.cache = &cache}), AutogradError,
               "KeyValueCache: the keys are part of a graph, which a cache does not hold: use a "
               "NoGradGuard");
  EXPECT_EQ(cache.size(), 0);
  const NoGradGuard no_grad;
  EXPECT_ERROR(layer(x, {.lengths = tensor({1, 1}), .cache = &cache}), ValueError,
               "multihead_attention: lengths cannot be given with a cache: use a mask [B, 1, 1, "
               "keys]");
  EXPECT_ERROR(layer(x, x, x, {.cache = &cache}), ValueError,
               "multihead_attention: inputs.cache is for attention of a sequence to itself: call "
               "attend() with the query and the cache");
  EXPECT_THROW(layer.attend(x, cache), Error);
}

// A step that fails after the keys were computed, or before.
TEST(MultiheadAttention, AFailedStepLeavesTheCacheAsItWas) {
  const MultiheadAttention layer(8, 2, in_double());
  const NoGradGuard no_grad;
  const Tensor x = random_values({2, 3, 8}, 1), next = random_values({2, 1, 8}, 2);
  KeyValueCache cache;
  EXPECT_THROW(layer(x, {.mask = zeros({7}, DType::float64), .cache = &cache}), ShapeError);
  EXPECT_EQ(cache.batch(), 0);
  layer(x, {.causal = true, .cache = &cache});
  KeyValueCache untouched = cache;
  for (const Tensor& mask : {zeros({7}, DType::float64), zeros({4}, DType::int64)}) {
    EXPECT_THROW(layer(next, {.mask = mask, .cache = &cache}), Error);
  }
  EXPECT_THROW(layer(slice(next, 0, 0, 1), {.cache = &cache}), ShapeError);
  EXPECT_EQ(cache.size(), 3);
  EXPECT_EQ(values_of(layer(next, {.causal = true, .cache = &cache})),
            values_of(layer(next, {.causal = true, .cache = &untouched})));
}

TEST(MultiheadAttention, RefusesRotaryPositionsBetweenTwoSequences) {
  const MultiheadAttention layer(8, 2, {.rotary = RotaryPositions{}});
  const NoGradGuard no_grad;
  const Tensor x = zeros({1, 3, 8});
  KeyValueCache cache;
  layer(x, {.cache = &cache});
  const std::string text =
      "multihead_attention: rotary positions are for attention of a sequence to itself: call the "
      "layer with x alone, or make it without .rotary";
  EXPECT_ERROR(layer(x, x, x), ValueError, text);
  EXPECT_ERROR(layer.weights(x, x), ValueError, text);
  EXPECT_ERROR(layer.attend(x, cache), ValueError, text);
  EXPECT_ERROR(layer.append(cache, x, x), ValueError, text);
  EXPECT_EQ(cache.size(), 3);
}

KeyValueCache filled(std::int64_t B, std::int64_t T, double value = 0) {
  KeyValueCache cache;
  cache.append(full({B, T, 2}, value), full({B, T, 3}, -value));
  return cache;
}

TEST(KeyValueCache, HoldsWhatWasAppended) {
  KeyValueCache cache;
  EXPECT_EQ(cache.size(), 0);
  EXPECT_EQ(cache.batch(), 0);
  for (std::int64_t t = 0; t < 50; t += 5) {
    cache.append(full({2, 5, 1}, t), full({2, 5, 1}, -t));
  }
  EXPECT_EQ(cache.batch(), 2);
  EXPECT_EQ(cache.keys().shape(), (Shape{50, 2, 1}));
  const auto keys = values_of(cache.keys()), values = values_of(cache.values());
  for (std::size_t i = 0; i < 100; ++i) {
    const std::size_t block = i / 10;
    EXPECT_EQ(keys[i], static_cast<double>(block * 5));
    EXPECT_EQ(values[i], -keys[i]);
  }
}

TEST(KeyValueCache, ACopyIsIndependent) {
  KeyValueCache cache = filled(1, 3, 1), copy = cache;
  cache.append(full({1, 1, 2}, 2), full({1, 1, 3}, 2));
  copy.append(full({1, 2, 2}, 5), full({1, 2, 3}, 5));
  EXPECT_TRUE(has_values(cache.keys(), {4, 1, 2}, {1, 1, 1, 1, 1, 1, 2, 2}));
  EXPECT_TRUE(has_values(copy.keys(), {5, 1, 2}, {1, 1, 1, 1, 1, 1, 5, 5, 5, 5}));
}

TEST(KeyValueCache, ACopyIsIndependentOnAnotherThread) {
  for (int round = 0; round < 50; ++round) {
    std::vector<KeyValueCache> copies(4, filled(1, 3, -1));
    std::atomic<int> waiting = 4;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < copies.size(); ++i) {
      threads.emplace_back([&, i] {
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        for (int step = 0; step < 3; ++step) {
          const auto value = static_cast<double>(10 * i);
          copies[i].append(full({1, 2, 2}, value), full({1, 2, 3}, value));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::size_t i = 0; i < copies.size(); ++i) {
      std::vector<double> expected(18, static_cast<double>(10 * i));
      std::fill_n(expected.begin(), 6, -1);
      ASSERT_TRUE(has_values(copies[i].keys(), {9, 1, 2}, expected));
    }
  }
}

TEST(KeyValueCache, IsEmptyOnceItWasMovedFrom) {
  KeyValueCache cache = filled(1, 3, 1), other = filled(2, 1, 2);
  const KeyValueCache constructed = std::move(cache);
  EXPECT_EQ(constructed.size(), 3);
  KeyValueCache assigned;
  assigned = std::move(other);
  EXPECT_EQ(assigned.batch(), 2);
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  for (KeyValueCache* moved : {&cache, &other}) {
    EXPECT_EQ(moved->size(), 0);
    EXPECT_EQ(moved->batch(), 0);
    moved->append(ones({3, 1, 2}), ones({3, 1, 3}));
    EXPECT_TRUE(has_values(moved->keys(), {1, 3, 2}, {1, 1, 1, 1, 1, 1}));
  }
  // NOLINTEND(bugprone-use-after-move)
}

TEST(KeyValueCache, TrimsWithoutAnEffectOnCopies) {
  KeyValueCache cache = filled(1, 3, 1);
  const KeyValueCache copy = cache;
  cache.trim(1);
  cache.append(full({1, 1, 2}, 2), full({1, 1, 3}, 2));
  EXPECT_TRUE(has_values(cache.keys(), {2, 1, 2}, {1, 1, 2, 2}));
  EXPECT_TRUE(has_values(copy.keys(), {3, 1, 2}, {1, 1, 1, 1, 1, 1}));
  cache.trim(0);
  cache.append(full({1, 1, 2}, 7), full({1, 1, 3}, 7));
  EXPECT_TRUE(has_values(cache.keys(), {1, 1, 2}, {7, 7}));
  EXPECT_ERROR(cache.trim(2), ValueError, "KeyValueCache: trim to 2 is outside [0, 1]");
  EXPECT_THROW(cache.trim(-1), ValueError);
  KeyValueCache nothing;
  nothing.trim(0);
}

TEST(KeyValueCache, MayBeTrimmedWhileAnotherThreadHasACopy) {
  for (int round = 0; round < 50; ++round) {
    KeyValueCache cache = filled(1, 3, 1);
    double seen = 0;
    std::thread reader([&seen, copy = cache]() mutable {
      seen = sum(copy.keys()).item();
      copy = {};
    });
    for (int i = 0; i < 20; ++i) {  // in the memory of the copy once that is gone
      cache.trim(1);
      cache.append(full({1, 1, 2}, 7), full({1, 1, 3}, 7));
    }
    reader.join();
    ASSERT_EQ(seen, 6);
    EXPECT_TRUE(has_values(cache.keys(), {2, 1, 2}, {1, 1, 7, 7}));
  }
}

TEST(KeyValueCache, SelectsSequences) {
  KeyValueCache cache;
  cache.append(tensor({1.0F, 2.0F, 3.0F}, {3, 1, 1}), zeros({3, 1, 1}));
  KeyValueCache selected = cache.select(tensor({2, 0, 2, 1}));
  selected.append(ones({4, 1, 1}), ones({4, 1, 1}));
  EXPECT_TRUE(has_values(selected.keys(), {2, 4, 1}, {3, 1, 3, 2, 1, 1, 1, 1}));
  EXPECT_TRUE(has_values(cache.keys(), {1, 3, 1}, {1, 2, 3}));
  EXPECT_ERROR(cache.select(tensor({3})), IndexError,
               "KeyValueCache::select: index 3 at position [0] is outside [0, 3)");
  EXPECT_ERROR(cache.select(zeros({1, 1}, DType::int64)), ShapeError,
               "KeyValueCache::select: ids are [1, 1], they must be [n]");
}

TEST(KeyValueCache, BrokenInput) {
  KeyValueCache cache = filled(2, 3);
  EXPECT_ERROR(cache.append(zeros({2, 1, 3}), zeros({2, 1, 3})), ShapeError,
               "KeyValueCache: the keys are [2, 1, 3], the cache holds [2, time, 2]");
  EXPECT_THROW(cache.append(zeros({1, 1, 2}), zeros({1, 1, 3})), ShapeError);
  EXPECT_THROW(cache.append(zeros({2, 2}), zeros({2, 1, 3})), ShapeError);
  EXPECT_ERROR(cache.append(zeros({2, 1, 2}), zeros({2, 2, 3})), ShapeError,
               "KeyValueCache: keys are [2, 1, 2], values are [2, 2, 3]: the batch and the times "
               "must be the same");
  EXPECT_ERROR(cache.append(zeros({2, 1, 2}, DType::float64), zeros({2, 1, 3})), DTypeError,
               "KeyValueCache: the keys are float64, the cache holds float32");
  EXPECT_EQ(cache.size(), 3);
  EXPECT_THROW((void)KeyValueCache().keys(), Error);
  EXPECT_THROW((void)KeyValueCache().values(), Error);
  EXPECT_ERROR(KeyValueCache().select(tensor({0})), Error,
               "KeyValueCache::select: there are no sequences before the first append()");
}

TEST(LearnedPositions, AddRowsOfATable) {
  const LearnedPositions positions(5, 4, {.dtype = DType::float64});
  const Tensor x = random_leaf({2, 3, 4});
  EXPECT_EQ(paths_of(positions), (std::vector<std::string>{"weight [5, 4]"}));
  const Tensor y = positions(x, 1);
  const Tensor expected = frozen(x) + slice(frozen(positions.weight), 0, 1, 4);
  EXPECT_TRUE(has_values(y, {2, 3, 4}, values_of(expected)));
  sum(y).backward();
  EXPECT_EQ(gradient_of(positions.weight),
            (std::vector<double>{0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0}));
  EXPECT_ERROR(positions(x, 3), ValueError,
               "learned_positions: positions [3, 6) are outside [0, 5)");
  EXPECT_THROW(positions(x, -1), ValueError);
  EXPECT_ERROR(positions(x, INT64_MAX), ValueError,
               "learned_positions: first is 9223372036854775807, it must be in [0, 5]");
  EXPECT_ERROR(positions(zeros({2, 3, 4})), DTypeError,
               "learned_positions: x is float32, the table is float64: convert x with to()");
  EXPECT_THROW(positions(zeros({2, 3, 5})), ShapeError);
  EXPECT_THROW(LearnedPositions(-1, 4), ValueError);
}

TEST(SinusoidalPositions, AddAFixedTable) {
  const SinusoidalPositions positions(5, 4);
  EXPECT_TRUE(positions.parameters().empty());
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor table = slice(sinusoidal_positions(5, 4, dtype), 0, 2, 5);
    EXPECT_TRUE(has_values(positions(zeros({1, 3, 4}, dtype), 2), {1, 3, 4}, values_of(table)));
  }
  EXPECT_THROW(positions(zeros({1, 6, 4})), ValueError);
  EXPECT_ERROR(positions(zeros({1, 3, 4}, DType::int64)), DTypeError,
               "sinusoidal_positions: x is int64, the table is float32: convert x with to()");
  EXPECT_THROW(SinusoidalPositions(5, 3), ValueError);
}

}  // namespace
}  // namespace gradus
