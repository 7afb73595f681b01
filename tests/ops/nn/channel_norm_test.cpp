#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/channel_norm.h>
#include <gradus/framework/ops/power.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <bit>

namespace gradus {
namespace {

const std::vector<std::int64_t> some_lengths{2, 0, 4, 1};
Inputs fixed_lengths() { return {tensor(some_lengths)}; }
Inputs running_values() { return {tensor({0.5, -1.0, 0.0}), tensor({2.0, 0.5, 1.0})}; }
Inputs running_and_lengths() {
  Inputs all = running_values();
  all.push_back(tensor(some_lengths));
  return all;
}

const OpCases cases{
    OpCase{"batch_norm", "training, [B, C]", leaves({{5, 3}, {3}, {3}}),
           [](const Inputs& in) {
             return batch_norm(in[0], {}, {}, in[1], in[2], {.training = true});
           }},
    OpCase{"batch_norm", "training, [B, T, C], eps", leaves({{2, 3, 4}, {4}, {4}}),
           [](const Inputs& in) {
             return batch_norm(in[0], {}, {}, in[1], in[2], {.training = true, .eps = 0.3});
           }},
    OpCase{"batch_norm", "training, lengths", leaves_and({{4, 4, 3}, {3}, {3}}, fixed_lengths),
           [](const Inputs& in) {
             return batch_norm(in[0], {}, {}, in[1], in[2], {.training = true, .lengths = in[3]});
           }},
    OpCase{"batch_norm", "training, x alone", leaves({{4, 17}}),
           [](const Inputs& in) { return batch_norm(in[0], {}, {}, {}, {}, {.training = true}); }},
    OpCase{"batch_norm", "evaluation", leaves_and({{2, 4, 3}, {3}, {3}}, running_values),
           [](const Inputs& in) {
             return batch_norm(in[0], in[3], in[4], in[1], in[2], {.eps = 0.1});
           }},
    OpCase{"batch_norm", "evaluation, lengths, no bias",
           leaves_and({{4, 4, 3}, {3}}, running_and_lengths),
           [](const Inputs& in) {
             return batch_norm(in[0], in[2], in[3], in[1], {}, {.lengths = in[4]});
           }},
    OpCase{"group_norm", "[B, C]", leaves({{3, 6}, {6}, {6}}),
           [](const Inputs& in) { return group_norm(in[0], 2, in[1], in[2]); }},
    OpCase{"group_norm", "[B, T, C], eps, no weight", leaves({{2, 3, 6}, {6}}),
           [](const Inputs& in) { return group_norm(in[0], 3, {}, in[1], 0.3); }},
    OpCase{"group_norm", "lengths", leaves_and({{4, 4, 6}, {6}, {6}}, fixed_lengths),
           [](const Inputs& in) {
             return group_norm(in[0], 2, in[1], in[2], 1e-5, {.lengths = in[3]});
           }},
    OpCase{"group_norm", "one group, x alone", leaves({{2, 3, 2}}),
           [](const Inputs& in) { return group_norm(in[0], 1); }},
};

constexpr DType wide = DType::float64;
BatchNormOptions training(double eps = 1e-5) { return {.training = true, .eps = eps}; }

/// The positions of x [B, T, C] that count, one after the other.
Tensor joined(const Tensor& x, const std::vector<std::int64_t>& lengths) {
  std::vector<Tensor> parts;
  for (std::size_t b = 0; b < lengths.size(); ++b)
    parts.push_back(slice(select(x, 0, static_cast<std::int64_t>(b)), 0, 0, lengths[b]));
  return cat(parts);
}

std::vector<std::uint64_t> bits_of(const Tensor& x) {
  std::vector<std::uint64_t> bits;
  for (const double value : values_of(x)) bits.push_back(std::bit_cast<std::uint64_t>(value));
  return bits;
}

TEST(OpBatchNorm, KnownValuesInTraining) {
  const Tensor x = tensor({1.0, 10.0, 5.0, 20.0}, {2, 2});
  EXPECT_TRUE(has_values(batch_norm(x, {}, {}, {}, {}, training(0)), {2, 2}, {-1, -1, 1, 1}));
  const Tensor weight = tensor({2.0, 3.0}), bias = tensor({10.0, 20.0});
  EXPECT_TRUE(
      has_values(batch_norm(x, {}, {}, weight, bias, training(0)), {2, 2}, {8, 17, 12, 23}));
  EXPECT_TRUE(is_close(batch_norm(x, {}, {}, {}, {}, training(12)), {2, 2},
                       {-0.5, -5 / std::sqrt(37), 0.5, 5 / std::sqrt(37)}, 1e-15));
}
TEST(OpBatchNorm, KnownValuesOfTheRunningValues) {
  const Tensor x = tensor({1.0, 10.0, 5.0, 20.0}, {2, 1, 2});  // variances over n - 1: 8, 50
  const Tensor mean = tensor({1.0, 5.0}), var = tensor({4.0, 10.0});
  batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 0.25});
  EXPECT_TRUE(has_values(mean, {2}, {1.5, 7.5}));
  EXPECT_TRUE(has_values(var, {2}, {5, 20}));
  batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 1});
  EXPECT_TRUE(has_values(mean, {2}, {3, 15}));
  EXPECT_TRUE(has_values(var, {2}, {8, 50}));
  batch_norm(x * 7, mean, var, {}, {}, {.training = true, .momentum = 0});
  EXPECT_TRUE(has_values(mean, {2}, {3, 15}));
  EXPECT_TRUE(has_values(var, {2}, {8, 50}));
}
TEST(OpBatchNorm, KnownValuesInEvaluation) {
  const Tensor mean = tensor({1.0, 2.0}), var = tensor({3.0, 0.0});
  const Tensor x = tensor({5.0, 4.0, 1.0, 2.0}, {2, 2});
  EXPECT_TRUE(has_values(batch_norm(x, mean, var, {}, {}, {.eps = 1}), {2, 2}, {2, 2, 0, 0}));
  EXPECT_TRUE(has_values(batch_norm(slice(x, 0, 0, 1), mean, var, {}, tensor({7.0, 8.0}),
                                    {.eps = 0}),  // one value is enough, and a variance of 0
                         {1, 2}, {4 / std::sqrt(3.0) + 7, 8}));
  EXPECT_TRUE(has_values(mean, {2}, {1, 2}));
  EXPECT_TRUE(has_values(var, {2}, {3, 0}));
}
TEST(OpBatchNorm, KnownValuesWithLengthsAreThoseOfTheJoinedPositions) {
  const Tensor x = random_leaf({4, 4, 3}), flat = joined(x, some_lengths);
  const Tensor lengths = tensor(some_lengths);
  const Tensor mean = zeros({3}, wide), var = ones({3}, wide);
  const Tensor flat_mean = mean.clone(), flat_var = var.clone();
  const Tensor y = batch_norm(x, mean, var, {}, {}, {.training = true, .lengths = lengths});
  const Tensor expected = batch_norm(flat, flat_mean, flat_var, {}, {}, training());
  EXPECT_EQ(bits_of(joined(y, some_lengths)), bits_of(expected));
  EXPECT_EQ(bits_of(mean), bits_of(flat_mean));
  EXPECT_EQ(bits_of(var), bits_of(flat_var));
  EXPECT_TRUE(has_values(select(y, 0, 1), {4, 3}, std::vector<double>(12, 0)));
  EXPECT_TRUE(has_values(slice(select(y, 0, 3), 0, 1, 4), {3, 3}, std::vector<double>(9, 0)));
}
TEST(OpBatchNorm, KnownValuesFarFromZero) {
  const std::int64_t n = 10000;
  Generator generator(1);
  const Tensor x = randn({n, 3}, 1e4, 1.0, DType::float32, generator);
  const Tensor exact = batch_norm(x.to(wide), {}, {}, {}, {}, training());
  const Tensor mean = zeros({3}), var = zeros({3});
  const Tensor y = batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 1});
  EXPECT_TRUE(is_close(y, {n, 3}, values_of(exact), 1e-6));
  const Tensor d = x.to(wide) - 1e4;
  const Tensor exact_mean = gradus::mean(d, 0) + 1e4;
  EXPECT_TRUE(is_close(mean, {3}, values_of(exact_mean), 1e-7));
  EXPECT_TRUE(
      is_close(var, {3}, values_of(sum(square(x.to(wide) - exact_mean), 0) / (n - 1)), 1e-7));
  const Tensor neighbours = tensor({16777216.F, 16777218.F}, {2, 1});
  EXPECT_TRUE(is_close(batch_norm(neighbours, {}, {}, {}, {}, training(0)), {2, 1}, {-1, 1}, 1e-7));
}
TEST(OpBatchNorm, KnownValuesOfEqualValues) {
  const Tensor x = full({3, 2}, 0.1, wide), bias = tensor({1.0, 2.0});
  for (const double eps : {1e-5, 0.0}) {
    EXPECT_TRUE(
        has_values(batch_norm(x, {}, {}, {}, bias, training(eps)), {3, 2}, {1, 2, 1, 2, 1, 2}));
  }
}
TEST(OpBatchNorm, KnownValuesOutsideTheRangeOfSquares) {
  for (const float unit : {1e-30F, 1e30F}) {
    const Tensor x = tensor({unit, -unit}, {2, 1});
    EXPECT_TRUE(is_close(batch_norm(x, {}, {}, {}, {}, training(0)), {2, 1}, {1, -1}, 1e-6));
  }
}
TEST(OpBatchNorm, KnownValuesOfNothing) {
  const Tensor mean = tensor({1.0F, 2.0F}), var = tensor({3.0F, 4.0F});
  const Tensor none = tensor({0, 0});
  EXPECT_TRUE(has_values(batch_norm(zeros({0, 2}), mean, var, {}, {}, training()), {0, 2}, {}));
  EXPECT_TRUE(
      has_values(batch_norm(zeros({3, 0, 2}), mean, var, {}, {}, training()), {3, 0, 2}, {}));
  EXPECT_TRUE(has_values(batch_norm(full({2, 1, 2}, not_a_number), mean, var, ones({2}), ones({2}),
                                    {.training = true, .lengths = none}),
                         {2, 1, 2}, {0, 0, 0, 0}));
  EXPECT_TRUE(has_values(mean, {2}, {1, 2}));
  EXPECT_TRUE(has_values(var, {2}, {3, 4}));
  EXPECT_TRUE(has_values(batch_norm(zeros({3, 0}), {}, {}, {}, {}, training()), {3, 0}, {}));
}
TEST(OpBatchNorm, KnownValuesOfNaNStayInTheirChannel) {
  const Tensor x = tensor({1.0, not_a_number, 3.0, 5.0}, {2, 2});
  EXPECT_TRUE(has_values(batch_norm(x, {}, {}, {}, {}, training(0)), {2, 2},
                         {-1, not_a_number, 1, not_a_number}));
  EXPECT_TRUE(has_values(batch_norm(x, zeros({2}, wide), ones({2}, wide), {}, {}, {.eps = 0}),
                         {2, 2}, {1, not_a_number, 3, 5}));
}

TEST(OpBatchNorm, Gradient) {
  const Inputs in{random_leaf({4, 5, 3}), random_leaf({3}, 2), random_leaf({3}, 3)};
  for (const Tensor& lengths : {Tensor(), tensor({5, 0, 1, 3})}) {
    for (const double eps : {1e-5, 0.5}) {
      EXPECT_TRUE(passes_gradcheck(
          [&](const Inputs& x) {
            return batch_norm(x[0], {}, {}, x[1], x[2],
                              {.training = true, .eps = eps, .lengths = lengths});
          },
          in));
      EXPECT_TRUE(passes_gradcheck(
          [&](const Inputs& x) {
            return batch_norm(x[0], tensor({0.5, -1.0, 0.0}), tensor({2.0, 0.5, 1.0}), x[1], x[2],
                              {.eps = eps, .lengths = lengths});
          },
          in));
    }
  }
}
TEST(OpBatchNorm, GradientOfTwoUsesWithRunningValues) {
  const Tensor mean = zeros({3}, wide), var = ones({3}, wide);
  EXPECT_TRUE(passes_gradcheck(
      [&](const Inputs& x) {
        const Tensor y = batch_norm(x[0], mean, var, x[1], x[2], training());
        return batch_norm(y * x[0], mean, var, x[1], x[2], training());
      },
      {random_leaf({5, 3}), random_leaf({3}, 2), random_leaf({3}, 3)}));
}
TEST(OpBatchNorm, GradientOfEachInputAlone) {
  const auto run = [](const Inputs& in) {
    return batch_norm(in[0], {}, {}, in[1], in[2], training());
  };
  const Inputs all = leaves({{4, 3}, {3}, {3}})();
  run(all).backward(frozen(random_leaf({4, 3}, 7)));
  for (std::size_t k = 0; k < 3; ++k) {
    const Inputs in = leaves({{4, 3}, {3}, {3}})();
    for (std::size_t i = 0; i < 3; ++i) in[i].set_trainable(i == k);
    run(in).backward(frozen(random_leaf({4, 3}, 7)));
    EXPECT_EQ(gradient_of(in[k]), gradient_of(all[k])) << k;
  }
}
TEST(OpBatchNorm, GradientAtEqualValues) {
  const Tensor x = leaf({5, 5, 5}, {3, 1});
  batch_norm(x, {}, {}, {}, {}, training(0.25)).backward(tensor({1.0, 2.0, 6.0}, {3, 1}));
  EXPECT_TRUE(is_close(x.grad().dense(), {3, 1}, {-4, -2, 6}, 1e-15));
  x.clear_grad();
  batch_norm(x, {}, {}, {}, {}, training(0)).backward(tensor({1.0, 2.0, 6.0}, {3, 1}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 0, 0}));
}
TEST(OpBatchNorm, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({not_a_number, 1, infinity, 3}, {2, 2}), weight = leaf({1, 1});
  batch_norm(x, {}, {}, weight, {}, training(0)).backward(tensor({0.0, 1.0, 0.0, 0.0}, {2, 2}));
  EXPECT_TRUE(is_close(x.grad().dense(), {2, 2}, {0, 0, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(weight.grad().dense(), {2}, {0, -1}, 1e-15));
  const Tensor z = leaf({not_a_number, 1, 2, 3}, {2, 2});
  weight.clear_grad();
  batch_norm(z, zeros({2}, wide), tensor({0.0, 4.0}), weight, {}, {.eps = 1})
      .backward(tensor({0.0, 0.0, 5.0, 1.0}, {2, 2}));
  EXPECT_TRUE(is_close(z.grad().dense(), {2, 2}, {0, 0, 5, 1 / std::sqrt(5)}, 1e-15));
  EXPECT_TRUE(is_close(weight.grad().dense(), {2}, {10, 3 / std::sqrt(5)}, 1e-15));
}
TEST(OpBatchNorm, GradientIsNotReachedByNaNInPadding) {
  const Tensor lengths = tensor(some_lengths);
  const Tensor clean = random_leaf({4, 4, 3}), g = frozen(random_leaf({4, 4, 3}, 9));
  const Tensor dirty = clean.clone(), dirty_g = g.clone();
  for (std::int64_t b = 0; b < 4; ++b) {
    for (std::int64_t t = some_lengths[static_cast<std::size_t>(b)]; t < 4; ++t) {
      dirty[b][t].fill_(not_a_number);
      dirty_g[b][t].fill_(not_a_number);
    }
  }
  dirty.set_trainable(true);
  for (const bool train : {true, false}) {
    std::vector<std::vector<std::uint64_t>> bits[2];
    for (const bool is_dirty : {false, true}) {
      const Tensor x = is_dirty ? dirty : clean;
      const Tensor weight = random_leaf({3}, 2), bias = random_leaf({3}, 3);
      const Tensor mean = zeros({3}, wide), var = ones({3}, wide);
      const Tensor y =
          batch_norm(x, mean, var, weight, bias, {.training = train, .lengths = lengths});
      y.backward(is_dirty ? dirty_g : g);
      for (const Tensor& value :
           {y.detach(), x.grad().dense(), weight.grad().dense(), bias.grad().dense(), mean, var})
        bits[is_dirty].push_back(bits_of(value));
      x.clear_grad();
    }
    EXPECT_EQ(bits[0], bits[1]);
  }
}
TEST(OpBatchNorm, GradientOfNothing) {
  const Inputs in = leaves({{0, 3}, {3}, {3}})();
  batch_norm(in[0], {}, {}, in[1], in[2], training()).backward(zeros({0, 3}, wide));
  EXPECT_TRUE(has_values(in[0].grad().dense(), {0, 3}, {}));
  EXPECT_TRUE(has_values(in[1].grad().dense(), {3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(in[2].grad().dense(), {3}, {0, 0, 0}));
}
TEST(OpBatchNorm, GradientInEvaluationDoesNotNeedTheRunningValues) {
  const Tensor x = random_leaf({4, 3}), mean = zeros({3}, wide), var = full({3}, 4, wide);
  const Tensor y = batch_norm(x, mean, var, {}, {}, {.eps = 0});
  batch_norm(x.detach(), mean, var, {}, {}, training());  // changes them
  y.backward(ones({4, 3}, wide));
  EXPECT_EQ(gradient_of(x), std::vector<double>(12, 0.5));
}

TEST(OpBatchNorm, BrokenInput) {
  const Tensor x = ones({2, 4, 3}), c = ones({3}), two = ones({2});
  EXPECT_ERROR(batch_norm(ones({3}), c, c), ShapeError,
               "batch_norm: x is [3], it must be [batch, channels] or [batch, time, channels]");
  EXPECT_ERROR(batch_norm(ones({1, 2, 4, 3}), c, c), ShapeError,
               "batch_norm: x is [1, 2, 4, 3], it must be [batch, channels] or [batch, time, "
               "channels]");
  EXPECT_ERROR(batch_norm(x, c, two), ShapeError,
               "batch_norm: running_var is [2], x is [2, 4, 3]: it must be [3], one value per "
               "channel, and channels are the last axis of x");
  EXPECT_THROW(batch_norm(x, two, c), ShapeError);
  EXPECT_THROW(batch_norm(x, c, c, two), ShapeError);
  EXPECT_THROW(batch_norm(x, c, c, {}, two), ShapeError);
  EXPECT_ERROR(batch_norm(x, {}, {}), ValueError,
               "batch_norm: running_mean and running_var are undefined: they are needed unless "
               ".training is true");
  EXPECT_ERROR(batch_norm(x, {}, c, {}, {}, training()), ValueError,
               "batch_norm: running_mean is undefined: give both or, in training, none");
  EXPECT_ERROR(batch_norm(x, c, {}), ValueError,
               "batch_norm: running_var is undefined: give both or, in training, none");
  EXPECT_ERROR(batch_norm(x, c, c, {}, {}, {.momentum = 1.5}), ValueError,
               "batch_norm: momentum is 1.5, it must be between 0 and 1");
  EXPECT_ERROR(batch_norm(x, c, c, {}, {}, {.eps = -1}), ValueError,
               "batch_norm: eps is -1: it must be a finite number >= 0");
  EXPECT_ERROR(batch_norm(ones({2, 3}), c, c, {}, {}, {.lengths = tensor({1, 2})}), ShapeError,
               "batch_norm: there are lengths, but x is [2, 3]: they need [batch, time, channels]");
  EXPECT_ERROR(batch_norm(x, c, c, {}, {}, {.lengths = tensor({5, 2})}), IndexError,
               "batch_norm: length 5 at position [0] is outside [0, 4]: x is [2, 4, 3]");
  EXPECT_ERROR(batch_norm(tensor({{1, 2}}), two, two), DTypeError,
               "batch_norm: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(batch_norm(x, c.to(wide), c.to(wide)), DTypeError);
  EXPECT_THROW(batch_norm(x, c, c, c.to(wide)), DTypeError);
}
TEST(OpBatchNorm, BrokenInputLeavesTheRunningValuesAlone) {
  const Tensor mean = tensor({1.0F, 2.0F, 3.0F}), var = tensor({4.0F, 5.0F, 6.0F});
  EXPECT_ERROR(batch_norm(ones({1, 3}), mean, var, {}, {}, training()), ValueError,
               "batch_norm: there is one value per channel, x is [1, 3]: training needs two or "
               "more: use a larger batch, or eval()");
  EXPECT_THROW(batch_norm(ones({1, 1, 3}), mean, var, {}, {}, training()), ValueError);
  EXPECT_ERROR(
      batch_norm(ones({2, 4, 3}), mean, var, {}, {}, {.training = true, .lengths = tensor({0, 1})}),
      ValueError,
      "batch_norm: there is one value per channel, x is [2, 4, 3] and the sum of its "
      "lengths is 1: training needs two or more: use a larger batch, or eval()");
  const Tensor needs_grad = leaf(std::vector<float>{4, 5, 6}, {3});
  EXPECT_THROW(batch_norm(ones({2, 3}), mean, needs_grad, {}, {}, training()), AutogradError);
  EXPECT_TRUE(has_values(mean, {3}, {1, 2, 3}));
  EXPECT_TRUE(has_values(var, {3}, {4, 5, 6}));
}

TEST(OpGroupNorm, KnownValues) {
  const Tensor x = tensor({1.0, 3.0, 10.0, 20.0, 5.0, 7.0, 0.0, 0.0}, {1, 2, 4});
  // the first group: 1, 3, 5, 7
  const Tensor y = group_norm(x, 2, {}, {}, 0);
  const double s = std::sqrt(5.0), z = std::sqrt(68.75);
  EXPECT_TRUE(is_close(
      y, {1, 2, 4}, {-3 / s, -1 / s, 2.5 / z, 12.5 / z, 1 / s, 3 / s, -7.5 / z, -7.5 / z}, 1e-15));
  const Tensor weight = tensor({1.0, 2.0}), bias = tensor({10.0, 20.0});
  EXPECT_TRUE(has_values(group_norm(tensor({1.0, 3.0, 5.0, 1.0}, {2, 2}), 1, weight, bias, 0),
                         {2, 2}, {9, 22, 11, 18}));
}
TEST(OpGroupNorm, KnownValuesOfSequencesAreThoseOfEachAlone) {
  const Tensor x = random_leaf({4, 4, 6}), lengths = tensor(some_lengths);
  const Tensor weight = random_leaf({6}, 2), bias = random_leaf({6}, 3);
  const Tensor y = group_norm(x, 3, weight, bias, 1e-3, {.lengths = lengths});
  for (std::int64_t b = 0; b < 4; ++b) {
    const std::int64_t n = some_lengths[static_cast<std::size_t>(b)];
    const Tensor alone = unsqueeze(slice(select(x, 0, b), 0, 0, n), 0);
    EXPECT_EQ(bits_of(slice(select(y, 0, b), 0, 0, n)),
              bits_of(group_norm(alone, 3, weight, bias, 1e-3)));
    EXPECT_TRUE(has_values(slice(select(y, 0, b), 0, n, 4), {4 - n, 6},
                           std::vector<double>(static_cast<std::size_t>(6 * (4 - n)), 0)));
  }
}
TEST(OpGroupNorm, KnownValuesOfOneValueEqualValuesAndNothing) {
  const Tensor bias = tensor({1.0, 2.0});
  EXPECT_TRUE(has_values(group_norm(tensor({{7.0, 8.0}}), 2, {}, bias), {1, 2}, {1, 2}));
  EXPECT_TRUE(
      has_values(group_norm(full({1, 2, 2}, 0.1, wide), 1, {}, bias, 0), {1, 2, 2}, {1, 2, 1, 2}));
  EXPECT_TRUE(has_values(group_norm(zeros({0, 4}), 2), {0, 4}, {}));
  EXPECT_TRUE(has_values(group_norm(zeros({2, 0, 4}), 2), {2, 0, 4}, {}));
  EXPECT_TRUE(has_values(group_norm(zeros({2, 0}), 2), {2, 0}, {}));
}
TEST(OpGroupNorm, KnownValuesFarFromZero) {
  Generator generator(1);
  const Tensor x = randn({3, 50, 8}, 1e4, 1.0, DType::float32, generator);
  EXPECT_TRUE(is_close(group_norm(x, 2), x.shape(), values_of(group_norm(x.to(wide), 2)), 1e-6));
}

TEST(OpGroupNorm, Gradient) {
  const Inputs in{random_leaf({3, 4, 6}), random_leaf({6}, 2), random_leaf({6}, 3)};
  for (const Tensor& lengths : {Tensor(), tensor({4, 0, 2})}) {
    for (const std::int64_t groups : {1, 2, 6}) {
      EXPECT_TRUE(passes_gradcheck(
          [&](const Inputs& x) {
            return group_norm(x[0], groups, x[1], x[2], 0.1, {.lengths = lengths});
          },
          in));
    }
  }
  EXPECT_TRUE(passes_gradcheck(  // the input is used elsewhere as well
      [](const Inputs& x) { return group_norm(x[0], 2) * x[0]; }, {random_leaf({2, 3, 4})}));
}
TEST(OpGroupNorm, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({not_a_number, 1, 2, 4}, {2, 2}), weight = leaf({1, 1});
  group_norm(x, 1, weight).backward(tensor({0.0, 0.0, 0.0, 1.0}, {2, 2}));
  const auto dx = gradient_of(x), dweight = gradient_of(weight);
  EXPECT_EQ(dx[0], 0);
  EXPECT_EQ(dx[1], 0);
  for (const double v : dx) EXPECT_TRUE(std::isfinite(v));
  EXPECT_EQ(dweight[0], 0);
  EXPECT_NEAR(dweight[1], 1, 1e-4);
}
TEST(OpGroupNorm, GradientIsNotReachedByNaNInPadding) {
  const Tensor lengths = tensor({2, 0});
  std::vector<std::vector<double>> results[2];
  for (const bool dirty : {false, true}) {
    const Tensor x = random_leaf({2, 3, 4}).detach().clone();
    const Tensor g = frozen(random_leaf({2, 3, 4}, 9));
    for (const Tensor& padded : {x, g}) {
      if (dirty) padded[0][2].fill_(not_a_number), padded[1].fill_(infinity);
    }
    x.set_trainable(true);
    const Tensor weight = random_leaf({4}, 2);
    const Tensor y = group_norm(x, 2, weight, {}, 1e-5, {.lengths = lengths});
    y.backward(g);
    results[dirty] = {values_of(y), gradient_of(x), gradient_of(weight)};
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(OpGroupNorm, BrokenInput) {
  const Tensor x = ones({2, 4, 6});
  for (const std::int64_t groups : {0, -1, 4}) {
    EXPECT_ERROR(group_norm(x, groups), ValueError,
                 "group_norm: num_groups is " + std::to_string(groups) +
                     ", x is [2, 4, 6]: it must divide the number of channels, 6, which are the "
                     "last axis");
  }
  EXPECT_ERROR(group_norm(x, 2, ones({4})), ShapeError,
               "group_norm: weight is [4], x is [2, 4, 6]: it must be [6], one value per channel, "
               "and channels are the last axis of x");
  EXPECT_THROW(group_norm(x, 2, {}, ones({4})), ShapeError);
  EXPECT_THROW(group_norm(ones({6}), 2), ShapeError);
  EXPECT_ERROR(group_norm(x, 2, {}, {}, infinity), ValueError,
               "group_norm: eps is inf: it must be a finite number >= 0");
  EXPECT_ERROR(group_norm(x, 2, {}, {}, 1e-5, {.lengths = tensor({1, -2})}), IndexError,
               "group_norm: length -2 at position [1] is outside [0, 4]: x is [2, 4, 6]");
  EXPECT_ERROR(group_norm(x, 2, {}, {}, 1e-5, {.lengths = tensor({1, 2, 3})}), ShapeError,
               "group_norm: lengths are [3], x is [2, 4, 6]: one length per sequence is needed, "
               "[2]");
  EXPECT_ERROR(group_norm(tensor({{1, 2}}), 2), DTypeError,
               "group_norm: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(group_norm(x, 2, ones({6}, wide)), DTypeError);
}

}  // namespace
}  // namespace gradus
