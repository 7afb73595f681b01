// Layers whose classes are many.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/adaptive_log_softmax.h>
#include <gradus/layers/hierarchical_softmax.h>
#include <gradus/optim/sgd.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

const std::vector<std::int64_t> counts{50, 30, 10, 5, 3, 2};

TEST(AdaptiveLogSoftmax, ParametersHaveTheNamesAndShapesOfPyTorch) {
  const AdaptiveLogSoftmaxWithLoss layer(64, 12, {4, 8});
  std::vector<std::string> found;
  for (const NamedParameter& p : layer.parameters()) {
    found.push_back(p.path + " " + p.parameter.shape().str());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"head.weight [6, 64]", "tail.0.0.weight [16, 64]",
                                             "tail.0.1.weight [4, 16]", "tail.1.0.weight [4, 64]",
                                             "tail.1.1.weight [4, 4]"}));
  const AdaptiveLogSoftmaxWithLoss biased(8, 5, {2}, {.div_value = 2, .head_bias = true});
  EXPECT_EQ(biased.head.bias.shape(), Shape{3});
  EXPECT_EQ(layer.str().substr(0, 77),
            "AdaptiveLogSoftmaxWithLoss(64, 12, cutoffs=[4, 8], div_value=4, head_bias=fal");
}

// Python's in_features // div_value**k, where many quotients round up to a whole number.
TEST(AdaptiveLogSoftmax, ClustersHaveTheFeaturesOfPyTorch) {
  const auto features = [](std::int64_t in_features, double div_value) {
    const AdaptiveLogSoftmaxWithLoss layer(in_features, 12, {4, 8}, {.div_value = div_value});
    return std::vector<std::int64_t>{layer.tail[0].parameters()[0].parameter.size(0),
                                     layer.tail[1].parameters()[0].parameter.size(0)};
  };
  using Features = std::vector<std::int64_t>;
  EXPECT_EQ(features(64, 1.6), (Features{39, 24}));
  EXPECT_EQ(features(11, 1.1), (Features{9, 9}));
  EXPECT_EQ(features(3, 0.1), (Features{29, 299}));
  EXPECT_EQ(features(121, 1.1), (Features{109, 99}));
  EXPECT_EQ(features(36, 1.2), (Features{30, 25}));
  EXPECT_EQ(features(64, 4), (Features{16, 4}));
}

TEST(AdaptiveLogSoftmax, IsADistributionWhoseLossIsThatOfTheLabels) {
  const AdaptiveLogSoftmaxWithLoss layer(6, 9, {2, 5}, {.div_value = 1.5, .dtype = DType::float64});
  const Tensor x = frozen(random_leaf({2, 9, 6}, 1));
  const Tensor labels = tensor({{0, 1, 2, 3, 4, 5, 6, 7, 8}, {8, 8, 8, 0, 0, 0, 3, 3, 3}});
  const NoGradGuard no_grad;
  const Tensor all = layer.log_prob(x);
  EXPECT_EQ(all.shape(), (Shape{2, 9, 9}));
  EXPECT_TRUE(is_close(sum(exp(all), -1), {2, 9}, std::vector<double>(18, 1), 1e-13));
  const AdaptiveLogSoftmaxResult y = layer(x, labels);
  const Tensor expected = squeeze(gather(all, 2, unsqueeze(labels, 2)), 2);
  EXPECT_TRUE(is_close(y.output, {2, 9}, values_of(expected), 1e-13));
  EXPECT_NEAR(y.loss.item(), -mean(expected).item(), 1e-13);
  EXPECT_EQ(values_of(layer.predict(x)), values_of(argmax(all, -1)));
}

TEST(AdaptiveLogSoftmax, GrowsAndShrinksAtItsEndWithItsOptimizer) {
  const AdaptiveLogSoftmaxWithLoss layer(6, 9, {2, 5}, {.div_value = 1.5, .dtype = DType::float64});
  const AdaptiveLogSoftmaxWithLoss copy =
      layer;  // NOLINT(performance-unnecessary-copy-initialization)
  SGD optimizer(layer.parameters(), {.lr = 0.1, .momentum = 0.9});
  const Tensor x = frozen(random_leaf({4, 6}, 1));
  const auto step = [&](const std::vector<std::int64_t>& labels) {
    optimizer.zero_grad();
    layer(x, tensor(labels)).loss.backward();
    optimizer.step();
  };
  step({0, 3, 6, 8});
  const std::string last = "tail.1.1.weight";
  const Tensor before = layer.tail[1].parameters().back().parameter.clone();
  const Tensor momentum = optimizer.state_dict().at(last + ".momentum_buffer");
  layer.resize(11, {.init = [](const Tensor& rows) { rows.fill_(7); }, .followers = {&optimizer}});
  EXPECT_EQ(copy.n_classes(), 11);
  EXPECT_EQ(copy.str().substr(0, 34), "AdaptiveLogSoftmaxWithLoss(6, 11, ");
  const Tensor now = layer.tail[1].parameters().back().parameter;
  EXPECT_EQ(values_of(slice(now, 0, 0, 4)), values_of(before));
  EXPECT_EQ(values_of(slice(now, 0, 4, 6)), std::vector<double>(4, 7.0));
  const Tensor moved = optimizer.state_dict().at(last + ".momentum_buffer");
  EXPECT_EQ(values_of(slice(moved, 0, 0, 4)), values_of(momentum));
  EXPECT_EQ(values_of(slice(moved, 0, 4, 6)), std::vector<double>(4, 0.0));
  {
    const NoGradGuard no_grad;
    EXPECT_TRUE(is_close(sum(exp(layer.log_prob(x)), -1), {4}, {1, 1, 1, 1}, 1e-13));
  }
  step({10, 9, 6, 0});
  layer.resize(6, {.followers = {&optimizer}});
  EXPECT_EQ(layer.log_prob(x).shape(), (Shape{4, 6}));
  EXPECT_EQ(values_of(layer.tail[1].parameters().back().parameter).size(), 2U);
  EXPECT_THROW(layer(x, tensor({0, 1, 2, 6})), IndexError);
  EXPECT_ERROR(layer.resize(5), ValueError,
               "AdaptiveLogSoftmaxWithLoss: resize to 5 classes, but the last cluster begins at 5");
  EXPECT_EQ(layer.n_classes(), 6);
}

TEST(AdaptiveLogSoftmax, HasRightGradients) {
  const AdaptiveLogSoftmaxWithLoss layer(
      6, 9, {2, 5}, {.div_value = 1.5, .head_bias = true, .dtype = DType::float64});
  const Tensor x = frozen(random_leaf({5, 6}, 1)), labels = tensor({0, 4, 8, 2, 1});
  const auto both = [&] {
    const AdaptiveLogSoftmaxResult y = layer(x, labels);
    return std::vector<Tensor>{y.output, y.loss, layer.log_prob(x)};
  };
  const GradcheckResult result = gradcheck(both, layer.parameters());
  EXPECT_TRUE(result) << result.message;
  EXPECT_TRUE(
      passes_gradcheck([&](const std::vector<Tensor>& in) { return layer(in[0], labels).loss; },
                       {random_leaf({5, 6}, 1)}));
}

TEST(AdaptiveLogSoftmax, OfNothingIsZero) {
  const AdaptiveLogSoftmaxWithLoss layer(6, 9, {2, 5}, {.div_value = 2});
  const AdaptiveLogSoftmaxResult y = layer(zeros({0, 6}), zeros({0}, DType::int64));
  EXPECT_EQ(y.output.shape(), Shape{0});
  EXPECT_TRUE(has_values(y.loss, {}, {0}));
  y.loss.backward();
  for (const double g : gradient_of(layer.head.weight)) EXPECT_EQ(g, 0);
}

TEST(AdaptiveLogSoftmax, BrokenInput) {
  const auto make = [](std::int64_t features, const std::vector<std::int64_t>& cutoffs,
                       double div_value = 4) {
    return [=] { AdaptiveLogSoftmaxWithLoss(features, 12, cutoffs, {.div_value = div_value}); };
  };
  EXPECT_ERROR(make(64, {4, 12})(), ValueError,
               "AdaptiveLogSoftmaxWithLoss: cutoffs are [4, 12]: they must rise and be in [1, 11], "
               "as there are 12 classes");
  EXPECT_THROW(make(64, {4, 4})(), ValueError);
  EXPECT_THROW(make(64, {0, 4})(), ValueError);
  EXPECT_ERROR(make(64, {})(), ValueError,
               "AdaptiveLogSoftmaxWithLoss: there are no cutoffs: use a Linear");
  EXPECT_ERROR(make(15, {4, 8})(), ValueError,
               "AdaptiveLogSoftmaxWithLoss: cluster 1 has no feature: in_features is 15, div_value "
               "4: use a smaller div_value or fewer cutoffs");
  EXPECT_THROW(make(64, {4}, 0)(), ValueError);
  EXPECT_ERROR(make(0, {4})(), ValueError,
               "AdaptiveLogSoftmaxWithLoss: in_features is 0, it must be at least 1");
  for (const double tiny : {1e-300, 5e-324}) EXPECT_THROW(make(64, {4, 8}, tiny)(), ValueError);
  EXPECT_ERROR(make(64, {4}, 1e-20)(), ValueError,
               "AdaptiveLogSoftmaxWithLoss: cluster 0 has more features than int64 counts: "
               "in_features is 64, div_value 1e-20: use a larger div_value");
  const AdaptiveLogSoftmaxWithLoss layer(64, 12, {4, 8});
  EXPECT_ERROR(layer(zeros({3, 64}), tensor({0, 1, 12})), IndexError,
               "AdaptiveLogSoftmaxWithLoss: labels: index 12 at position [2] is outside [0, 12)");
  EXPECT_ERROR(layer(zeros({3, 64}), tensor({0, 1})), ShapeError,
               "AdaptiveLogSoftmaxWithLoss: x is [3, 64], labels are [2]: each row has one label");
  EXPECT_ERROR(
      layer.log_prob(zeros({3, 6})), ShapeError,
      "AdaptiveLogSoftmaxWithLoss: x is [3, 6], its last axis must be 64: layer " + layer.str());
}

TEST(HierarchicalSoftmax, StartsWithEqualDecisions) {
  const HierarchicalSoftmax layer(3, counts);
  EXPECT_EQ(layer.parameters().size(), 1U);
  EXPECT_EQ(values_of(layer.weight), std::vector<double>(15, 0));
  const NoGradGuard no_grad;
  const Tensor p = exp(layer.log_prob(ones({2, 4, 3})));
  EXPECT_EQ(p.shape(), (Shape{2, 4, 6}));
  for (std::int64_t k = 0; k < 6; ++k) {
    const auto bits = static_cast<double>(layer.tree().path(k).size());
    EXPECT_NEAR(p[1][3][k].item(), std::pow(0.5, bits), 1e-6);
  }
  EXPECT_EQ(layer.str().substr(0, 47), "HierarchicalSoftmax(3, 6 classes, sparse=false)");
}

TEST(HierarchicalSoftmax, LearnsTheLabelsOfItsInputs) {
  const HierarchicalSoftmax layer(6, counts, {.sparse = true});
  const Tensor x = eye(6), labels = tensor({3, 5, 0, 1, 4, 2});
  SGD optimizer(layer.parameters(), {.lr = 2});
  for (int step = 0; step < 80; ++step) {
    optimizer.zero_grad();
    layer(x, labels).backward();
    EXPECT_TRUE(layer.weight.grad().is_sparse());
    optimizer.step();
  }
  EXPECT_EQ(values_of(layer.predict(x)), values_of(labels));
  EXPECT_LT(layer(x, labels).item(), 0.2);
}

TEST(HierarchicalSoftmax, TakesAnyLeadingAxes) {
  const HierarchicalSoftmax layer(3, counts, {.dtype = DType::float64});
  {
    const NoGradGuard no_grad;
    layer.weight.copy_(frozen(random_leaf({5, 3}, 2)));
  }
  const Tensor x = frozen(random_leaf({2, 4, 3}, 1)), labels = randint(6, {2, 4});
  const Tensor losses = layer(x, labels, Reduction::none);
  EXPECT_EQ(losses.shape(), (Shape{2, 4}));
  EXPECT_NEAR(layer(x, labels).item(), mean(losses).item(), 1e-14);
  const NoGradGuard no_grad;
  const Tensor expected = squeeze(gather(layer.log_prob(x), 2, unsqueeze(labels, 2)), 2);
  EXPECT_TRUE(is_close(-losses, {2, 4}, values_of(expected), 1e-13));
}

TEST(HierarchicalSoftmax, BrokenInput) {
  EXPECT_ERROR(HierarchicalSoftmax(-1, counts), ValueError,
               "HierarchicalSoftmax: in_features is -1, it cannot be negative");
  EXPECT_THROW(HierarchicalSoftmax(3, std::vector<std::int64_t>{}), ValueError);
  const HierarchicalSoftmax layer(3, counts);
  EXPECT_ERROR(layer(zeros({2, 4}), tensor({0, 1})), ShapeError,
               "HierarchicalSoftmax: x is [2, 4], its last axis must be 3: layer " + layer.str());
  EXPECT_ERROR(layer(zeros({2, 3}), tensor({0})), ShapeError,
               "HierarchicalSoftmax: x is [2, 3], labels are [1]: each row has one label");
}

}  // namespace
}  // namespace gradus
