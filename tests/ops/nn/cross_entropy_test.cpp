#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/cross_entropy.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
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
    OpCase{"cross_entropy", "weights and smoothing",
           leaves_and({{2, 3, 4}},
                      [] {
                        return Inputs{tensor<std::int64_t>({1, -100, 3, 0, 2, 2}, {2, 3}),
                                      tensor({0.5, 0.0, 2.0, 1.0})};
                      }),
           [](const Inputs& in) {
             return cross_entropy(in[0], in[1], {.weight = in[2], .label_smoothing = 0.25});
           }},
    OpCase{"cross_entropy", "probabilities", leaves({{2, 3, 4}, {2, 3, 4}}, 0.25, 1),
           [](const Inputs& in) {
             return cross_entropy(in[0], in[1],
                                  {.reduction = Reduction::none, .label_smoothing = 0.125});
           }},
    OpCase{
        "nll_loss", "weights",
        leaves_and(
            {{3, 4}},
            [] {
              return Inputs{tensor<std::int64_t>({1, -100, 3}, {3}), tensor({0.5, 3.0, 2.0, 1.0})};
            }),
        [](const Inputs& in) { return nll_loss(in[0], in[1], {.weight = in[2]}); }},
};

using Loss = Tensor (*)(const Tensor&, const Tensor&, const NllOptions&);

Tensor cross_entropy_of(const Tensor& x, const Tensor& labels, const NllOptions& options) {
  return cross_entropy(x, labels,
                       {.weight = options.weight,
                        .ignore_index = options.ignore_index,
                        .reduction = options.reduction});
}

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

// By the definition, for rows of scores that are log-probabilities or, if `logits`, are not.
std::vector<double> loss_of(const Tensor& scores, const Tensor& labels, bool logits,
                            const NllOptions& options) {
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
      const NllOptions options{.reduction = reduction};
      const Shape shape = reduction == Reduction::none ? Shape{5} : Shape{};
      const std::vector<double> expected = loss_of(x, labels, logits, options);
      EXPECT_TRUE(is_close(op(x, labels, options), shape, expected, 1e-14));
      EXPECT_TRUE(is_close(op(x.to(DType::float32), labels, options), shape, expected, 1e-6));
    }
  }
  const NllOptions ignore_three{.ignore_index = 3, .reduction = Reduction::none};
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
    const NllOptions options{.reduction = reduction};
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
  EXPECT_ERROR(op(zeros({2, 3, 4}), zeros({2, 4}, DType::int64), {}), ShapeError,
               name + ": shapes do not fit: " + scores +
                   " is [2, 3, 4], labels are [2, 4]: classes are the last axis: use movedim(x, 1, "
                   "-1)");
  EXPECT_ERROR(op(x, zeros({2, 3}, DType::int64), {}), ShapeError,
               name + ": shapes do not fit: " + scores +
                   " is [2, 3], labels are [2, 3]: labels are ids of classes; probabilities are "
                   "float");
  EXPECT_ERROR(op(scalar(1.0f), scalar(0), {}), ShapeError,
               name + ": " + scores + " have no axis: [..., C] is needed");
  EXPECT_ERROR(op(zeros({2, 2, 3}), tensor({0, 1, 2, 3}, {2, 2}), {}), IndexError,
               name + ": label 3 at position [1, 1] is outside [0, 3)");
  EXPECT_ERROR(op(x, tensor({0, 1}), {.weight = ones({2})}), ShapeError,
               name + ": the weight of the classes is [2], there are 3 classes");
  EXPECT_ERROR(op(x, tensor({0, 1}), {.weight = ones({3}, DType::float64)}), DTypeError,
               name +
                   ": the weight of the classes is float64, float32 is needed: convert it with "
                   "to()");
  EXPECT_ERROR(op(x, tensor({0, 1}), {.weight = tensor({1.0f, -1.0f, 1.0f})}), ValueError,
               name + ": weight -1 of class 1: it must be finite and >= 0");
  EXPECT_ERROR(op(x, tensor({0, 1}), {.weight = leaf<float>({1, 1, 1}, {3})}), AutogradError,
               name + ": weight needs a gradient, which is not computed: pass weight.detach()");
  EXPECT_ERROR(op(x, tensor({0.0f, 1.0f}), {}), DTypeError,
               name +
                   ": labels are float32, int64 is needed: convert them with "
                   "to(DType::int64)");
  EXPECT_ERROR(op(zeros({2, 3}, DType::int64), tensor({0, 1}), {}), DTypeError,
               name + ": a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpCrossEntropy, KnownValues) { check_values(cross_entropy_of, true); }
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

// sum over c of -q_c log_softmax(x)_c for each row, by existing ops.
Tensor row_losses(const Tensor& x, const Tensor& q) { return -sum(q * log_softmax(x, -1), -1); }
// w ((1 - e) target + e / C).
Tensor smoothed(const Tensor& target, const Tensor& w, double e) {
  return (target * (1 - e) + e / static_cast<double>(target.size(-1))) * w;
}

TEST(OpCrossEntropy, KnownValuesOfWeightsAndSmoothing) {
  const Tensor x = frozen(random_leaf({2, 3, 4}));
  const Tensor labels = tensor({0, 3, 2, -100, 1, 3}, {2, 3});
  const Tensor w = tensor({0.5, 2.0, 0.0, 1.5});
  const Tensor one_hot = tensor({1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0,
                                 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0},
                                {2, 3, 4});
  for (const double e : {0.0, 0.1, 1.0}) {
    std::vector<double> expected = values_of(row_losses(x, smoothed(one_hot, w, e)));
    expected[3] = 0;  // ignored
    double total = 0;
    for (const double loss : expected) total += loss;
    const auto loss = [&](Reduction reduction) {
      return cross_entropy(x, labels, {.weight = w, .reduction = reduction, .label_smoothing = e});
    };
    EXPECT_TRUE(is_close(loss(Reduction::none), {2, 3}, expected, 1e-14));
    EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {total}, 1e-14));
    EXPECT_TRUE(is_close(loss(Reduction::mean), {}, {total / (0.5 + 1.5 + 2 + 1.5)}, 1e-14));
  }
}
TEST(OpCrossEntropy, KnownValuesOfProbabilities) {
  const Tensor x = frozen(random_leaf({2, 3, 5}));
  const Tensor p = frozen(random_leaf({2, 3, 5}, 2, 0, 1)), w = tensor({0.5, 2.0, 0.0, 1.5, 1.0});
  for (const double e : {0.0, 0.1, 1.0}) {
    const Tensor losses = row_losses(x, smoothed(p, w, e));
    const auto loss = [&](Reduction reduction) {
      return cross_entropy(x, p, {.weight = w, .reduction = reduction, .label_smoothing = e});
    };
    EXPECT_TRUE(is_close(loss(Reduction::none), {2, 3}, values_of(losses), 1e-14));
    EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {sum(losses).item()}, 1e-14));
    EXPECT_TRUE(is_close(loss(Reduction::mean), {}, {sum(losses).item() / 6}, 1e-14));
  }
}
TEST(OpCrossEntropy, ProbabilitiesOfOneClassEqualItsLabel) {
  const Tensor x = random_leaf({4, 70});
  const Tensor labels = tensor({0, 69, 33, 7}), w = frozen(random_leaf({70}, 3, 0, 2));
  const Tensor p = one_hot(labels, 70, DType::float64);
  for (const Tensor& weight : {Tensor(), w}) {
    const CrossEntropyOptions options{
        .weight = weight, .reduction = Reduction::none, .label_smoothing = 0.125};
    const Tensor loss = cross_entropy(x, labels, options);
    EXPECT_TRUE(is_close(cross_entropy(x, p, options), {4}, values_of(loss), 1e-14));
    loss.backward(tensor({1.0, -2.0, 0.5, 0.0}));
    const std::vector<double> expected = gradient_of(x);
    x.clear_grad();
    cross_entropy(x, p, options).backward(tensor({1.0, -2.0, 0.5, 0.0}));
    EXPECT_TRUE(is_close(x.grad().dense(), {4, 70}, expected, 1e-14));
    x.clear_grad();
  }
}
TEST(OpCrossEntropy, KnownValuesOfExtremeLogitsWithSmoothing) {
  const Tensor x = tensor({1e4, -1e4, 0.0}, {1, 3});
  const CrossEntropyOptions smooth{.label_smoothing = 0.75};
  EXPECT_TRUE(has_values(cross_entropy(x, tensor({0}), smooth), {}, {0.25 * (2e4 + 1e4)}));
  EXPECT_TRUE(has_values(cross_entropy(x, tensor({1}), smooth), {}, {0.25 * 2e4 + 7500}));
  // A masked class has no share, unless smoothing gives it one.
  const Tensor masked = leaf({0, -infinity, 0}, {1, 3});
  const Tensor half = tensor({0.5, 0.0, 0.5}, {1, 3});
  EXPECT_TRUE(is_close(cross_entropy(masked, half), {}, {std::log(2.0)}, 1e-15));
  EXPECT_TRUE(has_values(cross_entropy(masked, half, smooth), {}, {infinity}));
  const Tensor unmasked = tensor({1.0, 0.0, 1.0});
  EXPECT_TRUE(
      is_close(cross_entropy(masked, tensor({0}), {.weight = unmasked, .label_smoothing = 0.75}),
               {}, {std::log(2.0) * (0.25 + 0.5)}, 1e-15));
  const Tensor all_masked = tensor({-infinity, -infinity}, {1, 2});
  EXPECT_TRUE(has_values(cross_entropy(all_masked, tensor({0}), smooth), {}, {infinity}));
  EXPECT_TRUE(has_values(cross_entropy(all_masked, tensor({0.0, 0.0}, {1, 2})), {}, {0}));
  cross_entropy(masked, half).backward();
  EXPECT_TRUE(is_close(masked.grad().dense(), {1, 3}, {0, 0, 0}, 1e-15));
}
TEST(OpCrossEntropy, KnownValuesOfOneClass) {
  const Tensor x = leaf({3, -4}, {2, 1});
  for (const double e : {0.0, 0.5}) {
    const Tensor loss = cross_entropy(x, tensor({0, 0}), {.label_smoothing = e});
    EXPECT_TRUE(has_values(loss, {}, {0}));
    loss.backward();
    EXPECT_TRUE(has_values(x.grad().dense(), {2, 1}, {0, 0}));
    x.clear_grad();
  }
}
TEST(OpCrossEntropy, AClassOfWeightZeroCountsForNothing) {
  const Tensor x = leaf({not_a_number, 1, 0, 2}, {2, 2});
  const Tensor loss = cross_entropy(x, tensor({0, 1}), {.weight = tensor({0.0, 3.0})});
  EXPECT_TRUE(is_close(loss, {}, {std::log1p(std::exp(-2.0))}, 1e-15));
  loss.backward();
  EXPECT_TRUE(
      is_close(x.grad().dense(), {2, 2}, {0, 0, 0.11920292202211755, -0.11920292202211755}, 1e-15));
  EXPECT_TRUE(
      has_values(cross_entropy(x, tensor({0, 0}), {.weight = tensor({0.0, 3.0})}), {}, {0}));
}
TEST(OpCrossEntropy, ProbabilitiesThatCancelFollowTheFormula) {
  const Tensor x = leaf({1, 3}, {1, 2}), p = leaf({0.5, -0.5}, {1, 2});
  EXPECT_TRUE(is_close(cross_entropy(x, p), {}, {1}, 1e-15));  // -0.5 (1 - lse) + 0.5 (3 - lse)
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return cross_entropy(in[0], in[1]); }, {x, p}));
}
TEST(OpCrossEntropy, ARowWithoutSharesCountsForNothing) {
  const Tensor x = leaf({not_a_number, infinity, 1, 0}, {2, 2});
  const Tensor p = tensor({0.0, 0.0, 1.0, 0.0}, {2, 2}), w = tensor({1.0, 0.0});
  const Tensor masked = tensor({0.0, 1.0, 1.0, 0.0}, {2, 2});
  for (const bool weighed : {false, true}) {
    const Tensor loss = cross_entropy(x, weighed ? masked : p, {.weight = weighed ? w : Tensor()});
    EXPECT_TRUE(is_close(loss, {}, {std::log1p(std::exp(-1.0)) / 2}, 1e-15));
    loss.backward();
    const double q = 0.5 / (1 + std::exp(1.0));
    EXPECT_TRUE(is_close(x.grad().dense(), {2, 2}, {0, 0, -q, q}, 1e-15));
    x.clear_grad();
  }
}
TEST(OpCrossEntropy, ATrainableTeacherMayMaskClasses) {
  const Tensor student = leaf({1, -infinity, 0}, {1, 3}), teacher = leaf({0, -infinity, 1}, {1, 3});
  const Tensor rest = leaf({0, 1}, {1, 2});
  cross_entropy(student, softmax(teacher, -1)).backward();
  cross_entropy(tensor({1.0, 0.0}, {1, 2}), softmax(rest, -1)).backward();
  const std::vector<double> expected = gradient_of(rest);
  EXPECT_TRUE(is_close(teacher.grad().dense(), {1, 3}, {expected[0], 0, expected[1]}, 1e-15));
  EXPECT_EQ(gradient_of(student)[1], 0);
}
TEST(OpCrossEntropy, NanProbabilitiesGiveNan) {
  const Tensor x = leaf({0, 1, 2, 3}, {2, 2});
  const Tensor p = tensor({not_a_number, 0.5, 0.5, 0.5}, {2, 2});
  const Tensor loss = cross_entropy(x, p, {.reduction = Reduction::none});
  EXPECT_TRUE(std::isnan(values_of(loss)[0]));
  EXPECT_TRUE(std::isfinite(values_of(loss)[1]));
}
TEST(OpCrossEntropy, OptionsThatAreWrong) {
  const Tensor x = zeros({2, 3}), p = full({2, 3}, 1.0 / 3);
  for (const double e : {-0.1, 1.5, not_a_number}) {
    EXPECT_THROW(cross_entropy(x, tensor({0, 1}), {.label_smoothing = e}), ValueError);
    EXPECT_THROW(cross_entropy(x, p, {.label_smoothing = e}), ValueError);
  }
  EXPECT_ERROR(cross_entropy(x, tensor({0, 1}), {.label_smoothing = 1.5}), ValueError,
               "cross_entropy: label_smoothing is 1.5, it must be in [0, 1]");
  EXPECT_ERROR(cross_entropy(x, p, {.ignore_index = 1}), ValueError,
               "cross_entropy: ignore_index is 1 where labels are probabilities: it is for class "
               "ids");
  EXPECT_ERROR(cross_entropy(x, p.to(DType::float64)), DTypeError,
               "cross_entropy: dtypes differ: logits is float32, labels is float64: convert one "
               "with to()");
  EXPECT_ERROR(cross_entropy(x, zeros({3, 2})), ShapeError,
               "cross_entropy: shapes differ: logits is [2, 3], labels is [3, 2]: reshape one like "
               "the other");
}
TEST(OpCrossEntropy, GradientOfEveryOption) {
  const Tensor labels = tensor({0, 4, -100, 2, 2, 1}, {2, 3});
  const Tensor w = tensor({0.5, 2.0, 0.0, 1.5, 1.0});
  for (const Reduction reduction : reductions) {
    for (const Tensor& weight : {Tensor(), w}) {
      for (const double e : {0.0, 0.25, 1.0}) {
        const CrossEntropyOptions options{
            .weight = weight, .reduction = reduction, .label_smoothing = e};
        EXPECT_TRUE(
            passes_gradcheck([=](const Inputs& in) { return cross_entropy(in[0], in[1], options); },
                             {random_leaf({2, 3, 5}), labels}));
        EXPECT_TRUE(
            passes_gradcheck([=](const Inputs& in) { return cross_entropy(in[0], in[1], options); },
                             {random_leaf({2, 3, 5}), random_leaf({2, 3, 5}, 2, 0, 1)}));
      }
    }
  }
}
TEST(OpCrossEntropy, Gradient) { check_gradients(cross_entropy_of); }
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
TEST(OpCrossEntropy, MeanOverNothingIsZeroWithZeroGradient) { check_nothing(cross_entropy_of); }
TEST(OpCrossEntropy, AChangeOfTheLabelsBeforeBackwardIsAnError) {
  const Tensor labels = tensor({0, 1});
  const Tensor loss = cross_entropy(random_leaf({2, 2}), labels);
  labels.fill_(1);
  EXPECT_THROW(loss.backward(), AutogradError);
}
TEST(OpCrossEntropy, BrokenInput) { check_broken(cross_entropy_of, "cross_entropy", "logits"); }

TEST(OpNllLoss, KnownValues) { check_values(nll_loss, false); }
TEST(OpNllLoss, KnownValuesOfWeights) {
  const Tensor x = frozen(random_leaf({2, 2, 3})), labels = tensor({0, 2, -1, 1}, {2, 2});
  const std::vector<double> v = values_of(x);
  const std::vector<double> expected{-0.5 * v[0], -2 * v[5], 0, 0};
  const auto loss = [&](Reduction reduction) {
    return nll_loss(
        x, labels, {.weight = tensor({0.5, 0.0, 2.0}), .ignore_index = -1, .reduction = reduction});
  };
  EXPECT_TRUE(is_close(loss(Reduction::none), {2, 2}, expected, 1e-15));
  EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {expected[0] + expected[1]}, 1e-15));
  EXPECT_TRUE(is_close(loss(Reduction::mean), {}, {(expected[0] + expected[1]) / 2.5}, 1e-15));
}
TEST(OpNllLoss, GradientOfWeights) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return nll_loss(in[0], in[1],
                          {.weight = tensor({0.5, 0.0, 2.0}), .reduction = reduction});
        },
        {random_leaf({2, 2, 3}), tensor({0, 2, -100, 1}, {2, 2})}));
  }
}
TEST(OpNllLoss, Gradient) { check_gradients(nll_loss); }
TEST(OpNllLoss, MeanOverNothingIsZeroWithZeroGradient) { check_nothing(nll_loss); }
TEST(OpNllLoss, BrokenInput) { check_broken(nll_loss, "nll_loss", "log_probabilities"); }

}  // namespace
}  // namespace gradus
