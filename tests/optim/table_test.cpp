// The tables of docs/optimizers.md say what each optimizer does with each kind of gradient and how
// much it keeps; docs/schedules.txt, from which the plots are, has the rates of the schedules.
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
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
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "optim_testing.h"

namespace gradus {
namespace {

const Shape shape{6, 3};

SparseGrad some_rows(unsigned seed) { return random_rows({4, 1, 4}, shape, seed); }
SparseGrad no_rows() { return {empty({0}, DType::int64), empty({0, 3}, DType::float64), shape}; }

void step(Optimizer& optimizer) { optimizer.step(); }
void step(LBFGS& optimizer) {  // by the gradients that are there
  optimizer.step([] { return zeros({}, DType::float64); });
}

// "refused", "skipped", "all rows" or "its rows": what a second step changes in a table whose first
// step had a gradient of that kind for row 0 too.
template <class Optimizer, class Options, class Make>
std::string effect(const Options& options, Make gradient, bool frozen = false) {
  const CaughtWarnings ignored;
  const NamedParameter w = named("w", random_tensor(shape, 1));
  Optimizer optimizer({w}, options);
  try {
    w.parameter.set_grad(random_rows({0, 2}, shape, 2));
    step(optimizer);
  } catch (const AutogradError&) {
    w.parameter.set_grad(random_tensor(shape, 2));
    step(optimizer);
  }
  const Tensor before = w.parameter.clone();
  w.parameter.set_grad(gradient());
  if (frozen) w.parameter.set_trainable(false);
  try {
    step(optimizer);
  } catch (const AutogradError& error) {
    EXPECT_NE(std::string(error.what()).find(" of w is "), std::string::npos) << error.what();
    return "refused";
  }
  int moved = 0;
  bool others = false;
  for (std::size_t row = 0; row < 6; ++row) {
    const bool same = w.parameter.span<double>()[3 * row] == before.span<double>()[3 * row];
    moved += same ? 0 : 1;
    others = others || (!same && row != 1 && row != 4);
  }
  return moved == 0 ? "skipped" : others ? "all rows" : "its rows";
}

// A dense gradient for one parameter and a sparse one for another, in one optimizer.
template <class Optimizer, class Options>
std::string both(const Options& options) {
  const NamedParameter a = named("a", random_tensor(shape, 1)), b = named("b", a.parameter);
  Optimizer optimizer({a, b}, options);
  a.parameter.set_grad(random_tensor(shape, 2));
  b.parameter.set_grad(some_rows(3));
  try {
    step(optimizer);
  } catch (const AutogradError&) {
    return same_bytes(a.parameter, b.parameter) ? "refused" : "half done";
  }
  return "taken";
}

template <class Optimizer, class Options>
std::string line(const std::string& name, const Options& options) {
  const auto kinds = {effect<Optimizer>(options, [] { return Gradient(random_tensor(shape, 4)); }),
                      effect<Optimizer>(options, [] { return Gradient(some_rows(4)); }),
                      both<Optimizer>(options),
                      effect<Optimizer>(options, [] { return Gradient(no_rows()); }),
                      effect<Optimizer>(options, [] { return Gradient(); }),
                      effect<Optimizer>(
                          options, [] { return Gradient(some_rows(4)); }, true)};
  std::string result = "| " + name + " |";
  for (const std::string& kind : kinds) result += " " + kind + " |";
  return result;
}

void expect_lines(const std::vector<std::string>& lines) {
  const std::string page = content("docs/optimizers.md");
  for (const std::string& line : lines) {
    EXPECT_NE(page.find(line + "\n"), std::string::npos) << "docs/optimizers.md lacks the line\n"
                                                         << line;
  }
}

TEST(OptimizersPage, HasTheTableOfWhatOptimizersDo) {
  expect_lines({
      line<SGD>("`SGD`", SGDOptions{}),
      line<SGD>("`SGD`, momentum", SGDOptions{.momentum = 0.9}),
      line<SGD>("`SGD`, weight decay", SGDOptions{.weight_decay = 0.1}),
      line<Adam>("`Adam`", AdamOptions{}),
      line<Adam>("`Adam`, lazy", AdamOptions{.lazy = true}),
      line<AdamW>("`AdamW`", AdamWOptions{}),
      line<AdamW>("`AdamW`, lazy, no decay", AdamWOptions{.weight_decay = 0, .lazy = true}),
      line<SparseAdam>("`SparseAdam`", SparseAdamOptions{}),
      line<Adagrad>("`Adagrad`", AdagradOptions{}),
      line<Adagrad>("`Adagrad`, weight decay", AdagradOptions{.weight_decay = 0.1}),
      line<RowwiseAdagrad>("`RowwiseAdagrad`", RowwiseAdagradOptions{}),
      line<RMSprop>("`RMSprop`", RMSpropOptions{}),
      line<Adadelta>("`Adadelta`", AdadeltaOptions{}),
      line<Adamax>("`Adamax`", AdamaxOptions{}),
      line<NAdam>("`NAdam`", NAdamOptions{}),
      line<RAdam>("`RAdam`", RAdamOptions{}),
      line<Lion>("`Lion`", LionOptions{}),
      line<Adafactor>("`Adafactor`", AdafactorOptions{}),
      line<Muon>("`Muon`", MuonOptions{}),
      line<LBFGS>("`LBFGS`", LBFGSOptions{.max_iter = 1}),
  });
}

// What is kept for a table [1000, 64] of float32, in bytes for each byte of the table: as the state
// has it, and as the memory that it takes.
template <class Optimizer, class Options>
std::string kept(const std::string& name, const Options& options, int steps = 1) {
  const Shape large{1000, 64};
  const NamedParameter w = named("w", random_tensor<float>(large, 1));
  Optimizer optimizer({w}, options);
  const bool sparse = std::is_same_v<Optimizer, SparseAdam>;
  for (int i = 0; i < steps; ++i) {
    const Tensor g = random_tensor<float>(large, 2 + static_cast<unsigned>(i));
    w.parameter.set_grad(sparse ? Gradient(SparseGrad(arange(1000), g, large)) : Gradient(g));
    const std::int64_t before = memory_stats().live;
    step(optimizer);
    if (i > 0 || std::is_same_v<Optimizer, LBFGS>) continue;
    const std::int64_t taken = memory_stats().live - before;
    const StateDict state = optimizer.state_dict();
    std::int64_t bytes = 0;
    for (const StateEntry& entry : state) bytes += 4 * entry.tensor.numel();
    EXPECT_GE(taken, bytes) << name;
    EXPECT_LE(taken, bytes + bytes / 8 + 8192) << name;
  }
  std::int64_t bytes = 0;
  const StateDict state = optimizer.state_dict();
  for (const StateEntry& entry : state) {
    bytes += (entry.tensor.dtype() == DType::float64 ? 8 : 4) * entry.tensor.numel();
  }
  std::ostringstream result;
  result.precision(3);
  result << "| " << name << " | " << static_cast<double>(bytes) / (4 * 64000) << " |";
  return result.str();
}

TEST(OptimizersPage, HasTheTableOfWhatOptimizersKeep) {
  expect_lines({
      kept<SGD>("`SGD`", SGDOptions{}),
      kept<SGD>("`SGD`, momentum", SGDOptions{.momentum = 0.9}),
      kept<Adam>("`Adam`, `AdamW`", AdamOptions{}),
      kept<Adam>("`Adam`, `AdamW`, amsgrad", AdamOptions{.amsgrad = true}),
      kept<SparseAdam>("`SparseAdam`", SparseAdamOptions{}),
      kept<Adagrad>("`Adagrad`", AdagradOptions{}),
      kept<RowwiseAdagrad>("`RowwiseAdagrad`", RowwiseAdagradOptions{}),
      kept<RMSprop>("`RMSprop`", RMSpropOptions{}),
      kept<RMSprop>("`RMSprop`, momentum", RMSpropOptions{.momentum = 0.9}),
      kept<RMSprop>("`RMSprop`, momentum, centered",
                    RMSpropOptions{.momentum = 0.9, .centered = true}),
      kept<Adadelta>("`Adadelta`", AdadeltaOptions{}),
      kept<Adamax>("`Adamax`", AdamaxOptions{}),
      kept<NAdam>("`NAdam`", NAdamOptions{}),
      kept<RAdam>("`RAdam`", RAdamOptions{}),
      kept<Lion>("`Lion`", LionOptions{}),
      kept<Adafactor>("`Adafactor`", AdafactorOptions{}),
      kept<Muon>("`Muon`", MuonOptions{}),
  });
  EXPECT_EQ(kept<AdamW>("", AdamWOptions{}), kept<Adam>("", AdamOptions{}));
}

// ---- the plots of schedules

std::map<std::string, Schedule> plotted() {
  const OneCycleOptions cycle{.max_lr = 0.1, .total_steps = 100, .cycle_momentum = false};
  OneCycleOptions linear = cycle, three = cycle;
  linear.linear = true;
  three.three_phase = true;
  return {
      {"step_lr(20, 0.5)", step_lr(20, 0.5)},
      {"multi_step_lr({30, 60, 80}, 0.3)", multi_step_lr({30, 60, 80}, 0.3)},
      {"exponential_lr(0.97)", exponential_lr(0.97)},
      {"constant_lr(0.25, 40)", constant_lr(0.25, 40)},
      {"linear_lr(0.1, 1, 60)", linear_lr(0.1, 1, 60)},
      {"polynomial_lr(80, 2)", polynomial_lr(80, 2)},
      {"cosine_annealing_lr(50)", cosine_annealing_lr(50)},
      {"cosine_annealing_warm_restarts(15, 2)", cosine_annealing_warm_restarts(15, 2)},
      {"linear_warmup(30)", linear_warmup(30)},
      {"noam_lr(64, 25)", noam_lr(64, 25)},
      {"lambda_lr(1 / (1 + e / 20))",
       lambda_lr([](std::int64_t e) { return 1 / (1 + static_cast<double>(e) / 20); })},
      {"multiplicative_lr(1 - 1 / (e + 9))",
       multiplicative_lr([](std::int64_t e) { return 1 - 1 / static_cast<double>(e + 9); })},
      {"sequential_lr(warm-up 20, cosine 80)",
       sequential_lr({linear_warmup(20), cosine_annealing_lr(80)}, {20})},
      {"one_cycle_lr(max 0.1, 100 steps)", one_cycle_lr(cycle)},
      {"one_cycle_lr(..., linear)", one_cycle_lr(linear)},
      {"one_cycle_lr(..., three_phase)", one_cycle_lr(three)},
  };
}

TEST(OptimizersPage, PlotsTheRatesThatSchedulesHave) {
  std::map<std::string, Schedule> schedules = plotted();
  std::istringstream lines(content("docs/schedules.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line[0] == '#') continue;
    const std::size_t colon = line.find(": ");
    const std::string name = line.substr(0, colon);
    ASSERT_EQ(schedules.count(name), 1u) << name;
    const NamedParameter w = named("w", ones({1}));
    SGD optimizer({w}, {.lr = 0.1});
    LRScheduler scheduler(optimizer, schedules.at(name));
    step_with_zeros(optimizer, {w});
    std::istringstream rates(line.substr(colon + 2));
    int n = 0;
    for (double rate = 0; rates >> rate; ++n) {
      if (n > 0) scheduler.step();
      EXPECT_NEAR(optimizer.lr(), rate, 1e-9) << name << ", epoch " << n;
    }
    EXPECT_EQ(n, 100) << name;
    schedules.erase(name);
  }
  for (const auto& [name, schedule] : schedules) ADD_FAILURE() << name << " is not plotted";
}

}  // namespace
}  // namespace gradus
