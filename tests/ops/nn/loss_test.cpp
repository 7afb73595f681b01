#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"cross_entropy", "one label ignored",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor<std::int64_t>({1, -100, 3}, {3})};
                      }),
           [](const Inputs& in) { return cross_entropy(in[0], in[1]); }},
    OpCase{"cross_entropy", "without reduction",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor<std::int64_t>({1, -100, 3}, {3})};
                      }),
           [](const Inputs& in) {
             return cross_entropy(in[0], in[1], {.reduction = Reduction::none});
           }},
    OpCase{"nll_loss", "sum",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor<std::int64_t>({1, -100, 3}, {3})};
                      }),
           [](const Inputs& in) { return nll_loss(in[0], in[1], {.reduction = Reduction::sum}); }},
    OpCase{"mse_loss", "mean", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return mse_loss(in[0], in[1]); }},
};

using Loss = Tensor (*)(const Tensor&, const Tensor&, const CrossEntropyOptions&);

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

// By the definition, for rows of scores that are log-probabilities or, if `logits`, are not.
std::vector<double> loss_of(const Tensor& scores, const Tensor& labels, bool logits,
                            const CrossEntropyOptions& options) {
  const std::vector<double> x = values_of(scores);
  const std::vector<double> label = values_of(labels);
  const std::size_t classes = x.size() / label.size();
  std::vector<double> losses;
  double total = 0, counted = 0;
  for (std::size_t i = 0; i < label.size(); ++i) {
    losses.push_back(0);
    if (label[i] == static_cast<double>(options.ignore_index)) continue;
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(x[i * classes + c]);
    losses[i] = (logits ? std::log(sum) : 0) - x[i * classes + static_cast<std::size_t>(label[i])];
    total += losses[i];
    counted += 1;
  }
  if (options.reduction == Reduction::none) return losses;
  return {options.reduction == Reduction::sum ? total : total / counted};
}

void check_values(Loss op, bool logits) {
  const Tensor x = frozen(random_leaf({5, 7}));
  for (const Tensor& labels : {tensor({0, 6, 3, 3, 2}), tensor({0, -100, 3, 6, -100})}) {
    for (const Reduction reduction : reductions) {
      const CrossEntropyOptions options{.reduction = reduction};
      const Shape shape = reduction == Reduction::none ? Shape{5} : Shape{};
      const std::vector<double> expected = loss_of(x, labels, logits, options);
      EXPECT_TRUE(is_close(op(x, labels, options), shape, expected, 1e-14));
      EXPECT_TRUE(is_close(op(x.to(DType::float32), labels, options), shape, expected, 1e-6));
    }
  }
  const CrossEntropyOptions ignore_three{.ignore_index = 3, .reduction = Reduction::none};
  const Tensor labels = tensor({0, 3, 1, 3, 2});
  EXPECT_TRUE(
      is_close(op(x, labels, ignore_three), {5}, loss_of(x, labels, logits, ignore_three), 1e-14));
  const Tensor row = frozen(random_leaf({4}));
  EXPECT_TRUE(is_close(op(row, scalar(2), {}), {}, loss_of(row, scalar(2), logits, {}), 1e-14));
}

void check_gradients(Loss op) {
  for (const Tensor& labels : {tensor({0, 4, 2}), tensor({-100, 4, 4}), tensor({1, -100, 0})}) {
    for (const Reduction reduction : reductions) {
      EXPECT_TRUE(passes_gradcheck(
          [=](const Inputs& in) { return op(in[0], in[1], {.reduction = reduction}); },
          {random_leaf({3, 5}), labels}));
    }
  }
  EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return op(in[0], scalar(1), {}); },
                               {random_leaf({4})}));
  EXPECT_FALSE(op(frozen(random_leaf({1, 2})), tensor({1}), {}).requires_grad());
}

void check_nothing(Loss op) {
  for (const auto& [x, labels] : {std::pair(random_leaf({0, 3}), zeros({0}, DType::int64)),
                                  std::pair(random_leaf({2, 3}), tensor({-100, -100})),
                                  std::pair(random_leaf({1, 0}), tensor({-100}))}) {
    for (const Reduction reduction : reductions) {
      x.clear_grad();
      const Tensor loss = op(x, labels, {.reduction = reduction});
      const Shape shape = reduction == Reduction::none ? labels.shape() : Shape{};
      EXPECT_TRUE(has_values(loss, shape,
                             std::vector<double>(static_cast<std::size_t>(shape.numel()), 0.0)));
      loss.backward(ones(shape, DType::float64));
      EXPECT_TRUE(has_values(x.grad().dense(), x.shape(),
                             std::vector<double>(static_cast<std::size_t>(x.numel()), 0.0)));
    }
  }
}

void check_broken(Loss op, const std::string& name, const std::string& scores) {
  const Tensor x = zeros({2, 3});
  for (const Reduction reduction : reductions) {
    const CrossEntropyOptions options{.reduction = reduction};
    EXPECT_ERROR(op(x, tensor({0, 3}), options), IndexError,
                 name + ": label 3 at position [1] is outside [0, 3)");
    EXPECT_ERROR(op(x, tensor({-1, 7}), options), IndexError,
                 name + ": label -1 at position [0] is outside [0, 3)");
  }
  EXPECT_ERROR(op(x, tensor({0, -100}), {.ignore_index = -1}), IndexError,
               name + ": label -100 at position [1] is outside [0, 3)");
  EXPECT_ERROR(op(zeros({3}), scalar(5), {}), IndexError,
               name + ": label 5 at position [] is outside [0, 3)");
  EXPECT_ERROR(op(x, tensor({0, 1, 2}), {}), ShapeError,
               name + ": shapes do not fit: " + scores +
                   " is [2, 3], labels are [3]: each row has one label");
  EXPECT_ERROR(
      op(zeros({3}), tensor({1}), {}), ShapeError,
      name + ": shapes do not fit: " + scores + " is [3], labels are [1]: each row has one label");
  EXPECT_ERROR(
      op(zeros({2, 3, 4}), zeros({2, 4}, DType::int64), {}), ShapeError,
      name + ": " + scores +
          " of shape [2, 3, 4] where [N, C] or [C] is needed: move the classes to the last "
          "axis and reshape to [N, C], the labels to [N]");
  EXPECT_ERROR(op(x, tensor({0.0f, 1.0f}), {}), DTypeError,
               name +
                   ": labels are float32, int64 is needed: convert them with "
                   "to(DType::int64)");
  EXPECT_ERROR(op(zeros({2, 3}, DType::int64), tensor({0, 1}), {}), DTypeError,
               name + ": a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpCrossEntropy, KnownValues) { check_values(cross_entropy, true); }
TEST(OpCrossEntropy, KnownValuesOfExtremeLogits) {
  const Tensor x = tensor({1000.0, -1000.0, 1e4, 0.0, -infinity, 0.0}, {3, 2});
  EXPECT_TRUE(has_values(cross_entropy(x, tensor({1, 0, 1}), {.reduction = Reduction::none}), {3},
                         {2000, 0, 0}));
  EXPECT_TRUE(has_values(cross_entropy(x, tensor({0, 1, 0}), {.reduction = Reduction::none}), {3},
                         {0, 1e4, infinity}));
  EXPECT_TRUE(is_close(cross_entropy(tensor({1e4f, 1e4f}), scalar(0)), {}, {std::log(2.0)}, 1e-7));
  EXPECT_TRUE(
      has_values(cross_entropy(tensor({0.0, not_a_number}), scalar(0)), {}, {not_a_number}));
}
TEST(OpCrossEntropy, Gradient) { check_gradients(cross_entropy); }
TEST(OpCrossEntropy, GradientOfExtremeLogitsIsRightAndFinite) {
  const Tensor x = leaf({1000, -1000, -infinity, 0, 1e4, 1e4}, {3, 2});
  cross_entropy(x, tensor({1, 1, 0}), {.reduction = Reduction::sum}).backward();
  EXPECT_TRUE(is_close(x.grad().dense(), {3, 2}, {1, -1, 0, 0, -0.5, 0.5}, 1e-11));
}
TEST(OpCrossEntropy, GradientOfIgnoredRowsIsZeroWhateverTheyHold) {
  const Tensor x = leaf({not_a_number, infinity, 0, 0}, {2, 2});
  const Tensor loss = cross_entropy(x, tensor({-100, 1}));
  EXPECT_TRUE(is_close(loss, {}, {std::log(2.0)}, 1e-15));
  loss.backward();
  EXPECT_TRUE(is_close(x.grad().dense(), {2, 2}, {0, 0, 0.5, -0.5}, 1e-15));
}
TEST(OpCrossEntropy, EqualsNllLossOfLogSoftmax) {
  const Tensor x = random_leaf({6, 40}, 2, -10, 10);
  const Tensor labels = tensor({0, 39, -100, 7, 7, 20});
  cross_entropy(x, labels).backward();
  const std::vector<double> fused = gradient_of(x);
  x.clear_grad();
  const Tensor loss = nll_loss(log_softmax(x, 1), labels);
  EXPECT_NEAR(loss.item(), cross_entropy(x, labels).item(), 1e-13);
  loss.backward();
  EXPECT_TRUE(is_close(x.grad().dense(), {6, 40}, fused, 1e-14));
}
TEST(OpCrossEntropy, MeanOverNothingIsZeroWithZeroGradient) { check_nothing(cross_entropy); }
TEST(OpCrossEntropy, AChangeOfTheLabelsBeforeBackwardIsAnError) {
  const Tensor labels = tensor({0, 1});
  const Tensor loss = cross_entropy(random_leaf({2, 2}), labels);
  labels.fill_(1);
  EXPECT_THROW(loss.backward(), AutogradError);
}
TEST(OpCrossEntropy, BrokenInput) { check_broken(cross_entropy, "cross_entropy", "logits"); }

TEST(OpNllLoss, KnownValues) { check_values(nll_loss, false); }
TEST(OpNllLoss, Gradient) { check_gradients(nll_loss); }
TEST(OpNllLoss, MeanOverNothingIsZeroWithZeroGradient) { check_nothing(nll_loss); }
TEST(OpNllLoss, BrokenInput) { check_broken(nll_loss, "nll_loss", "log_probabilities"); }

TEST(MseLoss, KnownValues) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  const Tensor target = tensor({1.0, 0.0, 6.0, 3.0}, {2, 2});
  EXPECT_TRUE(has_values(mse_loss(x, target), {}, {3.5}));
  EXPECT_TRUE(has_values(mse_loss(x, target, Reduction::sum), {}, {14}));
  EXPECT_TRUE(has_values(mse_loss(x, target, Reduction::none), {2, 2}, {0, 4, 9, 1}));
}
TEST(MseLoss, GradientOfBothArguments) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(
        passes_gradcheck([=](const Inputs& in) { return mse_loss(in[0], in[1], reduction); },
                         {random_leaf({2, 3}, 1), random_leaf({2, 3}, 2)}));
  }
}
TEST(MseLoss, MeanOverNothingIsZero) {
  const Tensor x = random_leaf({0, 3});
  const Tensor loss = mse_loss(x, zeros({0, 3}, DType::float64));
  EXPECT_TRUE(has_values(loss, {}, {0}));
  loss.backward();
  EXPECT_TRUE(has_values(x.grad().dense(), {0, 3}, {}));
}
TEST(MseLoss, BrokenInput) {
  EXPECT_ERROR(mse_loss(zeros({2, 1}), zeros({2})), ShapeError,
               "mse_loss: shapes differ: x is [2, 1], target is [2]: reshape one like the other");
  EXPECT_ERROR(
      mse_loss(zeros({2}), zeros({2}, DType::float64)), DTypeError,
      "mse_loss: dtypes differ: a is float32 [2], b is float64 [2]: convert one with to()");
  EXPECT_ERROR(mse_loss(tensor({1}), tensor({1})), DTypeError,
               "mse_loss: a tensor of dtype int64 where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
