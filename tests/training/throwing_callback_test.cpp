// "A call that throws leaves everything as it was", for the functions that call one of the user's:
// each is made to throw in each of its calls.
#include <gmock/gmock.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/where.h>
#include <gradus/gradus.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>
#include <unistd.h>  // NOLINT(modernize-deprecated-headers): getpid is POSIX

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

namespace gradus {
namespace {

using testing::ElementsAre;

struct Thrown : std::runtime_error {
  Thrown() : std::runtime_error("thrown by a function of the user's") {}
};

// Throws in the n-th call from set(n) on; never for 0.
class Fuse {
 public:
  void set(int calls) { left_ = calls; }
  void operator()() {
    if (left_ > 0 && --left_ == 0) throw Thrown();
  }
  bool burnt() const { return left_ == 0; }

 private:
  int left_ = 0;
};

// A state as text, tensors by their bytes.
std::vector<std::string> text_of(const StateDict& state) {
  std::vector<std::string> lines;
  for (const auto& [key, text] : state.metadata) lines.push_back(key + "=" + text);
  for (const StateEntry& entry : state) {
    const std::string bytes = entry.tensor.dtype() == DType::float32
                                  ? std::to_string(hash_of<float>(entry.tensor))
                                  : std::to_string(hash_of<double>(entry.tensor));
    lines.push_back(entry.name + entry.tensor.shape().str() + bytes);
  }
  return lines;
}

// ---- schedules

// Two groups under a schedule of functions of the user's, which moves rate and momentum.
struct Scheduled {
  Scheduled()
      : a(named("a", ones({1}))),
        b(named("b", ones({1}))),
        optimizer({{{a}, {.lr = 0.1, .momentum = 0.5}}, {{b}, {.lr = 1, .momentum = 0.25}}}) {
    step_with_zeros(optimizer, {a, b});
    schedule.lr = [this](double base, std::int64_t e) {
      fuse();
      return base / static_cast<double>(e + 1);
    };
    schedule.momentum = [this](std::int64_t e) {
      fuse();
      return 0.75 / static_cast<double>(e + 1);
    };
  }

  Fuse fuse;
  NamedParameter a, b;
  SGD optimizer;
  Schedule schedule;
};

TEST(ThrowingCallback, OfAScheduleLeavesTheEpochAndAllRates) {
  Scheduled run;
  LRScheduler scheduler(run.optimizer, run.schedule);
  scheduler.step();
  const auto before = text_of(scheduler.state_dict()), rates = text_of(run.optimizer.state_dict());
  for (const int call : {1, 2, 3}) {
    run.fuse.set(call);
    EXPECT_THROW(scheduler.step(), Thrown);
    EXPECT_EQ(text_of(scheduler.state_dict()), before) << call;
    EXPECT_EQ(text_of(run.optimizer.state_dict()), rates) << call;
  }
  EXPECT_EQ(scheduler.epoch(), 1);
  scheduler.step();
  EXPECT_EQ(scheduler.epoch(), 2);
  EXPECT_THAT(scheduler.lr(), ElementsAre(0.1 / 3, 1.0 / 3));
}

TEST(ThrowingCallback, OfAScheduleLeavesTheOptimizerThatItWasMadeFor) {
  Scheduled run;
  const auto rates = text_of(run.optimizer.state_dict());
  for (const int call : {1, 2, 3}) {
    run.fuse.set(call);
    EXPECT_THROW(LRScheduler(run.optimizer, run.schedule), Thrown);
    EXPECT_EQ(text_of(run.optimizer.state_dict()), rates) << call;
  }
}

TEST(ThrowingCallback, OfAScheduleLeavesWhatALoadedStateWouldReplace) {
  Scheduled run, other;
  LRScheduler scheduler(run.optimizer, run.schedule), further(other.optimizer, other.schedule);
  for (int i = 0; i < 3; ++i) further.step();
  const auto before = text_of(scheduler.state_dict()), rates = text_of(run.optimizer.state_dict());
  for (const int call : {1, 2, 3}) {
    run.fuse.set(call);
    EXPECT_THROW(scheduler.load_state_dict(further.state_dict()), Thrown);
    EXPECT_EQ(text_of(scheduler.state_dict()), before) << call;
    EXPECT_EQ(text_of(run.optimizer.state_dict()), rates) << call;
  }
}

// The optimizer refuses what the schedule gives for the second group.
TEST(ThrowingCallback, ThatGivesARateThatIsRefusedLeavesThoseOfOtherGroups) {
  Scheduled run;
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {-1.0, std::nan(""), infinity}) {
    LRScheduler scheduler(run.optimizer, {[bad](double base, std::int64_t e) {
                            return e == 0 ? base : base < 0.5 ? base / 2 : bad;
                          }});
    EXPECT_THROW(scheduler.step(), ValueError);
    EXPECT_EQ(scheduler.epoch(), 0);
    EXPECT_THAT(scheduler.lr(), ElementsAre(0.1, 1));
  }
  run.schedule.momentum = [](std::int64_t e) { return e == 0 ? 0.5 : -1.0; };
  LRScheduler scheduler(run.optimizer, run.schedule);
  EXPECT_THROW(scheduler.step(), ValueError);
  EXPECT_EQ(scheduler.epoch(), 0);
  EXPECT_THAT(scheduler.lr(), ElementsAre(0.1, 1));
  EXPECT_EQ(run.optimizer.options().momentum, 0.5);
}

TEST(ThrowingCallback, OfProductsOfFactorsIsAskedAgain) {
  Fuse fuse;
  const Schedule schedule = multiplicative_lr([&fuse](std::int64_t e) {
    fuse();
    return e == 2 ? 0.25 : 0.5;
  });
  fuse.set(2);
  EXPECT_THROW(schedule.lr(1, 3), Thrown);
  EXPECT_EQ(schedule.lr(1, 3), 0.5 * 0.25 * 0.5);
}

// ---- gradcheck

// x exp(w), and in backward a function of the user's as well.
Tensor guarded(const std::vector<Tensor>& in, Fuse& fuse) {
  fuse();
  const Tensor y = in[0] * exp(in[1]);
  return record("guarded", y.detach() * 2.0, vjp(y, [&fuse](const Tensor& g) {
                  fuse();
                  return g * 2.0;
                }));
}

TEST(ThrowingCallback, OfGradcheckLeavesValuesAndGradients) {
  const Tensor x = random_tensor({3}, 1).set_trainable(true);
  const Tensor w = random_tensor({3}, 2).set_trainable(true);
  x.set_grad(random_tensor({3}, 3));
  const std::vector<double> values = values_of(x), others = values_of(w),
                            gradient = values_of(x.grad().dense());
  int calls = 0;
  for (bool passes = false; !passes; ++calls) {
    Fuse fuse;
    fuse.set(calls + 1);
    try {
      const auto function = [&](const std::vector<Tensor>& in) { return guarded(in, fuse); };
      EXPECT_TRUE(gradcheck(function, {x, w}));
      passes = true;
    } catch (const Thrown&) {
    }
    EXPECT_EQ(values_of(x), values) << calls;
    EXPECT_EQ(values_of(w), others) << calls;
    EXPECT_EQ(values_of(x.grad().dense()), gradient) << calls;
    EXPECT_TRUE(w.grad().empty()) << calls;
    EXPECT_TRUE(grad_enabled());
  }
  EXPECT_EQ(calls, 1 + 2 * 6 + 2 + 1);  // at first, two for each element, forward and backward
}

TEST(Gradcheck, KeepsTheGradientOfAnInputThatIsListedTwice) {
  const Tensor x = random_tensor({2}, 1).set_trainable(true);
  x.set_grad(tensor({7.0, 8.0}));
  gradcheck([](const std::vector<Tensor>& in) { return in[0] * in[1]; }, {x, x});
  EXPECT_THAT(values_of(x.grad().dense()), ElementsAre(7, 8));
}

TEST(Gradcheck, RefusesResultsWhoseShapesDependOnValues) {
  const Tensor x = tensor({0.0, 1.0}).set_trainable(true);
  const auto positive = [](const std::vector<Tensor>& in) {
    return masked_select(in[0], greater(in[0].detach(), 0.0));
  };
  EXPECT_EQ(message_of<ShapeError>([&] { gradcheck(positive, {x}); }),
            "gradcheck: the function returned [1] at first and [2] later: its results must have "
            "shapes that do not depend on the values of the inputs");
  EXPECT_THAT(values_of(x), ElementsAre(0, 1));
}

// ---- closures

// A loss with a valley that bends, for a step of many calls. One value is -0 and stays.
struct Valley {
  Valley()
      : parameters({named("w", tensor({-1.2, 1.0, -0.0})), named("b", tensor({0.5f, 2.0f}))}) {}

  Tensor operator()() {
    fuse();
    for (const NamedParameter& target : parameters) target.parameter.clear_grad();
    const Tensor& w = parameters[0].parameter;
    const Tensor u = sum(w * tensor({1.0, 0.0, 0.0})), v = sum(w * tensor({0.0, 1.0, 0.0}));
    const Tensor b = parameters[1].parameter.to(DType::float64);
    const Tensor loss = square(1.0 - u) + square(v - u * u) * 100.0 + sum(square(b) * square(b));
    loss.backward();
    return loss;
  }
  std::vector<std::string> text(const LBFGS& optimizer) const {
    std::vector<std::string> lines = text_of(optimizer.state_dict());
    lines.push_back(std::to_string(hash_of(parameters[0].parameter)));
    lines.push_back(std::to_string(hash_of<float>(parameters[1].parameter)));
    return lines;
  }

  std::vector<NamedParameter> parameters;
  Fuse fuse;
};

TEST(ThrowingCallback, OfLBFGSLeavesParametersAndWhatIsRemembered) {
  for (const bool strong_wolfe : {false, true}) {
    const LBFGSOptions options{.lr = 0.1, .max_iter = 6, .strong_wolfe = strong_wolfe};
    Valley valley, twin;
    LBFGS optimizer(valley.parameters, options), undisturbed(twin.parameters, options);
    const auto step = [&] { optimizer.step([&] { return valley(); }); };
    for (int steps = 0; steps < 3; ++steps) {
      const auto before = valley.text(optimizer);
      int calls = 0;
      for (bool passes = false; !passes; ++calls) {
        valley.fuse.set(calls + 1);
        try {
          step();
          passes = true;
        } catch (const Thrown&) {
          EXPECT_EQ(valley.text(optimizer), before) << calls;
        }
      }
      EXPECT_GT(calls, 5);
      undisturbed.step([&] { return twin(); });
      EXPECT_EQ(valley.text(optimizer), twin.text(undisturbed));
    }
  }
}

TEST(ThrowingCallback, OfLBFGSThatIsNoLossOrNotFiniteLeavesEverything) {
  Valley valley;
  LBFGS optimizer(valley.parameters, {.max_iter = 3});
  optimizer.step([&] { return valley(); });
  const auto before = valley.text(optimizer);
  EXPECT_THROW(optimizer.step([&] { return ones({2}); }), ShapeError);
  EXPECT_THROW(optimizer.step([&] { return Tensor(); }), Error);
  EXPECT_THROW(optimizer.step(nullptr), Error);
  EXPECT_THROW(optimizer.step([&] {
    valley();
    return scalar(std::nan(""));
  }),
               ValueError);
  EXPECT_EQ(valley.text(optimizer), before);
}

TEST(ThrowingCallback, OfLBFGSMayNotFreezeParameters) {
  Valley valley;
  LBFGS optimizer(valley.parameters, {.lr = 0.1, .max_iter = 6});
  optimizer.step([&] { return valley(); });
  const auto before = valley.text(optimizer);
  int calls = 0;
  EXPECT_THAT(message_of<ValueError>([&] {
                optimizer.step([&] {
                  const Tensor loss = valley();
                  valley.parameters[1].parameter.set_trainable(++calls != 2);
                  return loss;
                });
              }),
              testing::HasSubstr("the closure froze, unfroze or resized a parameter"));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(valley.text(optimizer), before);
}

// ---- rows

// Keeps nothing, and returns what it is told to.
struct Follower : RowFollower {
  explicit Follower(std::function<void()> f) : commit(std::move(f)) {}
  std::function<void()> follow_rows(const Tensor&, const RowPlan&) override { return commit; }
  std::function<void()> commit;
};

TEST(ThrowingCallback, ThatMakesRowsLeavesTheTable) {
  const Tensor table = ones({3, 2}, DType::float64).set_trainable(true);
  const NamedParameter parameter{"table", Parameter(table)};
  SGD optimizer({parameter}, {.lr = 0.1, .momentum = 0.9});
  table.set_grad(random_rows({1}, {3, 2}, 1));
  optimizer.step();
  const auto before = text_of(optimizer.state_dict());
  const std::uint64_t values = hash_of(table);
  int committed = 0;
  Follower counts([&committed] { ++committed; }), none(nullptr);
  const auto refused = [&](const ResizeOptions& options) {
    EXPECT_ANY_THROW(resize_rows(table, 5, options));
    EXPECT_ANY_THROW(remap_rows(table, tensor({0, -1}), options));
    EXPECT_EQ(table.shape(), (Shape{3, 2}));
    EXPECT_EQ(hash_of(table), values);
    EXPECT_EQ(text_of(optimizer.state_dict()), before);
    EXPECT_TRUE(table.grad().is_sparse());
    EXPECT_EQ(committed, 0);
  };
  const auto init = [](const Tensor& rows) {
    rows.fill_(7);
    throw Thrown();
  };
  refused({.init = init, .followers = {&optimizer, &counts}});
  refused({.init = [](const Tensor& rows) { resize_rows(rows, 7); }, .followers = {&counts}});
  refused({.followers = {&optimizer, &counts, &none}});
  refused({.followers = {&optimizer, &counts, nullptr}});
  EXPECT_EQ(message_of<ValueError>([&] { resize_rows(table, 5, {.followers = {&none}}); }),
            "resize_rows: follow_rows() of a follower returned an empty function: return one that "
            "puts the new rows in place");
  EXPECT_EQ(
      message_of<ValueError>([&] { remap_rows(table, tensor({0}), {.followers = {nullptr}}); }),
      "remap_rows: a follower is nullptr: pass addresses");
}

// ---- accumulators

TEST(ThrowingCallback, OfABackwardLeavesSumsAndGradientsOfAnAccumulator) {
  const NamedParameter w = named("w", tensor({2.0}));
  GradientAccumulator accumulator({w});
  accumulator.backward(w.parameter * 3.0, 2);
  const Tensor y = w.parameter * 5.0;
  const Tensor bad =
      record("bad", y.detach() + 1.0, vjp(y, [](const Tensor&) -> Tensor { throw Thrown(); }));
  EXPECT_THROW(accumulator.backward(bad, 2), Thrown);
  EXPECT_THROW(accumulator.backward(w.parameter * ones({2}, DType::float64), 2), ShapeError);
  EXPECT_THROW(accumulator.backward(zeros({0}, DType::float64), 2), ShapeError);
  EXPECT_THROW(accumulator.backward(Tensor(), 2), Error);
  EXPECT_EQ(accumulator.finish(), 3);
  EXPECT_EQ(w.parameter.grad().dense().item(), 1.5);
}

// ---- checkpoints

// A part of the user's that throws in save or load, and then refuses its own state too.
struct Part {
  StateDict state_dict() const {
    if (fails_to_save) throw Thrown();
    return {};
  }
  void load_state_dict(const StateDict&) const {
    if (fails_to_load) throw Thrown();
  }
  bool fails_to_save = false, fails_to_load = false;
};

class ThrowingPart : public testing::Test {
 protected:
  ThrowingPart()
      : path(std::filesystem::path(testing::TempDir()) /
             ("gradus-part-" + std::to_string(getpid()) + ".safetensors")) {}
  ~ThrowingPart() override { std::filesystem::remove(path); }

  std::string bytes() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::filesystem::path path;
};

TEST_F(ThrowingPart, OfACheckpointLeavesTheOtherParts) {
  std::int64_t count = 1, later = 1;
  Tensor order = tensor({1.0, 2.0}).set_trainable(true);
  const Tensor handle = order;
  Generator generator(1);
  Part part;
  const auto run = [&]() -> std::vector<CheckpointPart> {
    return {{"count", count},
            {"order", order},
            {"generator", generator},
            {"part", part},
            {"later", later}};
  };
  save_checkpoint(run(), path);
  const std::string file = bytes();
  count = later = 7;
  generator = Generator(5);
  part.fails_to_load = true;
  EXPECT_THROW(load_checkpoint(run(), path), Thrown);
  EXPECT_EQ(count, 7);
  EXPECT_EQ(later, 7);
  EXPECT_EQ(generator.seed(), 5U);
  EXPECT_TRUE(order.is_same(handle));
  EXPECT_TRUE(order.trainable());
  part.fails_to_save = true;
  EXPECT_THROW(save_checkpoint(run(), path), Thrown);
  EXPECT_THROW(load_checkpoint(run(), path), Thrown);
  EXPECT_EQ(bytes(), file);
  EXPECT_EQ(count, 7);
}

}  // namespace
}  // namespace gradus
