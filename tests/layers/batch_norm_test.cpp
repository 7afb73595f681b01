#include <gradus/framework/core/autograd.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/power.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/batch_norm.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/sequential.h>
#include <gradus/optim/sgd.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

constexpr DType wide = DType::float64;

std::int64_t batches(const BatchNorm1d& norm) {
  return norm.num_batches_tracked.item<std::int64_t>();
}

TEST(BatchNorm1d, StartsUnderTheNamesOfPyTorch) {
  const BatchNorm1d norm(2);
  std::vector<std::string> names;
  for (const StateEntry& entry : norm.state_dict()) names.push_back(entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"weight", "bias", "running_mean", "running_var",
                                             "num_batches_tracked"}));
  EXPECT_TRUE(has_values(norm.weight, {2}, {1, 1}));
  EXPECT_TRUE(has_values(norm.bias, {2}, {0, 0}));
  EXPECT_TRUE(has_values(norm.running_mean, {2}, {0, 0}));
  EXPECT_TRUE(has_values(norm.running_var, {2}, {1, 1}));
  EXPECT_TRUE(has_values(norm.num_batches_tracked, {}, {0}));
  EXPECT_EQ(norm.num_batches_tracked.dtype(), DType::int64);
  EXPECT_EQ(norm.parameters().size(), 2u);
  EXPECT_EQ(norm.num_features(), 2);
  EXPECT_EQ(norm.eps(), 1e-5);
  EXPECT_EQ(norm.momentum(), 0.1);
}

TEST(BatchNorm1d, TracksBatchesInTrainingModeOnly) {
  const BatchNorm1d norm(1, {.eps = 0, .dtype = wide});
  const Tensor x = tensor({1.0, 5.0}, {2, 1});  // mean 3, variance over n - 1: 8
  EXPECT_TRUE(has_values(norm(x), {2, 1}, {-1, 1}));
  EXPECT_TRUE(is_close(norm.running_mean, {1}, {0.3}, 1e-15));
  EXPECT_TRUE(is_close(norm.running_var, {1}, {1.7}, 1e-15));
  EXPECT_EQ(batches(norm), 1);
  norm.eval();
  EXPECT_TRUE(is_close(norm(x), {2, 1}, {0.7 / std::sqrt(1.7), 4.7 / std::sqrt(1.7)}, 1e-15));
  EXPECT_TRUE(is_close(norm(tensor({{0.3}})), {1, 1}, {0}, 1e-15));  // one value is enough
  EXPECT_TRUE(is_close(norm.running_mean, {1}, {0.3}, 1e-15));
  EXPECT_EQ(batches(norm), 1);
  norm.train();
  norm(x);
  EXPECT_TRUE(is_close(norm.running_mean, {1}, {0.57}, 1e-15));
  EXPECT_EQ(batches(norm), 2);
}

TEST(BatchNorm1d, WithoutMomentumTheRunningValuesAreMeans) {
  const BatchNorm1d norm(1, {.momentum = std::nullopt, .dtype = wide});
  for (const double mean : {3.0, 5.0, 13.0}) {
    norm(tensor({mean - 1, mean + 1, mean}, {3, 1}));
  }
  EXPECT_TRUE(is_close(norm.running_mean, {1}, {7}, 1e-15));
  EXPECT_TRUE(is_close(norm.running_var, {1}, {1}, 1e-15));
  EXPECT_EQ(batches(norm), 3);
}

TEST(BatchNorm1d, ABatchWithoutValuesIsNotTracked) {
  const BatchNorm1d norm(2, {.momentum = std::nullopt});
  norm(zeros({0, 2}));
  norm(zeros({3, 0, 2}));
  norm(zeros({2, 3, 2}), {.lengths = tensor({0, 0})});
  EXPECT_EQ(batches(norm), 0);
  EXPECT_TRUE(has_values(norm.running_mean, {2}, {0, 0}));
  norm(full({2, 3, 2}, 5), {.lengths = tensor({0, 2})});
  EXPECT_EQ(batches(norm), 1);
  EXPECT_TRUE(has_values(norm.running_mean, {2}, {5, 5}));
}

TEST(BatchNorm1d, WithoutRunningValuesItUsesThoseOfTheBatch) {
  const BatchNorm1d norm(2, {.eps = 0, .track_running_stats = false});
  EXPECT_FALSE(norm.running_mean.defined());
  EXPECT_FALSE(norm.num_batches_tracked.defined());
  EXPECT_EQ(norm.state_dict().size(), 2u);
  norm.eval();
  EXPECT_TRUE(has_values(norm(tensor({{1.F, 10.F}, {3.F, 30.F}})), {2, 2}, {-1, -1, 1, 1}));
  EXPECT_THROW(norm(ones({1, 2})), ValueError);
}

TEST(BatchNorm1d, WithoutAffineItHasNoParameters) {
  const BatchNorm1d norm(2, {.affine = false});
  EXPECT_EQ(norm.num_parameters(), 0);
  EXPECT_EQ(norm.state_dict().size(), 3u);
  const Tensor x = rand({3, 2});
  EXPECT_EQ(values_of(norm(x)), values_of(BatchNorm1d(2)(x)));
}

TEST(BatchNorm1d, ARefusedCallChangesNothing) {
  const BatchNorm1d norm(2);
  EXPECT_ERROR(norm(ones({1, 2})), ValueError,
               "batch_norm: there is one value per channel, x is [1, 2]: training needs two or "
               "more: use a larger batch, or eval()");
  EXPECT_ERROR(norm(ones({4, 2, 3})), ShapeError,
               "batch_norm: x is [4, 2, 3], it must be [batch, 2] or [batch, time, 2]: channels "
               "are the last axis: layer BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=true, "
               "track_running_stats=true)");
  EXPECT_THROW(norm(ones({2, 3, 2}), {.lengths = tensor({1, 4})}), IndexError);
  EXPECT_THROW(norm(ones({2, 2}, wide)), DTypeError);
  EXPECT_TRUE(has_values(norm.running_mean, {2}, {0, 0}));
  EXPECT_TRUE(has_values(norm.running_var, {2}, {1, 1}));
  EXPECT_EQ(batches(norm), 0);
}

TEST(BatchNorm1d, ItsGradientsAreRightInBothModesAndForTwoUses) {
  for (const bool training : {true, false}) {
    const BatchNorm1d norm(3, {.dtype = wide});
    norm.train(training);
    const Tensor x = random_leaf({4, 3}), lengths = tensor({2, 0, 3});
    const Tensor z = random_leaf({3, 3, 3}, 5);
    const auto loss = [&] { return norm(norm(x) * x) + sum(norm(z, {.lengths = lengths}) * z); };
    const GradcheckResult parameters = gradcheck(loss, norm.parameters());
    EXPECT_TRUE(parameters) << parameters.message;
    EXPECT_TRUE(passes_gradcheck([&](const auto& in) { return norm(norm(in[0]) * in[0]); }, {x}));
  }
}

TEST(BatchNorm1d, TheRunningValuesOfUsesInOneGraphComeInOrder) {
  const BatchNorm1d norm(1, {.momentum = 0.5, .dtype = wide});
  const Tensor x = leaf({0, 2}, {2, 1}), z = leaf({4, 6}, {2, 1});
  const Tensor first = norm(x);
  sum(first * x + norm(z) * z).backward();
  EXPECT_TRUE(has_values(norm.running_mean, {1}, {0.5 * 0.5 + 2.5}));
  EXPECT_EQ(batches(norm), 2);
  EXPECT_FALSE(norm.running_mean.requires_grad());
}

TEST(BatchNorm1d, LoadsAStateConvertsAndSnapshots) {
  const BatchNorm1d from(2), to(2);
  from(tensor({{1.F, 2.F}, {3.F, 8.F}}));
  to.load_state_dict(from.state_dict());
  EXPECT_EQ(batches(to), 1);
  EXPECT_EQ(values_of(to.running_var), values_of(from.running_var));
  const StateDict before = snapshot(to);
  to(tensor({{1.F, 2.F}, {3.F, 8.F}}));
  restore(to, before);
  EXPECT_EQ(batches(to), 1);
  to.to(wide);
  EXPECT_EQ(to.running_mean.dtype(), wide);
  EXPECT_EQ(to.num_batches_tracked.dtype(), DType::int64);
  EXPECT_EQ(to(ones({2, 2}, wide)).dtype(), wide);
}

TEST(BatchNorm1d, IsAPartOfASequentialModelThatLearns) {
  manual_seed(1);
  const Sequential model(
      Linear(4, 8), BatchNorm1d(8), [](const Tensor& x) { return relu(x); }, Linear(8, 1));
  SGD optimizer(model.parameters(), {.lr = 0.1});
  const Tensor x = randn({64, 4}), y = sum(x, 1, true);
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    const Tensor loss = mean(square(model(x) - y));
    last = loss.item();
    if (step == 0) first = last;
    loss.backward();
    optimizer.step();
    model.zero_grad();
  }
  EXPECT_LT(last, 0.2 * first);
  model.eval();
  EXPECT_LT(mean(square(model(x) - y)).item(), 0.5 * first);
}

TEST(BatchNorm1d, SaysWhatItIsAndRefusesBrokenArguments) {
  EXPECT_EQ(BatchNorm1d(3, {.momentum = std::nullopt, .affine = false}).str(),
            "BatchNorm1d(3, eps=1e-05, momentum=none, affine=false, track_running_stats=true)");
  EXPECT_ERROR(BatchNorm1d(-1), ValueError,
               "BatchNorm1d: num_features is -1, it cannot be negative");
  EXPECT_ERROR(BatchNorm1d(3, {.eps = -1}), ValueError,
               "BatchNorm1d: eps is -1: it must be a finite number >= 0");
  EXPECT_ERROR(BatchNorm1d(3, {.momentum = not_a_number}), ValueError,
               "BatchNorm1d: momentum is nan, it must be between 0 and 1");
}

}  // namespace
}  // namespace gradus
