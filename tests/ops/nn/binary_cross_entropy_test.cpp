#include <gradus/framework/ops/nn/binary_cross_entropy.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

std::function<Inputs()> pair(double low, double high) {
  return [=] {
    return Inputs{random_leaf({3, 4}, 1, low, high), random_leaf({3, 4}, 2, 0.1, 0.9),
                  frozen(random_leaf({4}, 3, 0.5, 2)), frozen(random_leaf({3, 4}, 4, 0.5, 2))};
  };
}

const OpCases cases{
    OpCase{"binary_cross_entropy", "mean", pair(0.1, 0.9),
           [](const Inputs& in) { return binary_cross_entropy(in[0], in[1]); }},
    OpCase{"binary_cross_entropy", "weights", pair(0.1, 0.9),
           [](const Inputs& in) {
             return binary_cross_entropy(in[0], in[1],
                                         {.weight = in[2], .reduction = Reduction::none});
           }},
    OpCase{"binary_cross_entropy_with_logits", "mean", pair(-3, 3),
           [](const Inputs& in) { return binary_cross_entropy_with_logits(in[0], in[1]); }},
    OpCase{"binary_cross_entropy_with_logits", "weights", pair(-3, 3),
           [](const Inputs& in) {
             return binary_cross_entropy_with_logits(
                 in[0], in[1],
                 {.weight = in[3], .pos_weight = in[2], .reduction = Reduction::none});
           }},
    OpCase{"sigmoid_focal_loss", "mean", pair(-3, 3),
           [](const Inputs& in) { return sigmoid_focal_loss(in[0], in[1]); }},
    OpCase{"sigmoid_focal_loss", "without alpha", pair(-3, 3),
           [](const Inputs& in) {
             return sigmoid_focal_loss(in[0], in[1],
                                       {.alpha = -1, .gamma = 0.5, .reduction = Reduction::none});
           }},
};

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

/// -w (pos t log(p) + (1 - t) log(1 - p)).
double loss_of(double p, double t, double w = 1, double pos = 1) {
  return -w * (pos * t * std::log(p) + (1 - t) * std::log(1 - p));
}

TEST(OpBinaryCrossEntropy, KnownValues) {
  const Tensor x = tensor({0.25, 0.5, 0.75, 0.125}, {2, 2});
  const Tensor target = tensor({0.0, 1.0, 0.5, 1.0}, {2, 2}), w = tensor({2.0, 0.5});
  const std::vector<double> plain{loss_of(0.25, 0), loss_of(0.5, 1), loss_of(0.75, 0.5),
                                  loss_of(0.125, 1)};
  const std::vector<double> weighed{2 * plain[0], plain[1] / 2, 2 * plain[2], plain[3] / 2};
  for (const auto& [weight, expected] : {std::pair(Tensor(), plain), {w, weighed}}) {
    const double total = expected[0] + expected[1] + expected[2] + expected[3];
    const auto loss = [&, weight = weight](Reduction reduction) {
      return binary_cross_entropy(x, target, {.weight = weight, .reduction = reduction});
    };
    EXPECT_TRUE(is_close(loss(Reduction::none), {2, 2}, expected, 1e-15));
    EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {total}, 1e-15));
    EXPECT_TRUE(is_close(loss(Reduction::mean), {}, {total / 4}, 1e-15));
  }
}
TEST(OpBinaryCrossEntropy, KnownValuesOfCertainty) {
  const Tensor x = leaf({0, 1, 0, 1}, {4}), target = tensor({0.0, 1.0, 1.0, 0.0});
  const Tensor loss = binary_cross_entropy(x, target, {.reduction = Reduction::none});
  EXPECT_TRUE(has_values(loss, {4}, {0, 0, 100, 100}));
  loss.backward(ones({4}, DType::float64));
  const double steep = 1 / double{1e-12F};
  EXPECT_TRUE(is_close(x.grad().dense(), {4}, {0, 0, -steep, steep}, 1e-15));
}
TEST(OpBinaryCrossEntropy, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const bool weighed : {false, true}) {
      EXPECT_TRUE(passes_gradcheck(
          [=](const Inputs& in) {
            return binary_cross_entropy(
                in[0], in[1], {.weight = weighed ? in[2] : Tensor(), .reduction = reduction});
          },
          pair(0.1, 0.9)()));
    }
  }
}
TEST(OpBinaryCrossEntropy, NanGivesNanAndNothingGivesZero) {
  EXPECT_TRUE(std::isnan(binary_cross_entropy(tensor({not_a_number}), tensor({1.0})).item()));
  EXPECT_TRUE(std::isnan(binary_cross_entropy(tensor({0.5}), tensor({not_a_number})).item()));
  EXPECT_EQ(binary_cross_entropy(zeros({0, 2}), zeros({0, 2})).item(), 0);
}
TEST(OpBinaryCrossEntropy, BrokenInput) {
  const Tensor x = full({2, 2}, 0.5);
  EXPECT_ERROR(binary_cross_entropy(x, ones({2})), ShapeError,
               "binary_cross_entropy: shapes differ: x is [2, 2], target is [2]");
  EXPECT_ERROR(binary_cross_entropy(x, ones({2, 2}, DType::int64)), DTypeError,
               "binary_cross_entropy: dtypes differ: x is float32, target is int64: convert one "
               "with to()");
  EXPECT_ERROR(binary_cross_entropy(tensor({0.5f, 1.5f}), ones({2})), ValueError,
               "binary_cross_entropy: x is 1.5 at position [1], outside [0, 1]: for logits use "
               "binary_cross_entropy_with_logits()");
  EXPECT_ERROR(binary_cross_entropy(x, x, {.weight = ones({3})}), ShapeError,
               "binary_cross_entropy: weight [3] does not broadcast to x [2, 2]");
  EXPECT_ERROR(binary_cross_entropy(x, x, {.weight = ones({2, 2, 2})}), ShapeError,
               "binary_cross_entropy: weight [2, 2, 2] does not broadcast to x [2, 2]");
  EXPECT_ERROR(binary_cross_entropy(x, x, {.weight = ones({2}, DType::float64)}), DTypeError,
               "binary_cross_entropy: dtypes differ: weight is float64, x is float32: convert one "
               "with to()");
  EXPECT_ERROR(binary_cross_entropy(x, x, {.weight = leaf<float>({1, 1}, {2})}), AutogradError,
               "binary_cross_entropy: weight needs a gradient, which is not computed: pass "
               "weight.detach()");
}

TEST(OpBinaryCrossEntropyWithLogits, KnownValues) {
  const std::vector<double> logits{-1, 0.5, 2, 3}, answers{0, 1, 0.5, 1};
  const Tensor x = tensor(logits, {2, 2}), target = tensor(answers, {2, 2});
  const Tensor w = tensor({2.0, 0.5}), pos = tensor({3.0, 1.5});
  std::vector<double> plain, weighed;
  for (std::size_t i = 0; i < 4; ++i) {
    const double p = 1 / (1 + std::exp(-logits[i]));
    plain.push_back(loss_of(p, answers[i]));
    weighed.push_back(loss_of(p, answers[i], i % 2 == 0 ? 2 : 0.5, i % 2 == 0 ? 3 : 1.5));
  }
  for (const auto& [options, expected] :
       {std::pair(BinaryCrossEntropyLogitsOptions{}, plain),
        {BinaryCrossEntropyLogitsOptions{.weight = w, .pos_weight = pos}, weighed}}) {
    const double total = expected[0] + expected[1] + expected[2] + expected[3];
    const auto loss = [&, given = options](Reduction reduction) {
      return binary_cross_entropy_with_logits(
          x, target,
          {.weight = given.weight, .pos_weight = given.pos_weight, .reduction = reduction});
    };
    EXPECT_TRUE(is_close(loss(Reduction::none), {2, 2}, expected, 1e-14));
    EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {total}, 1e-14));
    EXPECT_TRUE(is_close(loss(Reduction::mean), {}, {total / 4}, 1e-14));
  }
}
TEST(OpBinaryCrossEntropyWithLogits, KnownValuesOfExtremeLogits) {
  const Tensor x = leaf({1e4, -1e4, 1e4, -1e4, infinity, -infinity, -infinity, 2}, {8});
  const Tensor target = tensor({1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0});
  const Tensor loss = binary_cross_entropy_with_logits(x, target, {.reduction = Reduction::none});
  EXPECT_TRUE(is_close(loss, {8}, {0, 0, 1e4, 1e4, 0, 0, infinity, 2.1269280110429727}, 1e-15));
  loss.backward(ones({8}, DType::float64));
  EXPECT_TRUE(is_close(x.grad().dense(), {8}, {0, 0, 1, -1, 0, 0, -1, 0.8807970779778823}, 1e-15));
}
TEST(OpBinaryCrossEntropyWithLogits, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const int weight : {0, 2, 3}) {
      for (const int pos : {0, 2, 3}) {
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) {
              const auto chosen = [&](int i) {
                return i == 0 ? Tensor() : in[static_cast<std::size_t>(i)];
              };
              return binary_cross_entropy_with_logits(
                  in[0], in[1],
                  {.weight = chosen(weight), .pos_weight = chosen(pos), .reduction = reduction});
            },
            pair(-3, 3)()));
      }
    }
  }
}
TEST(OpBinaryCrossEntropyWithLogits, AWeightOfZeroHidesWhateverIsThere) {
  const Tensor x = leaf({not_a_number, 0}, {2});
  const Tensor loss = binary_cross_entropy_with_logits(
      x, tensor({1.0, 1.0}), {.weight = tensor({0.0, 1.0}), .reduction = Reduction::sum});
  EXPECT_TRUE(is_close(loss, {}, {std::log(2.0)}, 1e-15));
  loss.backward();
  EXPECT_TRUE(is_close(x.grad().dense(), {2}, {0, -0.5}, 1e-15));
}
TEST(OpBinaryCrossEntropyWithLogits, NanGivesNanAndNothingGivesZero) {
  const auto loss = [](const Tensor& x, const Tensor& t) {
    return binary_cross_entropy_with_logits(x, t).item();
  };
  EXPECT_TRUE(std::isnan(loss(tensor({not_a_number}), tensor({0.5}))));
  EXPECT_TRUE(std::isnan(loss(tensor({0.5}), tensor({not_a_number}))));
  EXPECT_EQ(loss(zeros({0, 2}), zeros({0, 2})), 0);
}
TEST(OpBinaryCrossEntropyWithLogits, BrokenInput) {
  const Tensor x = ones({2, 2});
  EXPECT_ERROR(binary_cross_entropy_with_logits(x, ones({2, 1})), ShapeError,
               "binary_cross_entropy_with_logits: shapes differ: x is [2, 2], target is [2, 1]");
  EXPECT_ERROR(binary_cross_entropy_with_logits(x, x, {.pos_weight = ones({3})}), ShapeError,
               "binary_cross_entropy_with_logits: pos_weight [3] does not broadcast to x [2, 2]");
  EXPECT_ERROR(binary_cross_entropy_with_logits(tensor({1}), tensor({1})), DTypeError,
               "binary_cross_entropy_with_logits: a tensor of dtype int64 where float32 or float64 "
               "is needed");
}

TEST(OpSigmoidFocalLoss, KnownValues) {
  const Tensor x = tensor({0.0, 2.0}), target = tensor({1.0, 0.0});
  const double p = 1 / (1 + std::exp(-2.0));
  EXPECT_TRUE(is_close(sigmoid_focal_loss(x, target, {.reduction = Reduction::none}), {2},
                       {0.25 * 0.25 * std::log(2.0), -0.75 * p * p * std::log(1 - p)}, 1e-15));
  const FocalOptions plain{.alpha = -1, .gamma = 0};
  EXPECT_NEAR(sigmoid_focal_loss(x, target, plain).item(),
              binary_cross_entropy_with_logits(x, target).item(), 1e-15);
}
TEST(OpSigmoidFocalLoss, ExtremeLogitsStayFinite) {
  const Tensor x = leaf({1e4, -1e4, 1e4}, {3}), target = tensor({1.0, 0.0, 0.0});
  for (const double gamma : {0.0, 0.5, 2.0}) {
    const Tensor loss =
        sigmoid_focal_loss(x, target, {.alpha = -1, .gamma = gamma, .reduction = Reduction::none});
    EXPECT_TRUE(has_values(loss, {3}, {0, 0, 1e4}));
    loss.backward(ones({3}, DType::float64));
    EXPECT_TRUE(is_close(x.grad().dense(), {3}, {0, 0, 1}, 1e-12));
    x.clear_grad();
  }
}
TEST(OpSigmoidFocalLoss, GradientsOfInfiniteLogitsAreTheLimits) {
  const Tensor x = leaf({infinity, -infinity, infinity, -infinity}, {4});
  const Tensor target = tensor({0.0, 1.0, 1.0, 0.0});
  for (const double gamma : {0.0, 0.5, 1.0, 2.0}) {
    const FocalOptions options{.alpha = -1, .gamma = gamma, .reduction = Reduction::none};
    const Tensor loss = sigmoid_focal_loss(x, target, options);
    EXPECT_TRUE(has_values(loss, {4}, {infinity, infinity, 0, 0}));
    loss.backward(ones({4}, DType::float64));
    EXPECT_TRUE(has_values(x.grad().dense(), {4}, {1, -1, 0, 0}));
    x.clear_grad();
  }
}
TEST(OpSigmoidFocalLoss, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const double alpha : {-1.0, 0.25}) {
      for (const double gamma : {0.0, 0.5, 2.0}) {
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) {
              return sigmoid_focal_loss(in[0], in[1],
                                        {.alpha = alpha, .gamma = gamma, .reduction = reduction});
            },
            {random_leaf({2, 3}, 1), random_leaf({2, 3}, 2, 0.1, 0.9)}));
      }
    }
  }
}
TEST(OpSigmoidFocalLoss, BrokenInput) {
  const Tensor x = ones({2});
  EXPECT_EQ(sigmoid_focal_loss(zeros({0}), zeros({0})).item(), 0);
  EXPECT_ERROR(sigmoid_focal_loss(x, ones({3})), ShapeError,
               "sigmoid_focal_loss: shapes differ: x is [2], target is [3]");
  EXPECT_ERROR(sigmoid_focal_loss(x, x, {.gamma = -1}), ValueError,
               "sigmoid_focal_loss: gamma is -1, it must be finite and >= 0");
  EXPECT_ERROR(sigmoid_focal_loss(x, x, {.alpha = 1.5}), ValueError,
               "sigmoid_focal_loss: alpha is 1.5, it must be in [0, 1], or negative for none");
}

}  // namespace
}  // namespace gradus
