#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/linear_cross_entropy.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

namespace gradus {
namespace {

Tensor ids() { return tensor<std::int64_t>({1, -100, 3, 0, 4, 2}, {2, 3}); }
Tensor class_weight() { return tensor({0.5, 0.0, 2.0, 1.0, 1.5}); }

const OpCases cases{
    OpCase{"linear_cross_entropy", "mean",
           leaves_and({{2, 3, 4}, {5, 4}, {5}}, [] { return Inputs{ids()}; }),
           [](const Inputs& in) { return linear_cross_entropy(in[0], in[1], in[2], in[3]); }},
    OpCase{"linear_cross_entropy", "without bias and reduction",
           leaves_and({{2, 3, 4}, {5, 4}}, [] { return Inputs{ids()}; }),
           [](const Inputs& in) {
             return linear_cross_entropy(in[0], in[1], {}, in[2], {.reduction = Reduction::none});
           }},
    OpCase{"linear_cross_entropy", "weights and smoothing",
           leaves_and({{2, 3, 4}, {5, 4}, {5}},
                      [] {
                        return Inputs{ids(), class_weight()};
                      }),
           [](const Inputs& in) {
             return linear_cross_entropy(
                 in[0], in[1], in[2], in[3],
                 {.weight = in[4], .reduction = Reduction::sum, .label_smoothing = 0.25});
           }},
};

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

/// The loss and the gradients of all inputs that have one.
template <class F>
std::vector<std::vector<double>> results(const F& loss, const std::vector<Tensor>& inputs) {
  const Tensor y = loss();
  std::vector<std::vector<double>> all{values_of(y)};
  Generator generator(7);
  y.backward(y.dim() == 0 ? ones({}, y.dtype()) * 0.5
                          : randn(y.shape(), 0.0, 1.0, y.dtype(), generator));
  for (const Tensor& input : inputs) {
    if (!input.defined() || !input.trainable()) continue;
    all.push_back(gradient_of(input));
    input.clear_grad();
  }
  return all;
}

void expect_near(const std::vector<std::vector<double>>& actual,
                 const std::vector<std::vector<double>>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].size(), expected[i].size());
    for (std::size_t k = 0; k < actual[i].size(); ++k) {
      ASSERT_NEAR(actual[i][k], expected[i][k], tolerance * (1 + std::abs(expected[i][k])))
          << i << " " << k;
    }
  }
}

TEST(OpLinearCrossEntropy, KnownValuesAreThoseOfTheTwoOps) {
  const Tensor x = random_leaf({2, 3, 4}, 1), w = random_leaf({5, 4}, 2), b = random_leaf({5}, 3);
  for (const Tensor& bias : {b, Tensor()}) {
    for (const Reduction reduction : reductions) {
      for (const double e : {0.0, 0.25}) {
        const CrossEntropyOptions options{.weight = class_weight(),
                                          .ignore_index = 3,
                                          .reduction = reduction,
                                          .label_smoothing = e};
        const Tensor labels = tensor({1, 2, 3, 0, 4, 3}, {2, 3});
        expect_near(results([&] { return linear_cross_entropy(x, w, bias, labels, options); },
                            {x, w, bias}),
                    results([&] { return cross_entropy(linear(x, w, bias), labels, options); },
                            {x, w, bias}),
                    1e-13);
      }
    }
  }
}

// A row of scores is so long that a chunk has 128 rows.
TEST(OpLinearCrossEntropy, KnownValuesInChunks) {
  const std::int64_t rows = 300, classes = 140003;
  Generator generator(3);
  const auto leaf_of = [&](const Shape& shape) {
    return randn(shape, 0.0, 1.0, DType::float32, generator).set_trainable(true);
  };
  const Tensor x = leaf_of({rows, 2}), w = leaf_of({classes, 2}), b = leaf_of({classes});
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < rows; ++i) ids.push_back(i % 7 == 0 ? -100 : i * 461);
  const Tensor labels = tensor(ids, {rows});
  reset_peak_memory();
  const std::int64_t before = memory_stats().live;
  const auto chunked = results([&] { return linear_cross_entropy(x, w, b, labels); }, {x, w, b});
  EXPECT_LT(memory_stats().peak - before, rows * classes * 4) << "all scores were held";
  expect_near(chunked, results([&] { return cross_entropy(linear(x, w, b), labels); }, {x, w, b}),
              1e-6);
}

TEST(OpLinearCrossEntropy, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const Tensor& weight : {Tensor(), class_weight()}) {
      for (const double e : {0.0, 0.25, 1.0}) {
        const CrossEntropyOptions options{
            .weight = weight, .reduction = reduction, .label_smoothing = e};
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) {
              return linear_cross_entropy(in[0], in[1], in[2], in[3], options);
            },
            {random_leaf({2, 3, 4}, 1), random_leaf({5, 4}, 2), random_leaf({5}, 3), ids()}));
      }
    }
  }
}

TEST(OpLinearCrossEntropy, IgnoredRowsDoNotMatterWhateverTheyHold) {
  for (const Reduction reduction : reductions) {
    const Tensor x = leaf({not_a_number, infinity, 1, 2}, {2, 2});
    const Tensor w = random_leaf({3, 2});
    const Tensor loss = linear_cross_entropy(x, w, {}, tensor({-100, 1}), {.reduction = reduction});
    loss.backward(ones(loss.shape(), DType::float64));
    for (const double g : gradient_of(w)) EXPECT_TRUE(std::isfinite(g));
    EXPECT_EQ(gradient_of(x)[0], 0);
    EXPECT_EQ(gradient_of(x)[1], 0);
    EXPECT_NE(gradient_of(x)[2], 0);
  }
}

TEST(OpLinearCrossEntropy, RowsOfWeightZeroDoNotMatterWhateverTheyHold) {
  const Tensor weights = tensor({0.0, 1.0, 2.0});
  for (const Reduction reduction : reductions) {
    const Tensor x = leaf({not_a_number, infinity, 1, 2}, {2, 2});
    const Tensor w = random_leaf({3, 2}), labels = tensor({0, 1});
    const Tensor loss =
        linear_cross_entropy(x, w, {}, labels, {.weight = weights, .reduction = reduction});
    loss.backward(ones(loss.shape(), DType::float64));
    for (const double g : gradient_of(w)) EXPECT_TRUE(std::isfinite(g));
    EXPECT_EQ(gradient_of(x)[0], 0);
    EXPECT_EQ(gradient_of(x)[1], 0);
    EXPECT_NE(gradient_of(x)[2], 0);
    // Smoothing gives the other classes a share in every row.
    EXPECT_TRUE(
        std::isnan(linear_cross_entropy(
                       x, w, {}, labels,
                       {.weight = weights, .reduction = Reduction::sum, .label_smoothing = 0.1})
                       .item()));
  }
}

TEST(OpLinearCrossEntropy, OfNothingIsZeroWithZeroGradients) {
  for (const auto& [shape, labels] : {std::pair(Shape{0, 2}, zeros({0}, DType::int64)),
                                      {Shape{2, 2}, tensor({-100, -100})},
                                      {Shape{2}, scalar(-100)}}) {
    for (const Reduction reduction : reductions) {
      const Tensor x = random_leaf(shape), w = random_leaf({3, 2}), b = random_leaf({3});
      const Tensor loss = linear_cross_entropy(x, w, b, labels, {.reduction = reduction});
      for (const double value : values_of(loss)) EXPECT_EQ(value, 0);
      loss.backward(ones(loss.shape(), DType::float64));
      for (const Tensor& input : {x, w, b}) {
        for (const double g : gradient_of(input)) EXPECT_EQ(g, 0);
      }
    }
  }
}

TEST(OpLinearCrossEntropy, ExtremeScores) {
  const Tensor x = leaf({1e4}, {1, 1});
  const Tensor w = leaf({1, -1, 0}, {3, 1});
  const Tensor loss = linear_cross_entropy(x, w, {}, tensor({1}));
  EXPECT_TRUE(has_values(loss, {}, {2e4}));
  loss.backward();
  EXPECT_TRUE(has_values(x.grad().dense(), {1, 1}, {2}));
  EXPECT_TRUE(has_values(w.grad().dense(), {3, 1}, {1e4, -1e4, 0}));
}

TEST(OpLinearCrossEntropy, AGradientIsHandedOverAndScaledOnlyIfNeeded) {
  const Tensor x = random_leaf({3, 2}), w = random_leaf({4, 2}), labels = tensor({0, 1, 3});
  linear_cross_entropy(x, w, {}, labels).backward();
  const std::vector<double> once = gradient_of(w);
  w.clear_grad();
  const Tensor loss = linear_cross_entropy(x, w, {}, labels);
  loss.backward(scalar(1.0), {.retain_graph = true});
  loss.backward(scalar(2.0));  // adds to a gradient that the graph no longer shares
  std::vector<double> thrice = once;
  for (double& g : thrice) g *= 3;
  EXPECT_TRUE(is_close(w.grad().dense(), {4, 2}, thrice, 1e-14));
}

TEST(OpLinearCrossEntropy, ComputesNoGradientThatNobodyNeeds) {
  const Tensor x = random_leaf({8, 2000}), w = frozen(random_leaf({300, 2000}));
  const Tensor labels = zeros({8}, DType::int64);
  reset_peak_memory();
  const std::int64_t before = memory_stats().live;
  const Tensor loss = linear_cross_entropy(x, w, {}, labels);
  EXPECT_LT(memory_stats().peak - before, std::int64_t{300} * 2000 * 8 / 2);
  const NoGradGuard no_grad;
  EXPECT_EQ(loss.item(), linear_cross_entropy(x, w, {}, labels).item());
}

TEST(OpLinearCrossEntropy, BrokenInput) {
  const Tensor x = zeros({2, 3}), w = zeros({4, 3}), labels = tensor({0, 1});
  EXPECT_ERROR(linear_cross_entropy(x, zeros({4, 2}), {}, labels), ShapeError,
               "linear_cross_entropy: x does not fit the weight: x is [2, 3], weight is [4, 2]: x "
               "[..., D] and weight [C, D] are needed");
  EXPECT_ERROR(linear_cross_entropy(x, w, zeros({3}), labels), ShapeError,
               "linear_cross_entropy: bias does not fit the weight: bias is [3], weight is [4, 3]: "
               "bias [C] and weight [C, D] are needed");
  EXPECT_ERROR(linear_cross_entropy(x, w.to(DType::float64), {}, labels), DTypeError,
               "linear_cross_entropy: dtypes differ: x is float32, weight is float64: convert with "
               "to()");
  EXPECT_ERROR(linear_cross_entropy(x, w, {}, tensor({0.5f, 0.5f})), DTypeError,
               "linear_cross_entropy: labels are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  EXPECT_ERROR(linear_cross_entropy(x, w, {}, tensor({0, 1, 2})), ShapeError,
               "linear_cross_entropy: shapes do not fit: x is [2, 3], labels are [3]: each row has "
               "one label");
  for (const Reduction reduction : reductions) {
    EXPECT_ERROR(linear_cross_entropy(x, w, {}, tensor({0, 4}), {.reduction = reduction}),
                 IndexError, "linear_cross_entropy: label 4 at position [1] is outside [0, 4)");
  }
  EXPECT_ERROR(linear_cross_entropy(x, w, {}, labels, {.label_smoothing = 2}), ValueError,
               "linear_cross_entropy: label_smoothing is 2, it must be in [0, 1]");
  EXPECT_ERROR(linear_cross_entropy(x, w, {}, labels, {.weight = ones({3})}), ShapeError,
               "linear_cross_entropy: the weight of the classes is [3], there are 4 classes");
  const Tensor i = zeros({2, 3}, DType::int64);
  EXPECT_ERROR(linear_cross_entropy(i, zeros({4, 3}, DType::int64), {}, labels), DTypeError,
               "linear_cross_entropy: a tensor of dtype int64 where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
