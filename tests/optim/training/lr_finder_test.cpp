#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/random.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/lr_finder.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pointwise;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// A model, its optimizer, and a step of training with dropout.
struct Training {
  Training()
      : model(3, 1, {.dtype = DType::float64}), optimizer(model.parameters(), {.lr = 0.25}) {}

  Tensor loss() {
    optimizer.zero_grad();
    const Tensor x = dropout(randn({8, 3}, 0, 1, DType::float64), 0.5);
    Tensor result = mse_loss(model(x), ones({8, 1}, DType::float64));
    result.backward();
    return result;
  }
  // The loss of the next steps, bit for bit.
  std::vector<double> train(int steps) {
    std::vector<double> losses;
    for (int i = 0; i < steps; ++i) {
      losses.push_back(loss().item());
      optimizer.step();
    }
    return losses;
  }

  const Linear model;
  Adam optimizer;
};

// The curve of a run whose losses are given; its parameters have no gradients.
LrCurve curve_of(const std::vector<double>& losses, const LrFinderOptions& options) {
  const CaughtWarnings ignored;
  const Linear model(2, 1);
  SGD optimizer(model.parameters(), {.lr = 0.1});
  std::size_t i = 0;
  return find_lr(
      model, optimizer, [&] { return tensor({losses.at(i++)}); }, options);
}

TEST(FindLr, RaisesTheRateByTheSameFactorEachStep) {
  Training run;
  std::vector<double> rates;
  const auto closure = [&] {
    rates.push_back(run.optimizer.lr());
    return run.loss();
  };
  const LrCurve curve =
      find_lr(run.model, run.optimizer, closure, {.min_lr = 1e-4, .max_lr = 1e-1, .steps = 4});
  EXPECT_THAT(rates, Pointwise(DoubleNear(1e-15), std::vector<double>{1e-4, 1e-3, 1e-2, 1e-1}));
  EXPECT_EQ(curve.lr, rates);
  EXPECT_EQ(curve.loss.size(), 4U);
  EXPECT_EQ(curve.smoothed.size(), 4U);
}

TEST(FindLr, StepsTheOptimizer) {
  const NamedParameter w = named("w", tensor({1.0}));
  struct Model : Module {
    explicit Model(const Parameter& w) { add_parameter("w", w); }
  };
  const Model model(w.parameter);
  SGD optimizer({w}, {.lr = 0.1});
  const auto closure = [&] {  // the gradient is 1: w falls by the rate
    optimizer.zero_grad();
    const Tensor loss = w.parameter * 1;
    loss.backward();
    return loss;
  };
  const LrCurve curve =
      find_lr(model, optimizer, closure, {.min_lr = 0.125, .max_lr = 0.5, .steps = 3});
  EXPECT_THAT(curve.loss, Pointwise(DoubleNear(1e-15), std::vector<double>{1, 0.875, 0.625}));
}

TEST(FindLr, SmoothsAsARunningAverageThatIsCorrectedForItsStart) {
  const LrCurve curve = curve_of({4, 2, 1}, {.steps = 3, .smoothing = 0.5});
  EXPECT_THAT(curve.loss, ElementsAre(4, 2, 1));
  EXPECT_THAT(curve.smoothed,  // 2 / 0.5, (1 + 1) / 0.75, (1 + 0.5) / 0.875
              Pointwise(DoubleNear(1e-14), std::vector<double>{4, 2 / 0.75, 1.5 / 0.875}));
}

TEST(FindLr, EndsWhenTheLossDiverges) {
  const LrFinderOptions options{.steps = 9, .smoothing = 0, .divergence = 3};
  EXPECT_EQ(curve_of({2, 1, 3, 3.5, 0}, options).lr.size(), 4U);
  EXPECT_EQ(curve_of({-2, -1, 2.5, 0}, options).lr.size(), 3U);  // above -2 by twice its size
  EXPECT_THAT(curve_of({2, 1, nan_value}, options).loss, ElementsAre(2, 1));
  EXPECT_THAT(curve_of({2, std::numeric_limits<double>::infinity()}, options).loss, ElementsAre(2));
}

TEST(FindLr, LeavesTheRunAsItWasBitForBit) {
  for (const int before : {0, 3}) {
    manual_seed(1);
    Training with;
    with.train(before);
    (void)find_lr(with.model, with.optimizer, [&] { return with.loss(); }, {.steps = 20});
    EXPECT_TRUE(with.model.parameters()[0].parameter.grad().empty());
    EXPECT_EQ(with.optimizer.lr(), 0.25);
    const std::vector<double> losses = with.train(5);
    manual_seed(1);
    Training without;
    without.train(before);
    EXPECT_EQ(losses, without.train(5)) << before;
  }
}

TEST(FindLr, RestoresEverythingWhenTheClosureThrows) {
  manual_seed(1);
  Training with;
  with.train(2);
  int calls = 0;
  const auto closure = [&] {
    if (++calls == 4) throw std::runtime_error("no more batches");
    return with.loss();
  };
  EXPECT_THROW(find_lr(with.model, with.optimizer, closure), std::runtime_error);
  EXPECT_EQ(calls, 4);
  const std::vector<double> losses = with.train(5);
  manual_seed(1);
  Training without;
  without.train(2);
  EXPECT_EQ(losses, without.train(5));
}

TEST(FindLr, RefusesWhatMakesNoSense) {
  Training run;
  const auto refused = [&](const LrFinderOptions& options) {
    return message_of<ValueError>([&] {
      find_lr(
          run.model, run.optimizer, [&] { return run.loss(); }, options);
    });
  };
  EXPECT_THAT(refused({.min_lr = 0}), HasSubstr("find_lr: min_lr is 0"));
  EXPECT_THAT(refused({.max_lr = nan_value}), HasSubstr("find_lr: max_lr is nan"));
  EXPECT_EQ(refused({.min_lr = 2, .max_lr = 2}),
            "find_lr: max_lr is 2, it must be above min_lr, 2");
  EXPECT_THAT(refused({.steps = 1}), HasSubstr("find_lr: steps is 1, it must be at least 2"));
  EXPECT_THAT(refused({.smoothing = 1}), HasSubstr("find_lr: smoothing is 1"));
  EXPECT_EQ(refused({.divergence = 1}), "find_lr: divergence is 1, it must be above 1");
  EXPECT_EQ(message_of<ValueError>([&] { find_lr(run.model, run.optimizer, nullptr); }),
            "find_lr: the closure is empty: pass one that returns the loss");
  EXPECT_EQ(message_of<ValueError>([] { curve_of({nan_value}, {}); }),
            "find_lr: the first loss is not finite: look at the data and the weights");
  LBFGS lbfgs(run.model.parameters());
  EXPECT_THROW(find_lr(run.model, lbfgs, [&] { return run.loss(); }), Error);
}

TEST(FindLr, RefusesAnOptimizerOfMoreThanTheModelHavingChangedNothing) {
  struct Both : Module {
    Both() : encoder(add("encoder", Linear(2, 2))), output(add("output", Linear(2, 1))) {}
    const Linear encoder, output;
  };
  const Both model;
  SGD optimizer(model.parameters(), {.lr = 0.5});
  const auto closure = []() -> Tensor { throw std::runtime_error("called"); };
  EXPECT_EQ(message_of<ValueError>([&] { find_lr(model.encoder, optimizer, closure); }),
            "find_lr: 'output.weight', which the optimizer trains, is no parameter of the model: "
            "its values would not be restored: pass the whole model");
  EXPECT_EQ(optimizer.lr(), 0.5);
  SGD part(model.encoder.parameters(), {.lr = 0.5});
  EXPECT_THROW(find_lr(model, part, closure), std::runtime_error);  // of less is fine
}

TEST(FindLr, NamesItselfIfTheClosureReturnsNothing) {
  Training run;
  EXPECT_EQ(message_of<Error>([&] { find_lr(run.model, run.optimizer, [] { return Tensor(); }); }),
            "find_lr: the result of the closure is an undefined tensor (default-constructed or "
            "moved from)");
}

// Losses, and rates that are their numbers.
LrCurve curve_with(const std::vector<double>& losses) {
  LrCurve curve;
  for (std::size_t i = 0; i < losses.size(); ++i) curve.lr.push_back(static_cast<double>(i) + 1);
  curve.loss = curve.smoothed = losses;
  return curve;
}

// The expected places are those of numpy.gradient(losses[begin:n - end]).argmin() + begin.
TEST(LrCurve, SuggestsTheRateWhereTheLossFallsMostSteeply) {
  const LrCurve curve = curve_with({2.0, 2.1, 1.9, 1.7, 1.2, 1.05, 0.9, 0.6, 0.7, 1.5, 3.0});
  EXPECT_EQ(curve.suggestion(0, 1), 1 + 3);
  EXPECT_EQ(curve.suggestion(2, 1), 1 + 3);
  EXPECT_EQ(curve.suggestion(5, 2), 1 + 6);
  EXPECT_EQ(curve.suggestion(6, 3), 1 + 6);
  EXPECT_EQ(curve_with({3, 1, 2, 1.5}).suggestion(0, 0), 1);  // at an end, by its one neighbour
}

TEST(LrCurve, HasNoSuggestionWithoutEnoughPointsOrAFall) {
  EXPECT_EQ(message_of<ValueError>([] {
              (void)curve_with({2, 1, 3}).suggestion(1, 1);
            }),
            "LrCurve::suggestion: of 3 points, 1 at the start and 1 at the end are left out: start "
            "from a lower min_lr or make more steps");
  EXPECT_EQ(message_of<ValueError>([] {
              (void)curve_with({1, 1, 3}).suggestion(0, 0);
            }),
            "LrCurve::suggestion: the loss falls nowhere between the rates 1 and 3: look at the "
            "curve, and try others");
  EXPECT_THROW((void)LrCurve{}.suggestion(), ValueError);
  EXPECT_THROW((void)curve_with({2, 1, 3}).suggestion(-1, 0), ValueError);
  LrCurve uneven = curve_with({2, 1, 3});
  uneven.lr.pop_back();
  EXPECT_EQ(message_of<ValueError>([&] { (void)uneven.suggestion(); }),
            "LrCurve::suggestion: there are 2 rates and 3 smoothed losses");
}

class LrCurveFile : public FolderTest {};

TEST_F(LrCurveFile, DrawsTheCurveAndTheSuggestion) {
  LrCurve curve;
  for (int i = 0; i < 20; ++i) {
    curve.lr.push_back(std::pow(10, -5 + 0.25 * i));
    curve.smoothed.push_back(i < 16 ? 4 - 0.01 * i * i : 8);
  }
  curve.write_svg(file("curve.svg"));
  const std::string svg = read_text(file("curve.svg"));
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("polyline class=\"loss\" points=\"56.0,"));  // the left end
  EXPECT_THAT(svg, HasSubstr(",28.0\"/>"));                               // 8 is at the top
  EXPECT_THAT(svg, HasSubstr(">1e-5</text>"));
  EXPECT_THAT(svg, HasSubstr(">1e-1</text>"));
  EXPECT_THAT(svg, Not(HasSubstr(">1e0</text>")));
  EXPECT_THAT(svg, HasSubstr("circle class=\"mark\""));

  curve_with({1, 2}).write_svg(file("short.svg"));
  EXPECT_THAT(read_text(file("short.svg")), Not(HasSubstr("circle class=\"mark\"")));
  EXPECT_THAT(read_text(file("short.svg")), Not(HasSubstr("nan")));
  curve_with({1}).write_svg(file("point.svg"));
  EXPECT_THAT(read_text(file("point.svg")), Not(HasSubstr("nan")));
}

TEST_F(LrCurveFile, RefusesToDrawNothingAndAFolderThatIsMissing) {
  EXPECT_EQ(message_of<ValueError>([&] { LrCurve{}.write_svg(file("a.svg")); }),
            "LrCurve::write_svg: the curve has no points");
  EXPECT_THAT(message_of<Error>([&] { curve_with({1}).write_svg(file("none/a.svg")); }),
              HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace gradus
