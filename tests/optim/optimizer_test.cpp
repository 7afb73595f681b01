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
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/decay.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const DType f64 = DType::float64;

TEST(Optimizer, SkipsAFrozenParameterWhateverGradientItHolds) {
  const NamedParameter frozen = named("frozen", random_tensor({4, 3}, 1));
  const NamedParameter other = named("other", random_tensor({3}, 2));
  Adam optimizer({frozen, other}, {.lr = 0.1, .weight_decay = 0.5});
  const auto step = [&](unsigned seed) {
    other.parameter.set_grad(random_tensor({3}, seed));
    optimizer.step();
  };
  frozen.parameter.set_grad(random_tensor({4, 3}, 3));  // stays there: a stale gradient
  step(4);
  frozen.parameter.set_trainable(false);
  const std::uint64_t before = hash_of(frozen.parameter);
  const std::uint64_t moments = hash_of(optimizer.state_dict().at("frozen.exp_avg"));
  for (unsigned seed = 5; seed < 8; ++seed) {
    const std::uint64_t others = hash_of(other.parameter);
    step(seed);
    EXPECT_NE(hash_of(other.parameter), others);
  }
  EXPECT_EQ(hash_of(frozen.parameter), before);
  EXPECT_EQ(hash_of(optimizer.state_dict().at("frozen.exp_avg")), moments);

  frozen.parameter.set_trainable(true);
  step(8);
  EXPECT_NE(hash_of(frozen.parameter), before);
  EXPECT_EQ(optimizer.state_dict().metadata.at("parameter.frozen.steps"), "2");
  EXPECT_EQ(optimizer.state_dict().metadata.at("parameter.other.steps"), "5");
}

TEST(Optimizer, GoesOnWithWhatItKeptOnceAParameterIsUnfrozen) {
  const CaughtWarnings ignored;
  const NamedParameter paused = named("paused", tensor({1.0}));
  const NamedParameter steady = named("steady", tensor({1.0}));
  SGD a({paused}, {.lr = 0.1, .momentum = 0.9}), b({steady}, {.lr = 0.1, .momentum = 0.9});
  for (const double g : {0.5, -1.0, 2.0}) {
    paused.parameter.set_grad(tensor({g}));
    steady.parameter.set_grad(tensor({g}));
    a.step();
    b.step();
    paused.parameter.set_trainable(false);
    a.step();
    paused.parameter.set_trainable(true);
  }
  EXPECT_TRUE(same_bytes(paused.parameter, steady.parameter));
}

TEST(Optimizer, SkipsParametersWithoutGradient) {
  const CaughtWarnings ignored;
  const NamedParameter w = named("w", tensor({1.0, 2.0}));
  SGD optimizer({w}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5});
  optimizer.step();
  EXPECT_THAT(values_of(w.parameter), ElementsAre(1, 2));
  EXPECT_EQ(optimizer.state_dict().size(), 0u);
}

TEST(Optimizer, TakesGroupsWithOptionsOfTheirOwn) {
  const NamedParameter a = named("a", tensor({1.0})), b = named("b", tensor({1.0}));
  const NamedParameter c = named("c", tensor({1.0}));
  const std::vector<NamedParameter> params_a = {a}, params_b = {b};
  SGD optimizer({{params_a, {.lr = 0.5}}, {params_b, {.lr = 0.25}}});
  optimizer.add_group({c}, {.lr = 0.125, .weight_decay = 1});
  EXPECT_EQ(optimizer.num_groups(), 3);
  for (const NamedParameter& p : {a, b, c}) p.parameter.set_grad(tensor({1.0}));
  optimizer.step();
  EXPECT_EQ(a.parameter.item(), 0.5);
  EXPECT_EQ(b.parameter.item(), 0.75);
  EXPECT_EQ(c.parameter.item(), 0.75);
  EXPECT_EQ(optimizer.options(1).lr, 0.25);
  EXPECT_EQ(Adam({{params_a, {.lr = 0.5}}}).lr(), 0.5);
  EXPECT_EQ(AdamW({{params_a, {.lr = 0.5}}, {params_b, {}}}).lr(1), 1e-3);
}

TEST(Optimizer, DecaysMatricesAloneIfSplit) {
  const NamedParameter weight = named("weight", ones({2, 2}, f64)),
                       bias = named("bias", ones({2}, f64));
  const auto [decayed, exempt] = split_for_decay({bias, weight});
  AdamW optimizer({{decayed, {.lr = 0.5, .weight_decay = 0.25}}, {exempt, {.weight_decay = 0}}});
  weight.parameter.set_grad(zeros({2, 2}, f64));
  bias.parameter.set_grad(zeros({2}, f64));
  optimizer.step();
  EXPECT_THAT(values_of(weight.parameter), Each(0.875));
  EXPECT_THAT(values_of(bias.parameter), Each(1));
}

TEST(Optimizer, SetsTheLearningRateOfAllGroupsOrOfOne) {
  const NamedParameter a = named("a", tensor({1.0})), b = named("b", tensor({1.0}));
  SGD optimizer({{{a}, {.lr = 0.5}}, {{b}, {.lr = 0.25}}});
  optimizer.set_lr(0.125);
  EXPECT_EQ(optimizer.lr(0), 0.125);
  EXPECT_EQ(optimizer.lr(1), 0.125);
  optimizer.set_lr(1, 2);
  EXPECT_EQ(optimizer.lr(0), 0.125);
  EXPECT_EQ(optimizer.options(1).lr, 2);
  b.parameter.set_grad(tensor({0.5}));
  optimizer.step();
  EXPECT_EQ(b.parameter.item(), 0);

  EXPECT_EQ(message_of<ValueError>([&] { optimizer.set_lr(-1); }),
            "SGD: lr is -1, it must not be negative");
  EXPECT_EQ(message_of<IndexError>([&] { optimizer.set_lr(2, 0.1); }),
            "SGD: group 2 is outside [0, 2)");
  EXPECT_EQ(optimizer.lr(0), 0.125);
}

TEST(Optimizer, SetsOptionsOfAGroup) {
  const NamedParameter w = named("w", tensor({1.0}));
  SGD optimizer({w}, {.lr = 0.5});
  optimizer.set_options(0, {.lr = 0.25, .momentum = 0.5});
  EXPECT_EQ(optimizer.options().momentum, 0.5);
  EXPECT_THROW(optimizer.set_options(0, {.nesterov = true}), ValueError);
  EXPECT_EQ(optimizer.lr(), 0.25);
  EXPECT_THROW(optimizer.set_options(1, {}), IndexError);
}

TEST(Optimizer, RefusesListsThatMakeNoSense) {
  const NamedParameter a = named("a", tensor({1.0})), b = named("b", tensor({1.0}));
  const NamedParameter again{"tied.a", a.parameter};
  const NamedParameter same_path{"a", b.parameter};
  const auto message = [](const std::vector<NamedParameter>& parameters) {
    return message_of<ValueError>([&] { SGD(parameters, {.lr = 0.1}); });
  };
  EXPECT_EQ(message({}), "SGD: a list of parameters is empty: there is nothing to train");
  EXPECT_EQ(message({a, b, again}),
            "SGD: one parameter is listed twice, as a and as tied.a: list it once");
  EXPECT_EQ(message({a, same_path}),
            "SGD: two parameters are called a: rename one, since state is kept by path");
  EXPECT_THROW(SGD(std::vector<ParameterGroup<SGDOptions>>{}), ValueError);

  SGD optimizer({a}, {.lr = 0.1});
  EXPECT_THAT(message_of<ValueError>([&] {
                optimizer.add_group({b, again});
              }),
              HasSubstr("as a and as tied.a"));
  EXPECT_EQ(optimizer.num_groups(), 1);
  optimizer.add_group({b});  // the failed call added nothing

  const NamedParameter ids{"ids", Parameter(tensor({1, 2}))};
  EXPECT_EQ(message_of<DTypeError>([&] { SGD({ids}, {.lr = 0.1}); }),
            "SGD: parameter ids is int64, only float32 and float64 are trained");
}

TEST(Optimizer, DropsOrZeroesGradients) {
  const NamedParameter dense = named("dense", tensor({1.0, 2.0}));
  const NamedParameter sparse = named("sparse", ones({4, 2}, f64));
  const NamedParameter none = named("none", tensor({1.0}));
  SGD optimizer({dense, sparse, none}, {.lr = 0.1});
  const auto set = [&] {
    dense.parameter.set_grad(tensor({3.0, 4.0}));
    sparse.parameter.set_grad(random_rows({1, 3, 1}, {4, 2}, 1));
  };
  set();
  optimizer.zero_grad(false);
  EXPECT_THAT(values_of(dense.parameter.grad().dense()), Each(0));
  ASSERT_TRUE(sparse.parameter.grad().is_sparse());
  EXPECT_EQ(sparse.parameter.grad().sparse().nnz(), 0);
  EXPECT_EQ(sparse.parameter.grad().sparse().shape(), Shape({4, 2}));
  EXPECT_TRUE(none.parameter.grad().empty());
  set();
  dense.parameter.set_trainable(false);
  optimizer.zero_grad();
  EXPECT_TRUE(dense.parameter.grad().empty());
  EXPECT_TRUE(sparse.parameter.grad().empty());
}

TEST(Optimizer, KeepsItsStateWhenValuesAreReplaced) {
  const NamedParameter w = named("w", tensor({1.0}));
  SGD optimizer({w}, {.lr = 0.1, .momentum = 0.5});
  w.parameter.set_grad(tensor({1.0}));
  optimizer.step();
  {
    const NoGradGuard no_grad;
    w.parameter.copy_(tensor({5.0}));
  }
  optimizer.step();
  EXPECT_DOUBLE_EQ(w.parameter.item(), 5 - 0.1 * 1.5);
}

struct Net : Module {
  Net() : w(add_parameter("w", ones({2}))) {}
  const Parameter w;
};

TEST(Optimizer, FollowsAModelToAnotherDtype) {
  const Net net;
  Adam optimizer(net.parameters(), {.lr = 0.1});
  net.w.set_grad(tensor({1.0f, 2.0f}));
  optimizer.step();
  net.to(f64);
  net.w.set_grad(tensor({1.0, 2.0}));
  optimizer.step();
  EXPECT_EQ(optimizer.state_dict().at("w.exp_avg").dtype(), f64);
  for (const double w : values_of(net.w)) EXPECT_NEAR(w, 0.8, 1e-6);  // g is constant: lr a step
}

TEST(Optimizer, CanBeMovedButNotCopied) {
  static_assert(!std::is_copy_constructible_v<SGD> && !std::is_copy_assignable_v<Adam>);
  const NamedParameter w = named("w", tensor({1.0}));
  SGD first({w}, {.lr = 0.5, .momentum = 0.5});
  w.parameter.set_grad(tensor({1.0}));
  first.step();
  SGD moved(std::move(first));
  moved.step();
  EXPECT_EQ(w.parameter.item(), 1 - 0.5 - 0.5 * 1.5);
  SGD other({named("other", tensor({1.0}))});
  other = std::move(moved);
  EXPECT_EQ(other.lr(), 0.5);
}

// ---- state

struct Training {
  explicit Training(double lr = 0.1)
      : a(named("a", random_tensor({3, 2}, 1))),
        table(named("table", random_tensor({5, 2}, 2))),
        optimizer({{{a}, {.lr = lr, .amsgrad = true}}, {{table}, {.lr = lr, .lazy = true}}}) {}

  void steps(unsigned from, unsigned to) {
    for (unsigned step = from; step < to; ++step) {
      a.parameter.set_grad(random_tensor({3, 2}, 10 + step));
      table.parameter.set_grad(random_rows({step % 5, 3, 3}, {5, 2}, 20 + step));
      optimizer.step();
    }
  }

  StateDict copy() const {
    StateDict state;
    const StateDict own = optimizer.state_dict();
    for (const StateEntry& entry : own.entries()) state.set(entry.name, entry.tensor.clone());
    state.metadata = own.metadata;
    return state;
  }

  NamedParameter a, table;
  Adam optimizer;
};

void copy_weights(const Training& from, const Training& to) {
  const NoGradGuard no_grad;
  to.a.parameter.copy_(from.a.parameter);
  to.table.parameter.copy_(from.table.parameter);
}

void expect_same(const Training& a, const Training& b) {
  EXPECT_TRUE(same_bytes(a.a.parameter, b.a.parameter));
  EXPECT_TRUE(same_bytes(a.table.parameter, b.table.parameter));
}

TEST(OptimizerState, ResumesWithTheSameBits) {
  Training whole;
  whole.steps(0, 3);
  whole.optimizer.set_lr(1, 0.037);
  const StateDict saved = whole.copy();
  Training fresh(0.5), used(0.7);
  copy_weights(whole, fresh);
  used.steps(4, 6);
  copy_weights(whole, used);
  whole.steps(3, 7);

  fresh.optimizer.load_state_dict(saved);  // before the first step
  fresh.steps(3, 7);
  expect_same(fresh, whole);

  used.optimizer.load_state_dict(saved);  // after some, and twice
  used.optimizer.load_state_dict(saved);
  EXPECT_EQ(used.optimizer.lr(0), 0.1);
  EXPECT_EQ(used.optimizer.lr(1), 0.037);
  EXPECT_TRUE(used.optimizer.options(0).amsgrad);
  used.steps(3, 7);
  expect_same(used, whole);
}

TEST(OptimizerState, IsCopiedByLoading) {
  Training a, b;
  a.steps(0, 2);
  const StateDict saved = a.optimizer.state_dict();
  b.optimizer.load_state_dict(saved);
  const Tensor before = saved.at("a.exp_avg").clone();
  b.steps(2, 3);
  EXPECT_TRUE(same_bytes(saved.at("a.exp_avg"), before));
}

TEST(OptimizerState, NamesTensorsByPath) {
  Training run;
  run.steps(0, 2);
  std::vector<std::string> names;
  const StateDict state = run.optimizer.state_dict();
  for (const StateEntry& entry : state.entries()) names.push_back(entry.name);
  EXPECT_THAT(names, ElementsAre("a.exp_avg", "a.exp_avg_sq", "a.max_exp_avg_sq", "table.exp_avg",
                                 "table.exp_avg_sq"));
  EXPECT_EQ(state.metadata.at("optimizer"), "Adam");
  EXPECT_EQ(state.metadata.at("group.1.lazy"), "true");
  EXPECT_EQ(state.metadata.at("group.0.betas.1"), "0.999");
  EXPECT_EQ(state.metadata.at("parameter.table.steps"), "2");
}

TEST(OptimizerState, DropsWhatALoadedStateLacks) {
  Training run;
  const StateDict at_start = run.copy();
  run.steps(0, 2);
  run.optimizer.load_state_dict(at_start);
  EXPECT_EQ(run.optimizer.state_dict().size(), 0u);
  EXPECT_EQ(run.optimizer.state_dict().metadata, at_start.metadata);
}

TEST(OptimizerState, OfAnOlderFileNamesTheClassInAnotherWay) {
  const NamedParameter w = named("w", tensor({1.0}));
  SparseAdam optimizer({w});
  StateDict state = optimizer.state_dict();
  EXPECT_EQ(state.metadata.at("optimizer"), "SparseAdam");
  state.metadata["optimizer"] = "sparse_adam";
  state.metadata["group.0.lr"] = "0.5";
  optimizer.load_state_dict(state);
  EXPECT_EQ(optimizer.lr(), 0.5);
  state.metadata["optimizer"] = "adam";
  EXPECT_EQ(message_of<Error>([&] { optimizer.load_state_dict(state); }),
            "load_state_dict: the state is that of adam, not of SparseAdam");
}

TEST(OptimizerState, IsNotThatOfAModelNorTheOtherWayRound) {
  const Net net;
  Adam optimizer(net.parameters(), {.lr = 0.1});
  net.w.set_grad(tensor({1.0f, 2.0f}));
  optimizer.step();
  const StateDict before = optimizer.state_dict();
  EXPECT_EQ(message_of<Error>([&] { optimizer.load_state_dict(net.state_dict()); }),
            "load_state_dict: the state is that of a model, not of an optimizer: pass what "
            "state_dict() of an optimizer returned");
  EXPECT_EQ(message_of<Error>([&] { optimizer.load_state_dict({}); }),
            "load_state_dict: the state is empty, not that of an optimizer");
  EXPECT_EQ(optimizer.state_dict().metadata, before.metadata);
  for (const bool strict : {true, false}) {
    EXPECT_EQ(message_of<Error>([&] { net.load_state_dict(before, {.strict = strict}); }),
              "load_state_dict: the state is that of an optimizer, not of a model: pass what "
              "state_dict() of a model returned");
  }
}

// Every optimizer opens its messages with the name of its class.
template <class Optimizer, class Options>
void expect_named(const std::string& name) {
  Options options;
  options.lr = -1;
  EXPECT_EQ(message_of<ValueError>([&] { Optimizer({named("w", ones({1}))}, options); }),
            name + ": lr is -1, it must not be negative");
  Optimizer optimizer({named("w", ones({1}))});
  EXPECT_EQ(message_of<ValueError>([&] { optimizer.set_lr(-1); }),
            name + ": lr is -1, it must not be negative");
  EXPECT_EQ(optimizer.state_dict().metadata.at("optimizer"), name);
}

TEST(Optimizer, IsCalledByItsClassInMessages) {
  expect_named<SGD, SGDOptions>("SGD");
  expect_named<Adam, AdamOptions>("Adam");
  expect_named<AdamW, AdamWOptions>("AdamW");
  expect_named<SparseAdam, SparseAdamOptions>("SparseAdam");
  expect_named<Adagrad, AdagradOptions>("Adagrad");
  expect_named<RowwiseAdagrad, RowwiseAdagradOptions>("RowwiseAdagrad");
  expect_named<RMSprop, RMSpropOptions>("RMSprop");
  expect_named<Adadelta, AdadeltaOptions>("Adadelta");
  expect_named<Adamax, AdamaxOptions>("Adamax");
  expect_named<NAdam, NAdamOptions>("NAdam");
  expect_named<RAdam, RAdamOptions>("RAdam");
  expect_named<Lion, LionOptions>("Lion");
  expect_named<Adafactor, AdafactorOptions>("Adafactor");
  expect_named<Muon, MuonOptions>("Muon");
  expect_named<LBFGS, LBFGSOptions>("LBFGS");
}

// Loading must throw Error and leave the optimizer as it was.
template <class Error>
std::string refusal(const StateDict& state) {
  Training run;
  run.steps(0, 1);
  const StateDict before = run.copy();
  std::string message = message_of<Error>([&] { run.optimizer.load_state_dict(state); });
  const StateDict after = run.optimizer.state_dict();
  EXPECT_EQ(after.metadata, before.metadata);
  for (const StateEntry& entry : before.entries()) {
    EXPECT_TRUE(same_bytes(after.at(entry.name), entry.tensor)) << entry.name;
  }
  return message;
}

TEST(OptimizerState, RefusesAStateThatDoesNotFit) {
  Training run(0.9);
  run.steps(0, 2);
  const StateDict good = run.copy();

  StateDict state = good;
  state.set("a.exp_avg_sq", zeros({3, 4}, f64));
  EXPECT_EQ(refusal<ShapeError>(state),
            "load_state_dict: a.exp_avg_sq is [3, 4], its parameter is [3, 2]");
  state = good;
  state.set("table.exp_avg", zeros({5, 2}));
  EXPECT_EQ(refusal<DTypeError>(state),
            "load_state_dict: table.exp_avg is float32, its parameter is float64: convert one with "
            "to()");
  state = good;
  state.set("b.exp_avg", zeros({7}, f64));
  state.metadata.erase("parameter.a.group");
  state.metadata["parameter.c.group"] = "0";
  state.metadata["parameter.table.group"] = "0";
  EXPECT_EQ(
      refusal<Error>(state),
      "load_state_dict: the state is not that of this Adam: missing in the state: [a [3, 2]]; "
      "unexpected in it: [c, a.exp_avg [3, 2], a.exp_avg_sq [3, 2], a.max_exp_avg_sq [3, 2], "
      "b.exp_avg [7]]; in another group: [table (0 in the state, 1 here)]: give it the "
      "parameters and groups that were saved");
  state.set("table.exp_avg", zeros({5, 3}, f64));
  state.set("table.exp_avg_sq", zeros({5, 2}));
  EXPECT_THAT(refusal<ShapeError>(state),
              testing::AllOf(HasSubstr("missing in the state: [a [3, 2]]; unexpected in it: [c, "),
                             HasSubstr("; table.exp_avg is [5, 3], its parameter is [5, 2]; "
                                       "table.exp_avg_sq is float32, its parameter is float64: "
                                       "convert one with to(): give it the parameters")));
  state = good;
  state.metadata["parameter.c.group"] = "0";
  EXPECT_EQ(refusal<Error>(state),
            "load_state_dict: the state is not that of this Adam: unexpected in it: [c]: give it "
            "the parameters and groups that were saved");
  state = good;
  state.metadata["optimizer"] = "SGD";
  EXPECT_EQ(refusal<Error>(state), "load_state_dict: the state is that of SGD, not of Adam");
  state = good;
  state.metadata["group.1.lr"] = "fast";
  EXPECT_EQ(refusal<FormatError>(state), "load_state_dict: 'group.1.lr' is 'fast', not a number");
  state.metadata["group.1.lr"] = "-3";
  EXPECT_EQ(refusal<ValueError>(state), "Adam: lr is -3, it must not be negative");
  state.metadata.erase("group.1.lr");
  EXPECT_EQ(refusal<FormatError>(state), "load_state_dict: the state has no 'group.1.lr'");

  StateDict lacking;
  lacking.metadata = good.metadata;
  EXPECT_EQ(refusal<Error>(lacking),
            "load_state_dict: missing in the state: [a.exp_avg [3, 2], a.exp_avg_sq [3, 2], "
            "a.max_exp_avg_sq [3, 2], table.exp_avg [5, 2], table.exp_avg_sq [5, 2]]");
}

TEST(Optimizer, NamesAParameterThatIsUndefined) {
  EXPECT_THAT(
      [] {
        Adam({named("w", ones({1})), NamedParameter{"v", Parameter(Tensor())}});
      },
      testing::ThrowsMessage<Error>(HasSubstr("parameter v is an undefined tensor")));
}

TEST(Optimizer, ThrowsFromEveryFunctionOnceItWasMovedFrom) {
  const NamedParameter w = named("w", random_tensor({3}, 1)), v = named("v", random_tensor({3}, 2));
  Adam optimizer({w});
  Adam moved = std::move(optimizer);
  const RowPlan plan{tensor({0, 1, 2}), random_tensor({3}, 3)};
  const std::vector<std::pair<std::string, std::function<void()>>> uses{
      // NOLINTBEGIN(bugprone-use-after-move): what is tested
      {"step", [&] { optimizer.step(); }},
      {"zero_grad", [&] { optimizer.zero_grad(); }},
      {"num_groups", [&] { (void)optimizer.num_groups(); }},
      {"lr", [&] { (void)optimizer.lr(); }},
      {"set_lr", [&] { optimizer.set_lr(1); }},
      {"set_lr of a group", [&] { optimizer.set_lr(0, 1); }},
      {"option", [&] { (void)optimizer.option("lr"); }},
      {"set_option", [&] { optimizer.set_option("lr", 1); }},
      {"has_option", [&] { (void)optimizer.has_option("lr"); }},
      {"options", [&] { (void)optimizer.options(); }},
      {"set_options", [&] { optimizer.set_options(0, {}); }},
      {"add_group", [&] { optimizer.add_group({v}); }},
      {"state_dict", [&] { (void)optimizer.state_dict(); }},
      {"load_state_dict", [&] { optimizer.load_state_dict(moved.state_dict()); }},
      {"follow_rows", [&] { (void)optimizer.follow_rows(w.parameter, plan); }},
      // NOLINTEND(bugprone-use-after-move)
  };
  const auto refuses = testing::ThrowsMessage<Error>(
      HasSubstr(": this object was moved from: use the one that it was moved to"));
  for (const auto& [what, use] : uses) EXPECT_THAT(use, refuses) << what;
  w.parameter.set_grad(random_tensor({3}, 4));
  EXPECT_NO_THROW(moved.step());
  optimizer = std::move(moved);  // which makes it one again
  EXPECT_NO_THROW(optimizer.step());
  EXPECT_THAT([&] { moved.step(); }, refuses);  // NOLINT(bugprone-use-after-move)
}

// What row-wise Adagrad keeps has another shape than the parameter.
TEST(OptimizerState, NamesTheShapeThatIsNeeded) {
  const NamedParameter table = named("table", ones({5, 2}, f64));
  RowwiseAdagrad optimizer({table});
  table.parameter.set_grad(ones({5, 2}, f64));
  optimizer.step();
  StateDict state = optimizer.state_dict();
  state.set("table.row_sum", ones({5, 2}, f64));
  EXPECT_EQ(message_of<ShapeError>([&] { optimizer.load_state_dict(state); }),
            "load_state_dict: table.row_sum is [5, 2], [5] is needed, its parameter is [5, 2]");
}

}  // namespace
}  // namespace gradus
