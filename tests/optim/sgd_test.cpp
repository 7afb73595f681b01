#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/sgd.h>
#include <gtest/gtest.h>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

// Values of PyTorch 1.13 in double.
TEST(SGD, FollowsTheTableOfKnownSteps) {
  EXPECT_THAT(three_steps<SGD>(SGDOptions{.lr = 0.1}), are(0.95, 1.05, 0.85));
  EXPECT_THAT(three_steps<SGD>(SGDOptions{.lr = 0.1, .weight_decay = 0.1}),
              are(0.94, 1.0306, 0.820294));
  EXPECT_THAT(three_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9}), are(0.95, 1.005, 0.8545));
  EXPECT_THAT(three_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.5}),
              are(0.95, 0.955, 0.8595));
  EXPECT_THAT(three_steps<SGD>(
                  SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}),
              are(0.886, 1.010566, 0.641448646));
}

TEST(SGD, ShrinksByLrTimesDecayWhereTheGradientIsZero) {
  const NamedParameter w = named("w", tensor({2.0, -4.0}));
  SGD optimizer({w}, {.lr = 0.5, .weight_decay = 0.25});
  w.parameter.set_grad(zeros({2}, DType::float64));
  optimizer.step();
  EXPECT_THAT(values_of(w.parameter), ElementsAre(2.0 * 0.875, -4.0 * 0.875));  // 1 - 0.5 * 0.25
}

// Steps of a table with rows that repeat, rows that come and go, and rows that never occur.
void expect_sparse_equals_dense(const SGDOptions& options) {
  const Shape shape{7, 3};
  const NamedParameter sparse = named("sparse", random_tensor(shape, 1));
  const NamedParameter dense = named("dense", sparse.parameter);
  SGD optimizer({sparse, dense}, options);
  const std::vector<std::vector<std::int64_t>> batches = {{5, 1, 5}, {0}, {1, 6, 6, 6}, {5}};
  for (unsigned step = 0; step < batches.size(); ++step) {
    const SparseGrad rows = random_rows(batches[step], shape, 10 + step);
    sparse.parameter.set_grad(rows);
    dense.parameter.set_grad(rows.to_dense());
    optimizer.step();
    EXPECT_THAT(values_of(sparse.parameter),
                Pointwise(DoubleNear(1e-14), values_of(dense.parameter)))
        << "step " << step;
  }
}

TEST(SGD, TakesSparseGradientsAsItTakesDenseOnes) {
  const ThreadsGuard guard;
  for (const std::int64_t grain : {32768, 16, 1}) {  // one chunk, several rows a chunk, one row
    set_parallel_grain(grain);
    expect_sparse_equals_dense({.lr = 0.1});
    expect_sparse_equals_dense({.lr = 0.1, .momentum = 0.9});
    expect_sparse_equals_dense({.lr = 0.1, .momentum = 0.9, .dampening = 0.5});
    expect_sparse_equals_dense({.lr = 0.1, .momentum = 0.9, .nesterov = true});
  }
}

TEST(SGD, MovesRowsByMomentumThatTheBatchLacks) {
  const NamedParameter w = named("w", zeros({2, 1}, DType::float64));
  SGD optimizer({w}, {.lr = 1, .momentum = 0.5});
  w.parameter.set_grad(SparseGrad(tensor({0}), tensor({8.0}, {1, 1}), {2, 1}));
  optimizer.step();
  w.parameter.set_grad(SparseGrad(tensor({1}), tensor({2.0}, {1, 1}), {2, 1}));
  optimizer.step();
  EXPECT_THAT(values_of(w.parameter), ElementsAre(-8.0 - 4.0, -2.0));
}

TEST(SGD, LeavesOtherRowsAsTheyAreWithoutMomentum) {
  const NamedParameter w = named("w", random_tensor<float>({50, 5}, 3));
  const Tensor before = w.parameter.clone();
  SGD optimizer({w}, {.lr = 0.1});
  w.parameter.set_grad(random_rows<float>({7, 30, 7}, {50, 5}, 4));
  optimizer.step();
  for (std::size_t i = 0; i < 250; ++i) {
    const bool touched = i / 5 == 7 || i / 5 == 30;
    EXPECT_EQ(w.parameter.span<float>()[i] != before.span<float>()[i], touched) << i;
  }
}

TEST(SGD, DoesNothingForASparseGradientOfNoRows) {
  const NamedParameter w = named("w", random_tensor({4, 2}, 5));
  SGD optimizer({w}, {.lr = 0.1, .momentum = 0.9, .dampening = 0.5});
  const SparseGrad none(empty({0}, DType::int64), empty({0, 2}, DType::float64), {4, 2});
  const Tensor start = w.parameter.clone();
  w.parameter.set_grad(none);
  optimizer.step();
  EXPECT_TRUE(same_bytes(w.parameter, start));

  // The first gradient enters the momentum whole, also after an empty one.
  const SparseGrad rows = random_rows({1}, {4, 2}, 6);
  w.parameter.set_grad(rows);
  optimizer.step();
  EXPECT_DOUBLE_EQ(w.parameter.span<double>()[2],
                   start.span<double>()[2] - 0.1 * rows.values().span<double>()[0]);
  const Tensor moved = w.parameter.clone();
  w.parameter.set_grad(none);
  optimizer.step();
  EXPECT_TRUE(same_bytes(w.parameter, moved));
}

TEST(SGD, RefusesSparseGradientsWithDecay) {
  const NamedParameter bias = named("bias", ones({2}, DType::float64));
  const NamedParameter w = named("embedding.weight", ones({4, 2}, DType::float64));
  SGD optimizer({bias, w}, {.lr = 0.1, .weight_decay = 0.5});
  bias.parameter.set_grad(ones({2}, DType::float64));
  w.parameter.set_grad(random_rows({1}, {4, 2}, 7));
  EXPECT_EQ(message_of<AutogradError>([&] { optimizer.step(); }),
            "SGD: weight_decay is 0.5 and the gradient of embedding.weight is sparse: put it into "
            "a group with .weight_decay = 0, or make the gradient dense with .sparse = false");
  EXPECT_THAT(values_of(bias.parameter), ElementsAre(1, 1));
}

TEST(SGD, RefusesOptionsOutOfRange) {
  const std::vector<NamedParameter> w = {named("w", ones({2}))};
  const auto message = [&](const SGDOptions& options) {
    return message_of<ValueError>([&] { SGD(w, options); });
  };
  EXPECT_EQ(message({.lr = -1}), "SGD: lr is -1, it must not be negative");
  EXPECT_EQ(message({.momentum = -0.5}), "SGD: momentum is -0.5, it must not be negative");
  EXPECT_EQ(message({.weight_decay = -2}), "SGD: weight_decay is -2, it must not be negative");
  EXPECT_EQ(message({.lr = NAN}), "SGD: lr is nan, it must be a finite number");
  EXPECT_EQ(message({.dampening = INFINITY}), "SGD: dampening is inf, it must be a finite number");
  const char* nesterov = "it needs momentum and no dampening";
  EXPECT_THAT(message({.nesterov = true}), HasSubstr(nesterov));
  EXPECT_THAT(message({.momentum = 0.9, .dampening = 0.1, .nesterov = true}), HasSubstr(nesterov));
}

TEST(SGD, HasTheSameBitsForAnyNumberOfThreads) {
  for (const SGDOptions& options :
       {SGDOptions{.lr = 0.1}, SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true}}) {
    const auto results = with_threads([&] {
      const NamedParameter dense = named("dense", random_tensor<float>({1003}, 1));
      const NamedParameter sparse = named("sparse", random_tensor<float>({211, 7}, 2));
      SGD optimizer({dense, sparse}, options);
      for (unsigned step = 0; step < 3; ++step) {
        dense.parameter.set_grad(random_tensor<float>({1003}, 10 + step));
        std::vector<std::int64_t> ids;
        for (std::int64_t k = 0; k < 300; ++k) ids.push_back(k * k * 7 % 211);
        sparse.parameter.set_grad(random_rows<float>(ids, {211, 7}, 20 + step));
        optimizer.step();
      }
      return std::pair(hash_of<float>(dense.parameter), hash_of<float>(sparse.parameter));
    });
    EXPECT_THAT(results, testing::Each(results[0]));
  }
}

}  // namespace
}  // namespace gradus
