#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/accumulate.h>
#include <gradus/optim/training/freeze.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

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

TEST(GradientAccumulator, RefusesCountsWhoseSumOverflows) {
  const NamedParameter w = named("w", tensor({1.0}));
  GradientAccumulator accumulator({w});
  accumulator.backward(sum(w.parameter), 2);
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(
      message_of<ValueError>([&] { accumulator.backward(sum(w.parameter), most); }),
      "GradientAccumulator: count is 9223372036854775807: with the 2 before it, the sum is above "
      "2^63 - 1");
  EXPECT_EQ(accumulator.finish(), 0.5);
  EXPECT_THAT(values_of(w.parameter.grad().dense()), ElementsAre(0.5));
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
