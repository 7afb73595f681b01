#include <gmock/gmock.h>
#include <gradus/framework/error.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

std::vector<NamedParameter> layers() {
  return {named("embedding.weight", ones({3, 2}, DType::float64)),
          named("encoder.0.weight", ones({2}, DType::float64)),
          named("encoder.1.weight", ones({2}, DType::float64)),
          named("head.bias", ones({2}, DType::float64))};
}

std::vector<std::string> trainable(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> result;
  for (const NamedParameter& target : parameters) {
    if (target.parameter.trainable()) result.push_back(target.path);
  }
  return result;
}

TEST(Freeze, TakesAPatternOfPaths) {
  const std::vector<NamedParameter> all = layers();
  EXPECT_EQ(freeze(all, "encoder.?.w*t"), 2);
  EXPECT_THAT(trainable(all), ElementsAre("embedding.weight", "head.bias"));
  EXPECT_EQ(unfreeze(all, "*.1.*"), 1);
  EXPECT_THAT(trainable(all), ElementsAre("embedding.weight", "encoder.1.weight", "head.bias"));
  EXPECT_EQ(freeze(all, "*"), 4);
  EXPECT_EQ(message_of<ValueError>([&] { freeze(all, "encoder"); }),
            "freeze: no parameter matches 'encoder': there are embedding.weight, encoder.0.weight, "
            "encoder.1.weight, head.bias");
}

TEST(GroupsByDepth, GivesLowerLayersLowerRates) {
  const SGD optimizer(groups_by_depth<ParameterGroup<SGDOptions>>(
      layers(), {"embedding.*", "encoder.0.*", "encoder.1.*"}, {.lr = 8, .momentum = 0.5}, 0.5));
  ASSERT_EQ(optimizer.num_groups(), 4);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(optimizer.lr(i), 1 << i);
  EXPECT_EQ(optimizer.options(2).momentum, 0.5);
  EXPECT_EQ(message_of<ValueError>([] {
              split_by_pattern(layers(), {"*.weight", "encoder.*"});
            }),
            "split_by_pattern: no parameter is left for 'encoder.*': there are embedding.weight, "
            "encoder.0.weight, encoder.1.weight, head.bias");
}

TEST(CheckFinite, NamesTheFirstThatIsNot) {
  const std::vector<NamedParameter> all = layers();
  const Tensor loss = tensor({1.0});
  const double infinity = std::numeric_limits<double>::infinity();
  check_finite(loss, all);
  EXPECT_EQ(message_of<ValueError>([&] { check_finite(tensor({std::nan("")}), all); }),
            "check_finite: the loss is nan");
  all[1].parameter.set_grad(tensor({1.0, infinity}));
  EXPECT_EQ(message_of<ValueError>([&] { check_finite(loss, all); }),
            "check_finite: the gradient of encoder.0.weight [2] is inf in element 1");
  all[0].parameter.set_grad(
      SparseGrad(tensor({0, 2}), tensor({1.0, 1.0, -infinity, 1.0}, {2, 2}), {3, 2}));
  EXPECT_EQ(message_of<ValueError>([&] { check_finite(loss, all); }),
            "check_finite: the gradient of embedding.weight [3, 2] is -inf in row 2");
  freeze(all, "*");
  check_finite(loss, all);
}

// Parts of 1, 4 and 2 items: the mean of all, not the mean of means.
TEST(GradientAccumulator, EqualsTheBigBatchWithUnequalCounts) {
  const Tensor start = random_tensor({7}, 1), x = random_tensor({7}, 2);
  const NamedParameter big = named("w", start), parts = named("w", start);
  const Tensor loss = mean(mul(mul(big.parameter, big.parameter), x));
  loss.backward();
  GradientAccumulator accumulator({parts});
  std::int64_t begin = 0;
  for (const std::int64_t n : {1, 4, 2}) {
    std::vector<double> mask(7);
    for (std::int64_t i = begin; i < begin + n; ++i) mask[static_cast<std::size_t>(i)] = 1;
    const Tensor part = mul(x, tensor(mask, {7}));
    accumulator.backward(sum(mul(mul(parts.parameter, parts.parameter), part)), n);
    begin += n;
  }
  EXPECT_NEAR(accumulator.finish(), loss.item(), 1e-14);
  EXPECT_THAT(values_of(parts.parameter.grad().dense()),
              Pointwise(DoubleNear(1e-14), values_of(big.parameter.grad().dense())));
  EXPECT_EQ(accumulator.finish(), 0);
  EXPECT_THROW(accumulator.backward(loss, -1), ValueError);
}

TEST(GradientAccumulator, DividesSparseGradientsAndLeavesFrozenOnesAlone) {
  const std::vector<NamedParameter> all = layers();
  GradientAccumulator accumulator(all);
  accumulator.backward(sum(all[3].parameter), 4);
  all[0].parameter.set_grad(SparseGrad(tensor({1}), tensor({4.0, 8.0}, {1, 2}), {3, 2}));
  all[1].parameter.set_grad(tensor({4.0, 4.0}));
  freeze(all, "encoder.0.*");
  EXPECT_EQ(accumulator.finish(), 0.5);
  EXPECT_THAT(values_of(all[0].parameter.grad().sparse().values()), ElementsAre(1, 2));
  EXPECT_THAT(values_of(all[1].parameter.grad().dense()), ElementsAre(4, 4));
  EXPECT_THAT(values_of(all[3].parameter.grad().dense()), ElementsAre(0.25, 0.25));
}

TEST(GradientAccumulator, ThrowsOnceItWasMovedFrom) {
  const NamedParameter w = named("w", tensor({1.0}));
  GradientAccumulator accumulator({w});
  GradientAccumulator moved = std::move(accumulator);
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_THROW(accumulator.backward(sum(w.parameter * 2), 1), Error);
  EXPECT_THROW(accumulator.finish(), Error);
  // NOLINTEND(bugprone-use-after-move)
  moved.backward(sum(w.parameter * 2), 1);
  EXPECT_EQ(moved.finish(), 2);
}

}  // namespace
}  // namespace gradus
