#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/power.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/attention.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/recurrent.h>
#include <gradus/layers/sequential.h>
#include <gradus/layers/weight_norm.h>
#include <gradus/optim/sgd.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

constexpr DType wide = DType::float64;

std::vector<std::string> names_of(const Module& module) {
  std::vector<std::string> names;
  for (const NamedParameter& p : module.parameters()) names.push_back(p.path);
  return names;
}

TEST(WeightNorm, TakesThePlaceOfTheParameterUnderTheNamesOfPyTorch) {
  const Linear linear(3, 2);
  const Tensor x = rand({4, 3});
  const std::vector<double> before = values_of(linear(x)), weight = values_of(linear.weight);
  const WeightNorm layer(linear);
  EXPECT_EQ(names_of(layer), (std::vector<std::string>{"weight_g", "weight_v", "bias"}));
  EXPECT_EQ(layer.state_dict().at("weight_g").shape(), (Shape{2, 1}));
  EXPECT_EQ(values_of(layer.state_dict().at("weight_v")), weight);
  EXPECT_TRUE(is_close(layer(x), {4, 2}, before, 1e-6));
  EXPECT_FALSE(layer->weight.trainable());
  EXPECT_TRUE(is_close(layer->weight, {2, 3}, weight, 1e-6));
}

TEST(WeightNorm, ItsGradientsAreRight) {
  for (const std::optional<std::int64_t> dim :
       {std::optional<std::int64_t>(0), std::optional<std::int64_t>(1),
        std::optional<std::int64_t>()}) {
    const WeightNorm layer(Linear(3, 2, {.dtype = wide}), {.dim = dim});
    const Tensor x = random_leaf({4, 3});
    const GradcheckResult result =
        gradcheck([&] { return layer(x) * sum(layer(x * x)); }, layer.parameters());
    EXPECT_TRUE(result) << result.message;
    check_registered(sum(layer(x.detach())), layer);
  }
}

TEST(WeightNorm, UsesTheNormThatWasSet) {
  const WeightNorm layer(Linear(2, 1, {.bias = false, .dtype = wide}));
  {
    const NoGradGuard no_grad;
    layer.state_dict().at("weight_v").copy_(tensor({{30.0, 40.0}}));
    layer.state_dict().at("weight_g").fill_(5);
    EXPECT_TRUE(is_close(layer(tensor({{1.0, 0.0}})), {1, 1}, {3}, 1e-15));
  }
  EXPECT_TRUE(is_close(layer(tensor({{0.0, 1.0}})), {1, 1}, {4}, 1e-15));
}

TEST(WeightNorm, AnEarlierCallKeepsItsWeight) {
  const WeightNorm layer(Linear(2, 1, {.bias = false, .dtype = wide}));
  layer.set_trainable(false);
  const Tensor x = leaf({1, 2}, {1, 2});
  const Tensor y = layer(x);
  const std::vector<double> weight = values_of(layer->weight);
  layer.state_dict().at("weight_g").mul_(2);
  layer(x);
  EXPECT_NE(values_of(layer->weight), weight);
  y.backward();
  EXPECT_EQ(gradient_of(x), weight);
}

TEST(WeightNorm, IsAPartOfAModelThatLearns) {
  manual_seed(1);
  const Sequential model(
      WeightNorm(Linear(4, 8)), [](const Tensor& x) { return tanh(x); }, WeightNorm(Linear(8, 1)));
  EXPECT_EQ(names_of(model)[3], "2.weight_g");
  SGD optimizer(model.parameters(), {.lr = 0.1});
  const Tensor x = randn({64, 4}), y = sum(x, 1, true) * 0.3;
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
}

TEST(WeightNorm, WorksForAnyParameterOfAnyLayer) {
  const LSTM lstm(3, 2, {.dtype = wide});
  const Tensor x = random_leaf({2, 3, 3});
  const std::vector<double> before = values_of(lstm(x).output);
  const WeightNorm recurrent(lstm, {.name = "weight_hh_l0"});
  const WeightNorm both(recurrent, {.name = "weight_ih_l0", .dim = std::nullopt});
  EXPECT_EQ(names_of(both),
            (std::vector<std::string>{"weight_ih_l0_g", "weight_ih_l0_v", "weight_hh_l0_g",
                                      "weight_hh_l0_v", "bias_ih_l0", "bias_hh_l0"}));
  EXPECT_TRUE(
      is_close(both(x, LstmInputs{.lengths = tensor({3, 3})}).output, {2, 3, 2}, before, 1e-14));
  const GradcheckResult result = gradcheck([&] { return both(x).output; }, both.parameters());
  EXPECT_TRUE(result) << result.message;
}

// Not through operator(): relu_max, weights, and what else a layer has.
TEST(WeightNorm, OtherMembersUseTheWeightToo) {
  const WeightNorm conv(Conv1d(3, 2, 2, {.dtype = wide}));
  const Tensor x = random_leaf({2, 5, 3});
  GradcheckResult result = gradcheck([&] { return conv->relu_max(x); }, conv.parameters());
  EXPECT_TRUE(result) << result.message;
  const WeightNorm attention(MultiheadAttention(4, 2, {.dtype = wide}), {.name = "in_proj_weight"});
  const Tensor y = random_leaf({2, 3, 4});
  check_registered(sum(attention->weights(y.detach())), attention);
  {
    const NoGradGuard no_grad;
    conv.state_dict().at("weight_g").fill_(0);
    attention.state_dict().at("in_proj_weight_g").fill_(0);
  }
  const std::vector<double> same_weight(36, 1.0 / 3);
  EXPECT_TRUE(has_values(conv->weight, {2, 3, 2}, std::vector<double>(12)));
  EXPECT_TRUE(is_close(attention->weights(y), {2, 2, 3, 3}, same_weight, 1e-15));
}

TEST(WeightNorm, IsNotTheLayerThatWouldIgnoreIt) {
  static_assert(!std::derived_from<WeightNorm<Linear>, Linear>);
}

TEST(WeightNorm, FollowsTheModelInStateDtypeAndFreezing) {
  const WeightNorm from(Linear(3, 2)), to(Linear(3, 2));
  const Tensor x = rand({4, 3});
  to.load_state_dict(from.state_dict());
  EXPECT_EQ(values_of(to(x)), values_of(from(x)));
  to.to(wide);
  EXPECT_EQ(to(x.to(wide)).dtype(), wide);
  to.set_trainable(false);
  EXPECT_FALSE(to(x.to(wide)).requires_grad());
  const Linear frozen_linear(3, 2);
  frozen_linear.set_trainable(false);
  EXPECT_EQ(WeightNorm(frozen_linear).num_parameters(true), 0);
}

TEST(WeightNorm, RefusesANameOrAnAxisThatIsNotThere) {
  const Linear linear(3, 2);
  EXPECT_ERROR(WeightNorm(linear, {.name = "wieght"}), ValueError,
               "WeightNorm: there is no parameter 'wieght' in Linear(in_features=3, "
               "out_features=2, bias=true)");
  EXPECT_THROW(WeightNorm(linear, {.dim = 2}), IndexError);
  EXPECT_EQ(names_of(linear), (std::vector<std::string>{"weight", "bias"}));
  const WeightNorm once(linear);
  EXPECT_THROW(WeightNorm(linear, {.name = "weight"}), ValueError);
}

}  // namespace
}  // namespace gradus
