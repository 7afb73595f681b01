// What is silent in other libraries and hardly meant: warnings, each once.
#include <gmock/gmock.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/schedule/lr_scheduler.h>
#include <gradus/optim/sgd.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* all_frozen =
    "Adam: step() changes nothing: all its parameters are frozen: unfreeze some, or give it others";
constexpr const char* no_gradient =
    "Adam: step() changes nothing: no parameter has a gradient: call backward(), on a loss that "
    "depends on the parameters, between zero_grad() and step()";
constexpr const char* too_early =
    "LRScheduler: step() before the first step() of SGD, which never uses the rate of epoch 0: "
    "call "
    "the scheduler's step() after the optimizer's";

TEST(OptimizerWarning, SaysOnceThatAllParametersAreFrozen) {
  const CaughtWarnings caught;
  const NamedParameter a = named("a", ones({2})), b = named("b", ones({2}));
  Adam optimizer({a, b});
  a.parameter.set_grad(ones({2}));  // a stale gradient
  for (const NamedParameter& target : {a, b}) target.parameter.set_trainable(false);
  optimizer.step();
  optimizer.step();
  EXPECT_THAT(caught.messages(), ElementsAre(all_frozen));
  Adam other({b});
  other.step();
  EXPECT_THAT(caught.messages(), ElementsAre(all_frozen, all_frozen));
}

TEST(OptimizerWarning, SaysOnceThatNothingHasAGradient) {
  const CaughtWarnings caught;
  const NamedParameter a = named("a", ones({2})), b = named("b", ones({2}));
  Adam optimizer({a, b});
  b.parameter.set_trainable(false);
  b.parameter.set_grad(ones({2}));
  optimizer.step();
  optimizer.step();
  EXPECT_THAT(caught.messages(), ElementsAre(no_gradient));
  a.parameter.set_trainable(false);
  optimizer.step();  // which is something else
  EXPECT_THAT(caught.messages(), ElementsAre(no_gradient, all_frozen));
}

TEST(OptimizerWarning, IsNotGivenWhereSomethingIsDone) {
  const CaughtWarnings caught;
  const NamedParameter a = named("a", ones({2})), table = named("table", ones({3, 2}));
  SGD optimizer({a, table}, {.lr = 0.1});
  a.parameter.set_grad(ones({2}));
  optimizer.step();
  optimizer.zero_grad();
  table.parameter.set_grad(random_rows<float>({}, {3, 2}, 1));  // of a batch of padding
  optimizer.step();
  optimizer.zero_grad(/*set_to_none=*/false);
  optimizer.step();
  EXPECT_THAT(caught.messages(), IsEmpty());
}

TEST(OptimizerWarning, IsGivenByLBFGSToo) {
  const CaughtWarnings caught;
  const NamedParameter w = named("w", ones({2}));
  LBFGS optimizer({w});
  const auto step = [&] { optimizer.step([] { return zeros({}); }); };
  step();
  step();
  w.parameter.set_trainable(false);
  step();
  EXPECT_EQ(caught.messages().size(), 2U);
  EXPECT_EQ(caught.messages()[1].substr(0, 46), "LBFGS: step() changes nothing: all its paramet");
}

TEST(SchedulerWarning, SaysOnceThatItComesBeforeTheFirstStep) {
  const CaughtWarnings caught;
  SGD optimizer({named("w", ones({1}))});
  LRScheduler scheduler(optimizer, exponential_lr(0.5));
  scheduler.step();
  scheduler.step();
  EXPECT_THAT(caught.messages(), ElementsAre(too_early));
}

TEST(SchedulerWarning, IsNotGivenAfterAStepOrForARunThatGoesOn) {
  const CaughtWarnings caught;
  const NamedParameter w = named("w", ones({1}));
  SGD optimizer({w}), resumed({w});
  LRScheduler scheduler(optimizer, exponential_lr(0.5)), other(resumed, exponential_lr(0.5));
  w.parameter.set_grad(ones({1}));
  optimizer.step();
  other.load_state_dict(scheduler.state_dict());
  resumed.load_state_dict(optimizer.state_dict());
  scheduler.step();
  other.step();
  EXPECT_THAT(caught.messages(), IsEmpty());
}

// A handler that throws makes an error of a warning, which leaves everything as it was.
TEST(OptimizerWarning, ThatThrowsChangesNothing) {
  const NamedParameter w = named("w", ones({1}));
  SGD optimizer({w}, {.lr = 0.5});
  LRScheduler scheduler(optimizer, exponential_lr(0.5));
  const WarningHandler before =
      set_warning_handler([](std::string_view) { throw std::runtime_error("a warning"); });
  for (int twice = 0; twice < 2; ++twice) {
    EXPECT_THROW(scheduler.step(), std::runtime_error);
    EXPECT_THROW(optimizer.step(), std::runtime_error);
  }
  EXPECT_EQ(scheduler.epoch(), 0);
  EXPECT_EQ(optimizer.lr(), 0.5);
  w.parameter.set_grad(ones({1}));
  optimizer.step();
  scheduler.step();
  EXPECT_EQ(w.parameter.item(), 0.5);
  set_warning_handler(before);
}

}  // namespace
}  // namespace gradus
