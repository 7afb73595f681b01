#include <gradus/framework/ops/nn/regression_loss.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

using Pair = Tensor (*)(const Tensor&, const Tensor&, Reduction);

Tensor smooth_l1(const Tensor& x, const Tensor& target, Reduction reduction) {
  return smooth_l1_loss(x, target, {.beta = 0.5, .reduction = reduction});
}
Tensor huber(const Tensor& x, const Tensor& target, Reduction reduction) {
  return huber_loss(x, target, {.delta = 2, .reduction = reduction});
}
Tensor divergence(const Tensor& x, const Tensor& target, Reduction reduction) {
  return kl_div(x, target, {.reduction = reduction});
}

const OpCases cases{
    OpCase{"mse_loss", "mean", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return mse_loss(in[0], in[1]); }},
    OpCase{"mse_loss", "without reduction", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return mse_loss(in[0], in[1], Reduction::none); }},
    OpCase{"l1_loss", "mean", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return l1_loss(in[0], in[1]); }},
    OpCase{"smooth_l1_loss", "sum", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return smooth_l1(in[0], in[1], Reduction::sum); }},
    OpCase{"huber_loss", "without reduction", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return huber(in[0], in[1], Reduction::none); }},
    OpCase{"kl_div", "probabilities", leaves({{3, 4}, {3, 4}}, 0.25, 1),
           [](const Inputs& in) { return kl_div(in[0], in[1]); }},
    OpCase{"kl_div", "logarithms", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) {
             return kl_div(in[0], in[1], {.log_target = true, .reduction = Reduction::none});
           }},
};

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

/// The losses of x = [1, 2, 3, 4] against [1, 0, 6, 3.75], and what reductions make of them.
void check_known(Pair op, const std::vector<double>& expected) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  const Tensor target = tensor({1.0, 0.0, 6.0, 3.75}, {2, 2});
  double total = 0;
  for (const double loss : expected) total += loss;
  EXPECT_TRUE(is_close(op(x, target, Reduction::none), {2, 2}, expected, 1e-15));
  EXPECT_TRUE(is_close(op(x, target, Reduction::sum), {}, {total}, 1e-15));
  EXPECT_TRUE(is_close(op(x, target, Reduction::mean), {}, {total / 4}, 1e-15));
}

void check_gradients(Pair op) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return op(in[0], in[1], reduction); },
                                 {random_leaf({2, 3}, 1), random_leaf({2, 3}, 2, 0.25, 1)}));
  }
}

void check_nothing(Pair op) {
  for (const Reduction reduction : reductions) {
    const Tensor x = random_leaf({0, 3});
    const Tensor loss = op(x, zeros({0, 3}, DType::float64), reduction);
    const Shape shape = reduction == Reduction::none ? Shape{0, 3} : Shape{};
    EXPECT_TRUE(has_values(loss, shape, std::vector<double>(reduction != Reduction::none, 0.0)));
    loss.backward(ones(shape, DType::float64));
    EXPECT_TRUE(has_values(x.grad().dense(), {0, 3}, {}));
  }
}

void check_nan(Pair op) {
  const Tensor x = leaf({not_a_number, 0.5}, {2});
  const Tensor loss = op(x, tensor({0.5, 0.25}), Reduction::none);
  EXPECT_TRUE(std::isnan(values_of(loss)[0]));
  EXPECT_TRUE(std::isfinite(values_of(loss)[1]));
  EXPECT_TRUE(std::isnan(op(x, tensor({0.5, 0.25}), Reduction::mean).item()));
  EXPECT_TRUE(std::isnan(op(frozen(x), tensor({0.5, 0.25}), Reduction::sum).item()));
}

void check_broken(Pair op, const std::string& name) {
  EXPECT_ERROR(op(zeros({2, 1}), zeros({2}), Reduction::mean), ShapeError,
               name + ": shapes differ: x is [2, 1], target is [2]: reshape one like the other");
  EXPECT_ERROR(op(zeros({2, 2}), zeros({2}), Reduction::mean), ShapeError,
               name + ": shapes differ: x is [2, 2], target is [2]");
  EXPECT_ERROR(op(zeros({2}), zeros({2}, DType::float64), Reduction::mean), DTypeError,
               name + ": dtypes differ: x is float32, target is float64: convert one with to()");
  EXPECT_ERROR(op(tensor({1}), tensor({1}), Reduction::mean), DTypeError,
               name + ": a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpMseLoss, KnownValues) { check_known(mse_loss, {0, 4, 9, 0.0625}); }
TEST(OpMseLoss, GradientOfBothArguments) { check_gradients(mse_loss); }
TEST(OpMseLoss, MeanOverNothingIsZero) { check_nothing(mse_loss); }
TEST(OpMseLoss, NanGivesNan) { check_nan(mse_loss); }
TEST(OpMseLoss, BrokenInput) { check_broken(mse_loss, "mse_loss"); }

TEST(OpL1Loss, KnownValues) { check_known(l1_loss, {0, 2, 3, 0.25}); }
TEST(OpL1Loss, GradientOfBothArguments) { check_gradients(l1_loss); }
TEST(OpL1Loss, GradientAtZeroIsZeroAndAtNanIsNan) {
  const Tensor x = leaf({1, not_a_number, infinity}, {3}), target = leaf({1, 0, 0}, {3});
  l1_loss(x, target, Reduction::sum).backward();
  EXPECT_TRUE(has_values(x.grad().dense(), {3}, {0, not_a_number, 1}));
  EXPECT_TRUE(has_values(target.grad().dense(), {3}, {0, not_a_number, -1}));
}
TEST(OpL1Loss, MeanOverNothingIsZero) { check_nothing(l1_loss); }
TEST(OpL1Loss, NanGivesNan) { check_nan(l1_loss); }
TEST(OpL1Loss, BrokenInput) { check_broken(l1_loss, "l1_loss"); }

TEST(OpSmoothL1Loss, KnownValues) { check_known(smooth_l1, {0, 1.75, 2.75, 0.0625}); }
TEST(OpSmoothL1Loss, KnownValuesOnTheBoundAndOfBetaZero) {
  const Tensor x = leaf({2, -2, 3}, {3}), zero = zeros({3}, DType::float64);
  const Tensor loss = smooth_l1_loss(x, zero, {.beta = 2, .reduction = Reduction::none});
  EXPECT_TRUE(has_values(loss, {3}, {1, 1, 2}));
  loss.backward(ones({3}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {3}, {1, -1, 1}));
  EXPECT_TRUE(has_values(smooth_l1_loss(x, zero, {.beta = 0, .reduction = Reduction::none}), {3},
                         {2, 2, 3}));
}
TEST(OpSmoothL1Loss, GradientOfBothArguments) { check_gradients(smooth_l1); }
TEST(OpSmoothL1Loss, MeanOverNothingIsZero) { check_nothing(smooth_l1); }
TEST(OpSmoothL1Loss, NanGivesNan) { check_nan(smooth_l1); }
TEST(OpSmoothL1Loss, BrokenInput) {
  check_broken(smooth_l1, "smooth_l1_loss");
  for (const double beta : {-1.0, infinity, not_a_number}) {
    EXPECT_THROW(smooth_l1_loss(ones({2}), ones({2}), {.beta = beta}), ValueError);
  }
  EXPECT_ERROR(smooth_l1_loss(ones({2}), ones({2}), {.beta = -1}), ValueError,
               "smooth_l1_loss: beta is -1, it must be finite and >= 0");
}

TEST(OpHuberLoss, KnownValues) { check_known(huber, {0, 2, 4, 0.03125}); }
TEST(OpHuberLoss, KnownValuesOfInfinity) {
  const Tensor x = leaf({infinity, -infinity}, {2});
  const Tensor loss = huber_loss(x, zeros({2}, DType::float64), {.reduction = Reduction::none});
  EXPECT_TRUE(has_values(loss, {2}, {infinity, infinity}));
  loss.backward(ones({2}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2}, {1, -1}));
}
TEST(OpHuberLoss, GradientOfBothArguments) { check_gradients(huber); }
TEST(OpHuberLoss, MeanOverNothingIsZero) { check_nothing(huber); }
TEST(OpHuberLoss, NanGivesNan) { check_nan(huber); }
TEST(OpHuberLoss, BrokenInput) {
  check_broken(huber, "huber_loss");
  for (const double delta : {0.0, -1.0, infinity, not_a_number}) {
    EXPECT_THROW(huber_loss(ones({2}), ones({2}), {.delta = delta}), ValueError);
  }
  EXPECT_ERROR(huber_loss(ones({2}), ones({2}), {.delta = 0}), ValueError,
               "huber_loss: delta is 0, it must be finite and > 0");
}

TEST(OpKlDiv, KnownValues) {
  const Tensor x = tensor({-1.0, -2.0, -0.5, -3.0}, {2, 2});
  const Tensor target = tensor({0.5, 0.25, 1.0, 0.0}, {2, 2});
  const std::vector<double> expected{0.5 * (std::log(0.5) + 1), 0.25 * (std::log(0.25) + 2), 0.5,
                                     0};
  double total = 0;
  for (const double term : expected) total += term;
  const auto loss = [&](const KlDivOptions& options) { return kl_div(x, target, options); };
  EXPECT_TRUE(is_close(loss({.reduction = Reduction::none}), {2, 2}, expected, 1e-15));
  EXPECT_TRUE(is_close(loss({.reduction = Reduction::sum}), {}, {total}, 1e-15));
  EXPECT_TRUE(is_close(loss({}), {}, {total / 4}, 1e-15));
  EXPECT_TRUE(is_close(loss({.batch_mean = true}), {}, {total / 2}, 1e-15));
  const Tensor logs = tensor({std::log(0.5), std::log(0.25), 0.0, -infinity}, {2, 2});
  EXPECT_TRUE(is_close(kl_div(x, logs, {.log_target = true, .reduction = Reduction::none}), {2, 2},
                       expected, 1e-15));
}
TEST(OpKlDiv, KnownValuesOfMaskedClasses) {
  const Tensor x = tensor({-infinity, 0.0, -infinity});
  EXPECT_TRUE(has_values(kl_div(x, tensor({0.0, 1.0, 0.5}), {.reduction = Reduction::none}), {3},
                         {0, 0, infinity}));
  EXPECT_TRUE(has_values(
      kl_div(x, tensor({-infinity, 0.0, 0.0}), {.log_target = true, .reduction = Reduction::none}),
      {3}, {0, 0, infinity}));
}
TEST(OpKlDiv, GradientOfEveryOption) {
  check_gradients(divergence);
  for (const bool log_target : {false, true}) {
    for (const bool batch_mean : {false, true}) {
      EXPECT_TRUE(passes_gradcheck(
          [=](const Inputs& in) {
            return kl_div(in[0], in[1], {.log_target = log_target, .batch_mean = batch_mean});
          },
          {random_leaf({2, 3}, 1), random_leaf({2, 3}, 2, 0.25, 1)}));
    }
  }
}
TEST(OpKlDiv, ATrainableTeacherMayMaskClasses) {
  for (const bool log_target : {false, true}) {
    const auto loss = [=](const Tensor& student, const Tensor& teacher) {
      return kl_div(log_softmax(student, -1),
                    log_target ? log_softmax(teacher, -1) : softmax(teacher, -1),
                    {.log_target = log_target, .reduction = Reduction::sum});
    };
    const Tensor student = leaf({1, -infinity, 0}, {1, 3}),
                 teacher = leaf({0, -infinity, 1}, {1, 3});
    const Tensor other = leaf({1, 0}, {1, 2}), rest = leaf({0, 1}, {1, 2});
    loss(student, teacher).backward();
    loss(other, rest).backward();
    const auto a = gradient_of(other), b = gradient_of(rest);
    EXPECT_TRUE(is_close(student.grad().dense(), {1, 3}, {a[0], 0, a[1]}, 1e-15));
    EXPECT_TRUE(is_close(teacher.grad().dense(), {1, 3}, {b[0], 0, b[1]}, 1e-15));
  }
}
TEST(OpKlDiv, GradientOfAMaskedTargetIsInfinite) {
  const Tensor x = frozen(tensor({-infinity, 0.0})), target = leaf({0, 0}, {2});
  kl_div(x, target, {.reduction = Reduction::sum}).backward();
  EXPECT_EQ(gradient_of(target), (std::vector<double>{infinity, -infinity}));
}
TEST(OpKlDiv, IsZeroBetweenEqualDistributions) {
  const Tensor x = log_softmax(frozen(random_leaf({4, 5})), 1);
  EXPECT_NEAR(kl_div(x, softmax(x, 1), {.reduction = Reduction::sum}).item(), 0, 1e-15);
}
TEST(OpKlDiv, MeanOverNothingIsZero) {
  check_nothing(divergence);
  EXPECT_EQ(kl_div(zeros({0, 3}), zeros({0, 3}), {.batch_mean = true}).item(), 0);
}
TEST(OpKlDiv, NanGivesNan) { check_nan(divergence); }
TEST(OpKlDiv, BrokenInput) {
  check_broken(divergence, "kl_div");
  EXPECT_ERROR(kl_div(scalar(1.0f), scalar(1.0f), {.batch_mean = true}), ValueError,
               "kl_div: batch_mean divides by the first axis: x has none");
  EXPECT_ERROR(kl_div(ones({2}), ones({2}), {.batch_mean = true, .reduction = Reduction::sum}),
               ValueError, "kl_div: batch_mean is a mean: leave out .reduction");
}

}  // namespace
}  // namespace gradus
