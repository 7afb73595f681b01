// What gradcheck says of a wrong gradient, and functions of several results.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/inspect/gradcheck.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/tests/core/graph_testing.h>
#include <gtest/gtest.h>

#include <array>
#include <tuple>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::StrEq;
using testing::ThrowsMessage;

using Inputs = std::vector<Tensor>;

// 2 x, whose derivative is said to be `slope`.
Tensor doubled(const Tensor& x, double slope = 2) {
  return record("doubled", x.detach() * 2.0,
                vjp(x, [slope](const Tensor& g) { return mul(g, slope); }));
}

// x^2 and x^3 as one op; `share` is how much of the second cotangent is used, `both` is added where
// both are there.
std::pair<Tensor, Tensor> powers(const Tensor& x, double share = 1, double both = 0) {
  const Tensor v = x.detach();
  const Tensor square = v * v, cube = square * v;
  record_joint("powers", {square, cube}, {x}, [=](Cotangents g, Needs) {
    Tensor dx = zeros_like(v);
    if (g[0].defined()) dx = dx + g[0] * v * 2.0;
    if (g[1].defined()) dx = dx + g[1] * v * v * (3 * share);
    if (g[0].defined() && g[1].defined()) dx = dx + both;
    return std::vector<Gradient>{dx};
  });
  return {square, cube};
}

TEST(GradcheckMessage, NamesTheOpTheInputTheElementAndBothNumbers) {
  const Tensor x = leaf({0.5, -1.5}), w = leaf({1, 1});
  const GradcheckResult result = gradcheck(
      [](const Inputs& in) { return in[0] * 1.0 + doubled(in[1], -2); }, {x, w}, {.seed = 3});
  EXPECT_THAT(result.message, testing::MatchesRegex(
                                  "input 1 of shape \\[2\\], element \\[[01]\\]: through doubled, "
                                  "add: backward gives [-0-9.]+, central differences [-0-9.]+ "
                                  "\\(error 2; 2 of 2 elements are wrong\\)"));
}

TEST(GradcheckMessage, ListsTheOpsOnTheWayInOrderAndNoOthers) {
  const Tensor x = leaf({0.5});
  const auto f = [](const Inputs& in) {
    Tensor y = doubled(tanh(in[0]), 3);
    for (int i = 0; i < 3; ++i) y = exp(sqrt(y * y + 1.0) * 0.1);
    return y / 2.0 + sigmoid(in[1]);
  };
  EXPECT_THAT(gradcheck(f, {x, leaf({1})}).message,
              HasSubstr(": through tanh, doubled, mul, add, sqrt, exp, ...: backward gives "));
}

TEST(GradcheckMessage, SaysThatNoOpLeadsToTheResult) {
  const Tensor x = leaf({0.5, 2});
  const GradcheckResult result =
      gradcheck([](const Inputs& in) { return exp(in[0].detach()); }, {x});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("no recorded op leads from it to the result: backward "
                                        "gives 0, central differences "));
}

TEST(GradcheckMessage, CountsTheWrongElements) {
  const Tensor x = leaf({1, 2, 3, 4});
  const auto half_wrong = [](const Inputs& in) {
    return record("half", in[0].detach() * 1.0, vjp(in[0], [](const Tensor& g) {
                    return g * tensor({1.0, 2.0, 1.0, 2.0});
                  }));
  };
  EXPECT_THAT(gradcheck(half_wrong, {x}).message, HasSubstr("2 of 4 elements are wrong)"));
}

TEST(GradcheckResults, MayBeAPairATupleAnArrayOrAVector) {
  const Tensor x = leaf({0.5, -1.5});
  EXPECT_TRUE(gradcheck([](const auto& in) { return powers(in[0]); }, {x}));
  EXPECT_TRUE(gradcheck(
      [](const auto& in) {
        const auto [a, b] = powers(in[0]);
        return std::tuple(a, b, a * b);
      },
      {x}));
  EXPECT_TRUE(gradcheck(
      [](const auto& in) {
        return std::array<Tensor, 2>{in[0] * 2.0, exp(in[0])};
      },
      {x}));
  EXPECT_TRUE(gradcheck(
      [](const auto& in) {
        return Inputs{sum(in[0]), in[0] * in[1]};
      },
      {x, leaf({3})}));
}

TEST(GradcheckResults, OfIntegersArePassedOver) {
  const Tensor x = leaf({0.5, -1.5, 1});
  EXPECT_TRUE(gradcheck(
      [](const auto& in) {
        const ValuesAndIndices y = max(in[0], 0);
        return std::tuple(y.indices, y.values, greater(in[0], 0.0));
      },
      {x}));
}

TEST(GradcheckResults, AreCheckedAloneAndTogether) {
  const Tensor x = leaf({0.5, -1.5});
  const auto wrong_second = [](const Inputs& in) { return powers(in[0], 0.9); };
  const GradcheckResult second = gradcheck(wrong_second, {x});
  EXPECT_NEAR(second.error, 0.1, 0.02);
  EXPECT_THAT(second.message, StartsWith("result 1 alone, input 0 of shape [2]"));
  EXPECT_THAT(second.message, HasSubstr("through powers: "));
  const auto wrong_together = [](const Inputs& in) { return powers(in[0], 1, 0.5); };
  EXPECT_THAT(gradcheck(wrong_together, {x}).message,
              StartsWith("results 0 to 1, input 0 of shape [2]"));
}

TEST(GradcheckResults, OfAModelNameTheParameter) {
  struct Layer : Module {
    Layer() : weight(add_parameter("weight", tensor({0.5, 2.0}))) {}
    const Parameter weight;
  } const layer;
  EXPECT_TRUE(gradcheck([&] { return powers(layer.weight); }, layer.parameters()));
  EXPECT_THAT(gradcheck([&] { return powers(layer.weight, 2); }, layer.parameters()).message,
              StartsWith("result 1 alone, parameter 'weight' of shape [2], element ["));
}

TEST(GradcheckResults, NeedFloat64) {
  const Tensor x = leaf({0.5});
  EXPECT_THAT([&] { gradcheck([](const Inputs& in) { return in[0].to(DType::float32); }, {x}); },
              ThrowsMessage<DTypeError>(
                  StrEq("gradcheck: the function returns float32 [1]: float64 is needed to tell a "
                        "wrong gradient from rounding")));
  EXPECT_THAT(
      [&] { gradcheck([](const Inputs& in) { return greater(in[0], 0.0); }, {x}); },
      ThrowsMessage<DTypeError>(StrEq("gradcheck: the function returns no float64 tensor")));
}

TEST(Gradcheck, KeepsValuesAndGradientsOfJointChecks) {
  const Tensor x = leaf({0.5, -1.5});
  x.set_grad(tensor({7.0, 8.0}));
  EXPECT_TRUE(gradcheck([](const Inputs& in) { return powers(in[0]); }, {x}));
  EXPECT_THAT(x.grad().dense().span<double>(), testing::ElementsAre(7, 8));
  EXPECT_THAT(x.span<double>(), testing::ElementsAre(0.5, -1.5));
}

TEST(Gradcheck, AcceptsARightGradientAndRefusesAWrongOne) {
  const Tensor x = leaf({0.3, -1.2, 2.0});
  EXPECT_TRUE(gradcheck([](const Inputs& in) { return tanh(in[0]) * in[0]; }, {x}));
  const auto wrong = [](const Inputs& in) {
    const Tensor& input = in[0];
    return record("wrong", mul(input.detach(), 2.0),
                  vjp(input, [](const Tensor& g) { return mul(g, 2.0001); }));
  };
  const GradcheckResult result = gradcheck(wrong, {x});
  EXPECT_FALSE(result);
  EXPECT_NEAR(result.error, 5e-5, 1e-6);
  EXPECT_THAT(result.message, HasSubstr("input 0 of shape [3]"));
}

// The identity on [2, 2] but for its derivative, which `vjp` computes wrongly.
template <class F>
GradcheckResult check_wrong(const Tensor& x, F function) {
  return gradcheck(
      [&](const Inputs& in) {
        return record("wrong", in[0].detach().clone(), vjp(in[0], function));
      },
      {x});
}

TEST(Gradcheck, ReportsAWrongSignAndATransposedGradient) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}).set_trainable(true);
  EXPECT_TRUE(check_wrong(x, [](const Tensor& g) { return mul(g, 1.0); }));
  EXPECT_NEAR(check_wrong(x, [](const Tensor& g) { return mul(g, -1.0); }).error, 2, 1e-6);
  const GradcheckResult transposed = check_wrong(x, [](const Tensor& g) {
    const double* v = g.data<double>();
    return tensor({v[0], v[2], v[1], v[3]}, {2, 2});
  });
  EXPECT_FALSE(transposed);
  EXPECT_THAT(transposed.message,
              testing::AnyOf(HasSubstr("element [0, 1]:"), HasSubstr("element [1, 0]:")));
}

TEST(Gradcheck, ReportsTheElementByItsPosition) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}).set_trainable(true);
  const GradcheckResult result = check_wrong(x, [](const Tensor& g) {
    const double* v = g.data<double>();
    return tensor({v[0], v[1], 2 * v[2], v[3]}, {2, 2});
  });
  EXPECT_THAT(result.message, HasSubstr("element [1, 0]: through wrong: backward gives "));
}

struct Scaled : Module {
  explicit Scaled(DType dtype) : scale(add_parameter("scale", ones({2}, dtype))) {}
  const Parameter scale;
};
struct Outer : Module {
  explicit Outer(DType dtype) : inner(add("inner", Scaled(dtype))) {}
  const Scaled inner;
};

TEST(Gradcheck, NamesTheParametersOfAModule) {
  const Outer model(DType::float64);
  EXPECT_TRUE(gradcheck([&] { return exp(model.inner.scale); }, model.parameters()));
  const GradcheckResult result = gradcheck(
      [&] {
        const Tensor& scale = model.inner.scale;
        return record("wrong", scale.detach().clone(),
                      vjp(scale, [](const Tensor& g) { return mul(g, 2.0); }));
      },
      model.parameters());
  EXPECT_THAT(result.message, HasSubstr("parameter 'inner.scale' of shape [2], element ["));
  const Outer narrow(DType::float32);
  try {
    gradcheck([&] { return exp(narrow.inner.scale); }, narrow.parameters());
    FAIL() << "float32 was accepted";
  } catch (const DTypeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("parameter 'inner.scale' is float32"));
    EXPECT_THAT(error.what(), HasSubstr("module.to(DType::float64)"));
  }
}

TEST(Gradcheck, PutsValuesAndGradientsBack) {
  const Tensor x = leaf({1});
  (x * 4.0).backward();
  EXPECT_TRUE(gradcheck([](const Inputs& in) { return exp(in[0]); }, {x}));
  EXPECT_THAT(grad(x), ElementsAre(4));
  EXPECT_THAT(values(x), ElementsAre(1));
}

TEST(Gradcheck, NeedsFloat64) {
  const Tensor x = ones({2}).set_trainable(true);
  EXPECT_THROW(gradcheck([](const Inputs& in) { return in[0] * 1.0; }, {x}), DTypeError);
}

}  // namespace
}  // namespace gradus
