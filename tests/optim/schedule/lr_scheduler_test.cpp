#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/adafactor.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/lion.h>
#include <gradus/optim/muon.h>
#include <gradus/optim/nadam.h>
#include <gradus/optim/radam.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/schedule/lr_scheduler.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

// The rates in force, from before the first step on, of a group of rate 0.1.
std::vector<double> rates(const Schedule& schedule, int n) {
  const NamedParameter w = named("w", ones({1}));
  SGD optimizer({w}, {.lr = 0.1});
  LRScheduler scheduler(optimizer, schedule);
  step_with_zeros(optimizer, {w});
  std::vector<double> result{optimizer.lr()};
  while (--n > 0) {
    scheduler.step();
    result.push_back(optimizer.lr());
  }
  return result;
}

void expect_rates(const Schedule& schedule, const std::vector<double>& expected) {
  EXPECT_THAT(rates(schedule, static_cast<int>(expected.size())),
              Pointwise(DoubleNear(1e-8), expected));
}

// Sequences of PyTorch 1.13.
TEST(LRScheduler, FollowsTheTableOfKnownSequences) {
  expect_rates(step_lr(3, 0.5), {.1, .1, .1, .05, .05, .05, .025});
  expect_rates(multi_step_lr({2, 2, 5}, 0.1), {.1, .1, .001, .001, .001, .0001});
  expect_rates(exponential_lr(0.9), {.1, .09, .081, .0729});
  expect_rates(cosine_annealing_lr(5, 0.01),
               {.1, .09140576, .06890576, .04109424, .01859424, .01, .01859424});
  expect_rates(cosine_annealing_warm_restarts(3, 2, 0.01),
               {.1, .0775, .0325, .1, .09397114, .0775, .055, .0325, .01602886, .1});
  expect_rates(cosine_annealing_warm_restarts(3, 1, 0.01), {.1, .0775, .0325, .1, .0775});
  expect_rates(linear_lr(), {.1 / 3, .14 / 3, .06, .22 / 3, .26 / 3, .1, .1});
  expect_rates(constant_lr(1.0 / 3, 3), {.1 / 3, .1 / 3, .1 / 3, .1, .1});
  expect_rates(polynomial_lr(4, 2), {.1, .05625, .025, .00625, 0, 0});
  expect_rates(sequential_lr({linear_lr(0.1, 1, 4), exponential_lr(0.9)}, {4}),
               {.01, .0325, .055, .0775, .1, .09, .081});
  expect_rates(linear_warmup(4), {.025, .05, .075, .1, .1});
  expect_rates(lambda_lr([](std::int64_t e) { return 1.0 / static_cast<double>(e + 1); }),
               {.1, .05, .1 / 3, .025});
}

TEST(LRScheduler, RefusesAScheduleWithoutAFunction) {
  const NamedParameter w = named("w", tensor({1.0}));
  SGD optimizer({w}, {.lr = 0.1});
  EXPECT_EQ(message_of<ValueError>([&] { LRScheduler(optimizer, Schedule{}); }),
            "LRScheduler: the schedule has no function lr");
  EXPECT_EQ(message_of<ValueError>([&] {
              sequential_lr({constant_lr(), Schedule{}}, {5});
            }),
            "sequential_lr: a schedule has no function lr");
}

TEST(LRScheduler, ThrowsFromEveryFunctionOnceItWasMovedFrom) {
  const NamedParameter w = named("w", tensor({1.0}));
  SGD optimizer({w}, {.lr = 0.1});
  LRScheduler scheduler(optimizer, constant_lr());
  ReduceLROnPlateau plateau(optimizer);
  LRScheduler moved = std::move(scheduler);
  ReduceLROnPlateau other = std::move(plateau);
  const std::vector<std::pair<const char*, std::function<void()>>> uses{
      // NOLINTBEGIN(bugprone-use-after-move): what is tested
      {"LRScheduler", [&] { scheduler.step(); }},
      {"LRScheduler", [&] { (void)scheduler.epoch(); }},
      {"LRScheduler", [&] { (void)scheduler.lr(); }},
      {"LRScheduler", [&] { (void)scheduler.state_dict(); }},
      {"LRScheduler", [&] { scheduler.load_state_dict(moved.state_dict()); }},
      {"ReduceLROnPlateau", [&] { plateau.step(1); }},
      {"ReduceLROnPlateau", [&] { (void)plateau.lr(); }},
      {"ReduceLROnPlateau", [&] { (void)plateau.state_dict(); }},
      {"ReduceLROnPlateau", [&] { plateau.load_state_dict(other.state_dict()); }},
      // NOLINTEND(bugprone-use-after-move)
  };
  for (const auto& [name, use] : uses) {
    EXPECT_EQ(message_of<Error>(use),
              std::string(name) + ": this object was moved from: use the one that it was moved to");
  }
  EXPECT_EQ(moved.epoch(), 0);
  other.step(1);
}

TEST(Schedules, HaveARateForEveryEpoch) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(linear_warmup(5).lr(1, most), 1);
  EXPECT_NEAR(noam_lr(1, 1).lr(1, most), std::pow(2, -31.5), 1e-20);
  for (const std::int64_t mult : {1, 2, 3, 1 << 30}) {
    for (const std::int64_t e : {most, most - 1, most / 2 + 1}) {
      const double rate = cosine_annealing_warm_restarts(1, mult).lr(1, e);
      EXPECT_TRUE(rate >= 0 && rate <= 1) << mult << ' ' << e << ' ' << rate;
    }
  }
  EXPECT_EQ(cosine_annealing_warm_restarts(1, 2).lr(1, most), 1);  // 2^63 - 1 begins a cycle
  Schedule long_one = constant_lr();
  long_one.last = most - 1;
  EXPECT_EQ(sequential_lr({constant_lr(), long_one}, {5}).last, most);
}

TEST(LRScheduler, MultipliesRatesByWhatEachEpochGives) {
  const auto third = [](std::int64_t e) { return e == 3 ? 0.5 : 0.9; };
  expect_rates(multiplicative_lr(third), {.1, .09, .081, .0405, .03645});
  const Schedule schedule = multiplicative_lr(third);
  const double late = schedule.lr(0.1, 40);  // in whatever order it is asked
  EXPECT_EQ(schedule.lr(0.1, 3), 0.1 * (0.9 * 0.9 * 0.5));
  EXPECT_EQ(schedule.lr(0.1, 40), late);
  EXPECT_EQ(message_of<ValueError>([] { multiplicative_lr(nullptr); }),
            "multiplicative_lr: the function is empty");
}

// A group that was added since the last step is seen at the next, also by a run that was resumed.
TEST(LRScheduler, GoesOnWithAGroupThatWasJustAdded) {
  const NamedParameter a = named("a", ones({1}));
  SGD first({a}, {.lr = 0.1}), second({a}, {.lr = 0.1});
  LRScheduler whole(first, exponential_lr(0.5)), resumed(second, exponential_lr(0.5));
  step_with_zeros(first, {a});
  whole.step();
  first.add_group({named("b", ones({1}))}, {.lr = 0.8});
  second.add_group({named("b", ones({1}))}, {.lr = 0.8});
  resumed.load_state_dict(whole.state_dict());
  EXPECT_EQ(resumed.lr(), (std::vector<double>{0.05, 0.8}));
  whole.step();
  resumed.step();
  EXPECT_EQ(resumed.lr(), whole.lr());
  EXPECT_EQ(whole.lr(), (std::vector<double>{0.025, 0.2}));
}

TEST(LRScheduler, GivesNoamItsPeakAtTheEndOfTheWarmUp) {
  const double d = 1 / std::sqrt(512.0);
  expect_rates(noam_lr(512, 2), {.1 * d * std::pow(2, -1.5), .1 * d / std::sqrt(2.0),
                                 .1 * d / std::sqrt(3.0), .1 * d / 2});
}

TEST(OneCycle, FollowsTheTableOfKnownSequences) {
  const OneCycleOptions options{.max_lr = 1, .total_steps = 10, .cycle_momentum = false};
  expect_rates(one_cycle_lr(options), {.04, .52, 1, .95048463, .81174565, .61126202, .38874198,
                                       .18825835, .04951937, 4e-6});
  OneCycleOptions three = options;
  three.linear = three.three_phase = true;
  expect_rates(one_cycle_lr(three),
               {.04, .52, 1, .52, .04, .0320008, .0240016, .0160024, .0080032, 4e-6});
}

TEST(OneCycle, MovesTheMomentumOrBeta1AgainstTheRate) {
  const NamedParameter w = named("w", ones({1}));
  Adam adam({w});
  LRScheduler of_adam(adam, one_cycle_lr({.max_lr = 1, .total_steps = 10}));
  SGD sgd({w}, {.momentum = 0.5});
  LRScheduler of_sgd(sgd, one_cycle_lr({.max_lr = 1, .total_steps = 10}));
  step_with_zeros(adam, {w});
  step_with_zeros(sgd, {w});
  std::vector<double> seen;
  for (int step = 0; step < 10; ++step) {
    EXPECT_EQ(adam.options().betas[0], sgd.options().momentum);
    seen.push_back(sgd.options().momentum);
    of_adam.step();
    of_sgd.step();
  }
  EXPECT_NEAR(seen[0], 0.95, 1e-12);
  EXPECT_NEAR(seen[1], 0.9, 1e-12);
  EXPECT_NEAR(seen[2], 0.85, 1e-12);
  EXPECT_NEAR(seen[3], 0.854952, 1e-6);
  EXPECT_NEAR(seen[9], 0.95, 1e-12);
  EXPECT_EQ(message_of<ValueError>([&] { of_sgd.step(); }),
            "LRScheduler: step 11: the schedule has 10 steps");
}

TEST(LRScheduler, KeepsTheRatiosOfGroupsAndTakesOneThatIsAdded) {
  const NamedParameter a = named("a", ones({1})), b = named("b", ones({1}));
  SGD optimizer({{{a}, {.lr = 0.1}}, {{b}, {.lr = 1}}});
  LRScheduler scheduler(optimizer, exponential_lr(0.5));
  step_with_zeros(optimizer, {a, b});
  scheduler.step();
  EXPECT_THAT(scheduler.lr(), ElementsAre(0.05, 0.5));
  optimizer.add_group({named("c", ones({1}))}, {.lr = 8});
  scheduler.step();
  EXPECT_THAT(scheduler.lr(), ElementsAre(0.025, 0.25, 2));
}

TEST(LRScheduler, ResumesFromItsState) {
  const std::vector<Schedule> all = {
      step_lr(3, 0.5),
      multi_step_lr({2, 5}),
      exponential_lr(0.9),
      constant_lr(),
      linear_lr(),
      polynomial_lr(9),
      cosine_annealing_lr(5),
      cosine_annealing_warm_restarts(2, 2),
      linear_warmup(4),
      noam_lr(16, 3),
      sequential_lr({linear_warmup(3), step_lr(2)}, {3}),
      one_cycle_lr({.max_lr = 1, .total_steps = 12}),
      lambda_lr([](std::int64_t e) { return static_cast<double>(e) * 0.3; })};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const NamedParameter w = named("w", ones({1}));
    SGD a({w}, {.lr = 0.1, .momentum = 0.5});
    LRScheduler whole(a, all[i]);
    step_with_zeros(a, {w});
    for (int step = 0; step < 4; ++step) whole.step();
    const StateDict saved = whole.state_dict(), options = a.state_dict();
    SGD b({w}, {.lr = 7, .momentum = 0.1});
    LRScheduler resumed(b, all[i]);
    b.load_state_dict(options);
    resumed.load_state_dict(saved);
    resumed.load_state_dict(saved);
    for (int step = 0; step < 6; ++step) {
      EXPECT_EQ(a.lr(), b.lr()) << i;
      EXPECT_EQ(a.options().momentum, b.options().momentum) << i;
      whole.step();
      resumed.step();
    }
  }
}

TEST(LRScheduler, RefusesWhatMakesNoSense) {
  SGD two({{{named("a", ones({1}))}, {}}, {{named("b", ones({1}))}, {}}});
  SGD one({named("w", ones({1}))});
  LRScheduler scheduler(one, step_lr(2));
  EXPECT_EQ(message_of<Error>(
                [&] { scheduler.load_state_dict(LRScheduler(two, step_lr(2)).state_dict()); }),
            "load_state_dict: the scheduler's state is of 2 groups, there are 1");
  EXPECT_EQ(message_of<Error>([&] { scheduler.load_state_dict(one.state_dict()); }),
            "load_state_dict: the state is that of an optimizer, not of an LRScheduler: pass what "
            "state_dict() of an LRScheduler returned");
  EXPECT_EQ(message_of<ValueError>([] { step_lr(0); }),
            "step_lr: step_size is 0, it must be at least 1");
  EXPECT_EQ(message_of<ValueError>([] { one_cycle_lr({}); }),
            "one_cycle_lr: total_steps is 0, it must be at least 1");
  EXPECT_EQ(message_of<ValueError>([] { sequential_lr({step_lr(1)}, {3}); }),
            "sequential_lr: 1 schedules and 1 milestones: there must be one milestone fewer");
  EXPECT_EQ(message_of<ValueError>([] {
              sequential_lr({step_lr(1), step_lr(1)}, {0});
            }),
            "sequential_lr: milestone 0 after 0: they must increase");
}

TEST(ReduceLROnPlateau, RefusesAStateThatIsNotItsOwn) {
  SGD optimizer({named("w", ones({1}))}, {.lr = 0.1});
  ReduceLROnPlateau plateau(optimizer);
  plateau.step(0.5);
  StateDict state = plateau.state_dict();
  const Metadata before = state.metadata;
  EXPECT_EQ(
      message_of<Error>(
          [&] { plateau.load_state_dict(LRScheduler(optimizer, step_lr(2)).state_dict()); }),
      "load_state_dict: the state is that of an LRScheduler, not of a ReduceLROnPlateau: pass "
      "what state_dict() of a ReduceLROnPlateau returned");
  EXPECT_EQ(message_of<Error>([&] { plateau.load_state_dict({}); }),
            "load_state_dict: the state is empty, not that of a ReduceLROnPlateau");
  state.metadata["plateau.bad"] = "-1";
  EXPECT_THROW(plateau.load_state_dict(state), FormatError);
  state.metadata["plateau.bad"] = "1";
  state.metadata["plateau.best"] = "nan";
  EXPECT_THROW(plateau.load_state_dict(state), FormatError);
  EXPECT_EQ(plateau.state_dict().metadata, before);
}

TEST(ReduceLROnPlateau, RefusesTheStateOfTheOtherDirection) {
  SGD optimizer({named("w", ones({1}))}, {.lr = 0.1});
  ReduceLROnPlateau less(optimizer), more(optimizer, {.maximize = true});
  less.step(0.3);
  EXPECT_EQ(message_of<ValueError>([&] { more.load_state_dict(less.state_dict()); }),
            "load_state_dict: the state is that of a ReduceLROnPlateau with maximize = false, not "
            "true: its best value would be the worst here");
  EXPECT_THROW(less.load_state_dict(more.state_dict()), ValueError);
  StateDict older = less.state_dict();
  older.metadata.erase("plateau.maximize");
  EXPECT_NO_THROW(less.load_state_dict(older));
}

std::vector<double> plateau(const PlateauOptions& options, const std::vector<double>& metrics) {
  SGD optimizer({named("w", ones({1}))}, {.lr = 0.1});
  ReduceLROnPlateau scheduler(optimizer, options);
  std::vector<double> result;
  for (const double metric : metrics) {
    scheduler.step(metric);
    result.push_back(optimizer.lr());
    const StateDict state = scheduler.state_dict();  // resumes at each step
    scheduler = ReduceLROnPlateau(optimizer, options);
    scheduler.load_state_dict(state);
  }
  return result;
}

TEST(ReduceLROnPlateau, HalvesOncePatienceIsOver) {
  EXPECT_THAT(plateau({.factor = 0.5, .patience = 2, .cooldown = 1},
                      {1, .9, .9, .9, .9, .9, .9, .9, .9, .9}),
              ElementsAre(.1, .1, .1, .1, .05, .05, .05, .05, .025, .025));
  EXPECT_THAT(plateau({.factor = 0.5, .patience = 0}, {1, std::nan(""), 0.5, 0.49999}),
              ElementsAre(.1, .05, .05, .025));  // NaN is bad; 0.49999 is not better by 1e-4
  EXPECT_THAT(plateau({.maximize = true,
                       .factor = 0.5,
                       .patience = 0,
                       .threshold = 0.1,
                       .absolute = true,
                       .min_lr = 0.04},
                      {1, 1.05, 1.2, 1.25, 1.25}),
              ElementsAre(.1, .05, .05, .04, .04));
}

// With a threshold of 0.1 and a best of -10 that is to fall, only what is below -11 is better.
TEST(ReduceLROnPlateau, MeasuresARelativeThresholdByTheMagnitudeOfTheBest) {
  const PlateauOptions falls{.factor = 0.5, .patience = 0, .threshold = 0.1};
  EXPECT_THAT(plateau(falls, {-10, -9.5, -10.5, -11.5}), ElementsAre(.1, .05, .025, .025));
  EXPECT_THAT(plateau(falls, {10, 9.5, 8.5}), ElementsAre(.1, .05, .05));
  EXPECT_THAT(plateau(falls, {0, 0, -1e-9}), ElementsAre(.1, .05, .05));
  EXPECT_THAT(plateau(falls, {1, -1, -1.05, -1.2}), ElementsAre(.1, .1, .05, .05));
  PlateauOptions rises = falls;
  rises.maximize = true;
  EXPECT_THAT(plateau(rises, {-10, -10.5, -9.5, -8.5}), ElementsAre(.1, .05, .025, .025));
  EXPECT_THAT(plateau(rises, {10, 10.5, 11.5}), ElementsAre(.1, .05, .05));
}

// 0.25 is exact, so that the bound is too: what only reaches it is not better.
TEST(ReduceLROnPlateau, WantsMoreThanTheThreshold) {
  PlateauOptions options{.factor = 0.5, .patience = 0, .threshold = 0.25};
  EXPECT_THAT(plateau(options, {-8, -10}), ElementsAre(.1, .05));
  EXPECT_THAT(plateau(options, {8, 6}), ElementsAre(.1, .05));
  options.absolute = true;
  EXPECT_THAT(plateau(options, {-8, -8.25, -8.5}), ElementsAre(.1, .05, .05));
  options.maximize = true;
  EXPECT_THAT(plateau(options, {-8, -7.75, -7.5}), ElementsAre(.1, .05, .05));
}

TEST(Optimizer, SetsAnyOptionByName) {
  Adam optimizer({named("w", ones({1}))});
  optimizer.set_option("betas.1", 0.5);
  optimizer.set_option("amsgrad", 1);
  EXPECT_EQ(optimizer.options().betas[1], 0.5);
  EXPECT_TRUE(optimizer.options().amsgrad);
  EXPECT_EQ(optimizer.option("amsgrad"), 1);
  EXPECT_EQ(message_of<ValueError>([&] { optimizer.set_option("eps", -1); }),
            "Adam: eps is -1, it must not be negative");
  EXPECT_EQ(optimizer.options().eps, 1e-8);
  EXPECT_EQ(
      message_of<ValueError>([&] { optimizer.set_option("rho", 1); }),
      "Adam: there is no option rho: the options are lr, betas.0, betas.1, eps, weight_decay, "
      "amsgrad, lazy, maximize");
}

// Sets each flag of an optimizer to 1 and to what is no flag. Gives the names of the flags.
template <class Optimizer>
std::vector<std::string> set_flags() {
  Optimizer optimizer({named("w", ones({2, 2}))});
  if (optimizer.has_option("momentum")) optimizer.set_option("momentum", 0.5);  // for nesterov
  std::vector<std::string> flags;
  const std::string group = "group.0.";
  for (const auto& [key, text] : optimizer.state_dict().metadata) {
    if (key.starts_with(group) && (text == "true" || text == "false")) {
      flags.push_back(key.substr(group.size()));
    }
  }
  for (const std::string& flag : flags) {
    optimizer.set_option(flag, 1);
    for (const double value : {2.0, -1.0, 0.5, 1e300, std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(), std::nan("")}) {
      EXPECT_THAT(message_of<ValueError>([&] { optimizer.set_option(flag, value); }),
                  HasSubstr(": " + flag + " is "));
      EXPECT_EQ(optimizer.option(flag), 1);
    }
    optimizer.set_option(flag, 0);
    EXPECT_EQ(optimizer.option(flag), 0);
    EXPECT_THROW(optimizer.set_option(flag, 2), ValueError);
    EXPECT_EQ(optimizer.option(flag), 0);
  }
  return flags;
}

TEST(Optimizer, TakesOnlyZeroAndOneForAFlag) {
  EXPECT_THAT(set_flags<SGD>(), ElementsAre("nesterov", "maximize"));
  EXPECT_THAT(set_flags<Adam>(), ElementsAre("amsgrad", "lazy", "maximize"));
  EXPECT_THAT(set_flags<AdamW>(), ElementsAre("amsgrad", "lazy", "maximize"));
  EXPECT_THAT(set_flags<RMSprop>(), ElementsAre("centered", "maximize"));
  EXPECT_THAT(set_flags<NAdam>(), ElementsAre("decoupled_weight_decay", "maximize"));
  EXPECT_THAT(set_flags<RAdam>(), ElementsAre("decoupled_weight_decay", "maximize"));
  EXPECT_THAT(set_flags<LBFGS>(), ElementsAre("strong_wolfe", "maximize"));
  for (const auto& flags : {set_flags<Adagrad>(), set_flags<Adadelta>(), set_flags<Adamax>(),
                            set_flags<SparseAdam>(), set_flags<Adafactor>()}) {
    EXPECT_THAT(flags, ElementsAre("maximize"));
  }
  EXPECT_THAT(set_flags<RowwiseAdagrad>(), ElementsAre());
  EXPECT_THAT(set_flags<Lion>(), ElementsAre());
  EXPECT_THAT(set_flags<Muon>(),
              ElementsAre("nesterov", "match_rms_adamw", "spectral_unclamped", "adamw"));
}

}  // namespace
}  // namespace gradus
