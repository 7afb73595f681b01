#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/schedule/lr_scheduler.h>
#include <gradus/optim/training/checkpoint.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

// sum a (w - b)^2 / 2 over all parameters: a bowl with its minimum at b.
struct Bowl {
  explicit Bowl(std::vector<NamedParameter> p) : parameters(std::move(p)) {}

  Tensor operator()(Optimizer& optimizer) {
    optimizer.zero_grad();
    Tensor total = zeros({}, DType::float64);
    for (const NamedParameter& target : parameters) {
      const Tensor off = target.parameter - random_tensor(target.parameter.shape(), 5);
      const Tensor a = random_tensor(target.parameter.shape(), 6) + 1.5;
      total = total + sum(a * off * off) * 0.5;
    }
    total.backward();
    ++calls;
    return total;
  }
  double distance() const {
    double most = 0;
    for (const NamedParameter& target : parameters) {
      const std::vector<double> w = values_of(target.parameter);
      const std::vector<double> b = values_of(random_tensor(target.parameter.shape(), 5));
      for (std::size_t i = 0; i < w.size(); ++i) most = std::max(most, std::abs(w[i] - b[i]));
    }
    return most;
  }

  std::vector<NamedParameter> parameters;
  int calls = 0;
};

std::vector<NamedParameter> two() {
  return {named("a", random_tensor({3, 2}, 1)), named("b", random_tensor({4}, 2))};
}

// Source: Rosenbrock 1960; the minimum is 0 at (1, 1).
Tensor rosenbrock(LBFGS& optimizer, const NamedParameter& w) {
  optimizer.zero_grad();
  const Tensor x = w.parameter * tensor({1.0, 0.0}), y = w.parameter * tensor({0.0, 1.0});
  const Tensor u = sum(x), v = sum(y);
  const Tensor a = 1.0 - u, b = v - u * u;
  const Tensor loss = a * a + b * b * 100.0;
  loss.backward();
  return loss;
}

TEST(LBFGS, FindsTheMinimumOfABowl) {
  for (const bool strong_wolfe : {false, true}) {
    Bowl bowl(two());
    LBFGS optimizer(bowl.parameters, {.max_iter = 50,
                                      .tolerance_grad = 1e-9,
                                      .tolerance_change = 0,
                                      .strong_wolfe = strong_wolfe});
    const double first = optimizer.step([&] { return bowl(optimizer); }).item();
    EXPECT_LT(bowl.distance(), 1e-7);
    EXPECT_GT(first, 0.1);
    const double last = optimizer.step([&] { return bowl(optimizer); }).item();
    EXPECT_LT(last, 1e-12);
    EXPECT_LE(bowl.calls, 63);
  }
}

TEST(LBFGS, FindsTheEndOfTheValleyWithALineSearch) {
  const NamedParameter w = named("w", tensor({-1.2, 1.0}));
  LBFGS optimizer({w}, {.max_iter = 100, .tolerance_change = 0, .strong_wolfe = true});
  for (int i = 0; i < 2; ++i) optimizer.step([&] { return rosenbrock(optimizer, w); });
  EXPECT_THAT(values_of(w.parameter), ElementsAre(DoubleNear(1, 1e-6), DoubleNear(1, 1e-6)));
}

// The first iteration goes along the gradient, by at most 1 in all; the second has one pair.
TEST(LBFGS, FollowsItsFormula) {
  const NamedParameter w = named("w", tensor({1.0, -2.0}));
  LBFGS optimizer({w}, {.lr = 0.5, .max_iter = 2, .max_eval = 9});
  const auto closure = [&] {
    optimizer.zero_grad();
    const Tensor loss = sum(w.parameter * w.parameter * tensor({1.0, 3.0})) * 0.5;
    loss.backward();
    return loss;
  };
  optimizer.step(closure);
  const double g0 = 1, g1 = -6, t = 0.5 / 7;  // lr / sum |g|
  const double s0 = -t * g0, s1 = -t * g1, x0 = 1 + s0, x1 = -2 + s1;
  const double y0 = s0, y1 = 3 * s1, h0 = x0, h1 = 3 * x1;  // new gradient
  const double ys = y0 * s0 + y1 * s1, rho = 1 / ys, scale = ys / (y0 * y0 + y1 * y1);
  const double alpha = rho * (s0 * -h0 + s1 * -h1);
  const double r0 = scale * (-h0 - alpha * y0), r1 = scale * (-h1 - alpha * y1);
  const double beta = rho * (y0 * r0 + y1 * r1);
  EXPECT_THAT(values_of(w.parameter),
              ElementsAre(DoubleNear(x0 + 0.5 * (r0 + s0 * (alpha - beta)), 1e-14),
                          DoubleNear(x1 + 0.5 * (r1 + s1 * (alpha - beta)), 1e-14)));
}

TEST(LBFGS, CallsTheClosureNoMoreThanAskedFor) {
  for (const bool strong_wolfe : {false, true}) {
    for (const int most : {1, 2, 5}) {
      Bowl bowl(two());
      LBFGS optimizer(bowl.parameters,
                      {.max_iter = 50, .max_eval = most, .strong_wolfe = strong_wolfe});
      optimizer.step([&] { return bowl(optimizer); });
      EXPECT_LE(bowl.calls, std::max(most, 2)) << strong_wolfe;  // one is needed after a move
    }
  }
}

TEST(LBFGS, StopsWhereTheGradientIsSmall) {
  Bowl bowl(two());
  LBFGS optimizer(bowl.parameters, {.tolerance_grad = 1e3});
  const Tensor before = bowl.parameters[0].parameter.clone();
  optimizer.step([&] { return bowl(optimizer); });
  EXPECT_EQ(bowl.calls, 1);
  EXPECT_TRUE(same_bytes(bowl.parameters[0].parameter, before));
}

TEST(LBFGS, GoesUpIfAsked) {
  const NamedParameter w = named("w", tensor({3.0}));
  LBFGS optimizer({w}, {.strong_wolfe = true, .maximize = true});
  optimizer.step([&] {
    optimizer.zero_grad();
    const Tensor loss = sum(w.parameter * w.parameter) * -1.0;
    loss.backward();
    return loss;
  });
  EXPECT_NEAR(w.parameter.item(), 0, 1e-6);
}

TEST(LBFGS, LeavesFrozenParametersAndThoseWithoutAGradient) {
  Bowl bowl(two());
  const NamedParameter unused = named("unused", random_tensor({2}, 7));
  const Tensor unused_before = unused.parameter.clone();
  LBFGS optimizer({bowl.parameters[0], bowl.parameters[1], unused}, {.tolerance_change = 0});
  const auto step = [&] { optimizer.step([&] { return bowl(optimizer); }); };
  optimizer.set_option("max_iter", 2);
  step();
  bowl.parameters[1].parameter.set_trainable(false);
  const Tensor before = bowl.parameters[1].parameter.clone();
  optimizer.set_option("max_iter", 40);
  step();
  step();
  EXPECT_TRUE(same_bytes(bowl.parameters[1].parameter, before));
  EXPECT_TRUE(same_bytes(unused.parameter, unused_before));
  EXPECT_LT(Bowl({bowl.parameters[0]}).distance(), 1e-6);
  bowl.parameters[1].parameter.set_trainable(true);
  step();
  EXPECT_LT(bowl.distance(), 1e-6);
}

TEST(LBFGS, TakesFloatParametersBesideDoubles) {
  const NamedParameter a = named("a", tensor({3.0f, -1.0f})), b = named("b", tensor({5.0}));
  LBFGS optimizer({a, b}, {.strong_wolfe = true});
  optimizer.step([&] {
    optimizer.zero_grad();
    const Tensor loss = sum(a.parameter * a.parameter).to(DType::float64);
    sum(a.parameter * a.parameter).backward();
    const Tensor other = sum(b.parameter * b.parameter);
    other.backward();
    return loss + other.detach();
  });
  EXPECT_NEAR(a.parameter.span<float>()[0], 0, 1e-5);
  EXPECT_NEAR(b.parameter.item(), 0, 1e-5);
}

TEST(LBFGS, RefusesASparseGradientByName) {
  const NamedParameter w = named("w", ones({2})), table = named("table.weight", ones({3, 2}));
  LBFGS optimizer({w, table});
  const auto closure = [&] {
    w.parameter.set_grad(ones({2}));
    table.parameter.set_grad(SparseGrad(tensor({1}), ones({1, 2}), {3, 2}));
    return zeros({});
  };
  EXPECT_EQ(message_of<AutogradError>([&] { optimizer.step(closure); }),
            "LBFGS: a step moves every row and the gradient of table.weight is sparse: give it to "
            "SparseAdam or Adagrad, or make the gradient dense with .sparse = false");
  EXPECT_THAT(values_of<float>(w.parameter), Each(1.0f));
}

TEST(LBFGS, RefusesToStartFromWhatIsNotFinite) {
  const NamedParameter w = named("w", ones({2}, DType::float64));
  LBFGS optimizer({w});
  const auto step = [&](double loss, double gradient) {
    return message_of<ValueError>([&] {
      optimizer.step([&] {
        w.parameter.set_grad(tensor({1.0, gradient}));
        return tensor({loss}, {});
      });
    });
  };
  EXPECT_EQ(step(NAN, 1), "LBFGS: the loss is nan: nothing was changed");
  EXPECT_EQ(step(1, NAN), "LBFGS: the gradient of w [2] is nan in element 1: nothing was changed");
  EXPECT_THAT(values_of(w.parameter), Each(1.0));
}

TEST(LBFGS, NeedsAClosureAndOptionsThatMakeSense) {
  const NamedParameter w = named("w", ones({2}));
  LBFGS optimizer({w});
  Optimizer& any = optimizer;
  w.parameter.set_grad(ones({2}));
  EXPECT_THAT(message_of<ValueError>([&] { any.step(); }),
              HasSubstr("LBFGS: step() without a closure: give it a function"));
  const auto message = [&w](const LBFGSOptions& options) {
    return message_of<ValueError>([&] { LBFGS({w}, options); });
  };
  EXPECT_EQ(message({.lr = -1}), "LBFGS: lr is -1, it must not be negative");
  EXPECT_EQ(message({.max_iter = 0}), "LBFGS: max_iter is 0, it must be at least 1");
  EXPECT_EQ(message({.max_eval = -1}), "LBFGS: max_eval is -1, it must be at least 0");
  EXPECT_EQ(message({.tolerance_grad = -1}),
            "LBFGS: tolerance_grad is -1, it must not be negative");
  EXPECT_EQ(message({.history_size = 0}), "LBFGS: history_size is 0, it must be at least 1");
  EXPECT_EQ(message_of<ValueError>([&] { optimizer.set_option("history_size", 2.5); }),
            "LBFGS: history_size is 2.5, it must be a whole number");
  EXPECT_EQ(message_of<ValueError>([] { LBFGS({}); }),
            "LBFGS: a list of parameters is empty: there is nothing to train");
}

// ---- going on from a file

std::vector<std::uint64_t> train(LBFGS& optimizer, const std::vector<NamedParameter>& parameters,
                                 int steps) {
  std::vector<std::uint64_t> hashes;
  Bowl bowl(parameters);
  for (int i = 0; i < steps; ++i) {
    optimizer.step([&] {
      Tensor loss = bowl(optimizer);  // and a term that is not quadratic
      const Tensor w = parameters[1].parameter;
      const Tensor more = sum(w * w * w * w);
      more.backward();
      return loss + more.detach();
    });
    for (const NamedParameter& target : parameters) hashes.push_back(hash_of(target.parameter));
  }
  return hashes;
}

TEST(LBFGS, GoesOnFromAFileWithTheSameBits) {
  const auto path = std::filesystem::path(testing::TempDir()) / "gradus-lbfgs.safetensors";
  for (const bool strong_wolfe : {false, true}) {
    const LBFGSOptions options{
        .lr = 0.3, .max_iter = 2, .history_size = 3, .strong_wolfe = strong_wolfe};
    for (const int stop : {0, 1, 3}) {
      const std::vector<NamedParameter> a = two(), b = two();
      LBFGS whole(a, options), resumed(b);
      LRScheduler rates(whole, exponential_lr(0.9)), other(resumed, exponential_lr(0.9));
      train(whole, a, stop);
      Tensor first = a[0].parameter.detach(), second = a[1].parameter.detach(), x, y;
      save_checkpoint({{"optimizer", whole}, {"scheduler", rates}, {"a", first}, {"b", second}},
                      path);
      train(resumed, b, 2);
      for (int twice = 0; twice < 2; ++twice) {
        load_checkpoint({{"optimizer", resumed}, {"scheduler", other}, {"a", x}, {"b", y}}, path);
      }
      {
        const NoGradGuard no_grad;
        b[0].parameter.copy_(x);
        b[1].parameter.copy_(y);
      }
      EXPECT_EQ(train(resumed, b, 4), train(whole, a, 4)) << stop;
      EXPECT_EQ(resumed.state_dict().metadata, whole.state_dict().metadata);
    }
  }
  std::filesystem::remove(path);
}

TEST(LBFGS, RefusesAStateThatIsNotItsOwn) {
  const std::vector<NamedParameter> a = two();
  LBFGS whole(a, {.max_iter = 3});
  train(whole, a, 1);
  StateDict state;
  for (const StateEntry& entry : whole.state_dict()) state.set(entry.name, entry.tensor.clone());
  state.metadata = whole.state_dict().metadata;
  const auto before = whole.state_dict().metadata;
  StateDict other = state;
  other.set("b.old_dirs", zeros({7, 4}, DType::float64));
  const std::string rows = std::to_string(state.at("a.old_dirs").size(0));
  EXPECT_EQ(message_of<ShapeError>([&] { whole.load_state_dict(other); }),
            "load_state_dict: b.old_dirs is float64 [7, 4], it must be float64 [" + rows +
                ", 4]: its parameter is [4]");
  other = state;
  other.metadata["optimizer"] = "Adam";
  EXPECT_EQ(message_of<Error>([&] { whole.load_state_dict(other); }),
            "load_state_dict: the state is that of Adam, not of LBFGS");
  LBFGS one({a[0]});
  EXPECT_THAT(message_of<Error>([&] { one.load_state_dict(state); }),
              HasSubstr("unexpected in it: [b"));
  EXPECT_EQ(whole.state_dict().metadata, before);
}

TEST(LBFGS, HasTheSameBitsForAnyNumberOfThreads) {
  const auto results = with_threads([] {
    const std::vector<NamedParameter> a = {named("a", random_tensor({31, 7}, 1)),
                                           named("b", random_tensor({300}, 2))};
    LBFGS optimizer(a, {.strong_wolfe = true});
    return train(optimizer, a, 2);
  });
  EXPECT_THAT(results, Each(results[0]));
}

TEST(LBFGS, NamesAClosureThatReturnsNoLoss) {
  const NamedParameter w = named("w", tensor({1.0}));
  LBFGS optimizer({w});
  EXPECT_EQ(message_of<Error>([&] { optimizer.step([] { return Tensor(); }); }),
            "LBFGS: the result of the closure is an undefined tensor (default-constructed or moved "
            "from)");
}

TEST(LBFGS, ThrowsOnceItWasMovedFrom) {
  const NamedParameter w = named("w", random_tensor({3}, 1));
  LBFGS optimizer({w});
  LBFGS moved = std::move(optimizer);
  Bowl bowl({w});
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_THROW(optimizer.step([&] { return bowl(moved); }), Error);
  EXPECT_THROW((void)optimizer.options(), Error);
  EXPECT_THROW((void)optimizer.state_dict(), Error);
  EXPECT_THROW(optimizer.load_state_dict(moved.state_dict()), Error);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(bowl.calls, 0);
  EXPECT_NO_THROW(moved.step([&] { return bowl(moved); }));
}

}  // namespace
}  // namespace gradus
