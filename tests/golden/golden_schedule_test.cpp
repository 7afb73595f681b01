// How the golden cases call L-BFGS and the schedules.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/schedule/lr_scheduler.h>
#include <gradus/optim/sgd.h>
#include <gradus/tests/golden/golden_case.h>

#include <map>

namespace gradus::golden {
namespace {

Schedule one_cycle(const Case& c) {
  OneCycleOptions options{.max_lr = c.number("max_lr"),
                          .total_steps = c.integer("total_steps"),
                          .linear = c.flag("linear"),
                          .three_phase = c.flag("three_phase")};
  for (const auto& [name, number] :
       std::map<std::string, double*>{{"pct_start", &options.pct_start},
                                      {"div_factor", &options.div_factor},
                                      {"final_div_factor", &options.final_div_factor},
                                      {"base_momentum", &options.base_momentum},
                                      {"max_momentum", &options.max_momentum}}) {
    if (c.has(name)) *number = c.number(name);
  }
  return one_cycle_lr(options);
}

Schedule schedule_of(const Case& c) {
  const std::string& kind = c.word("kind");
  if (kind == "step") return step_lr(c.integer("step_size"), c.number("gamma"));
  if (kind == "multi_step") return multi_step_lr(c.integers("milestones"), c.number("gamma"));
  if (kind == "exponential") return exponential_lr(c.number("gamma"));
  if (kind == "constant") return constant_lr(c.number("factor"), c.integer("total_iters"));
  if (kind == "linear") {
    return linear_lr(c.number("start_factor"), c.number("end_factor"), c.integer("total_iters"));
  }
  if (kind == "polynomial") return polynomial_lr(c.integer("total_iters"), c.number("power"));
  if (kind == "cosine") return cosine_annealing_lr(c.integer("T_max"), c.number("eta_min"));
  if (kind == "restarts") {
    return cosine_annealing_warm_restarts(c.integer("T_0"), c.integer("T_mult"),
                                          c.number("eta_min"));
  }
  if (kind == "inverse") {
    return lambda_lr([](std::int64_t e) { return 1 / static_cast<double>(e + 1); });
  }
  if (kind == "falling") {
    return multiplicative_lr([](std::int64_t e) { return 1 - 0.1 / static_cast<double>(e); });
  }
  if (kind == "sequential") {
    return sequential_lr(
        {linear_lr(0.1, 1, c.integer("warmup")), exponential_lr(c.number("gamma"))},
        {c.integer("warmup")});
  }
  return one_cycle(c);
}

NamedParameter one(const char* path) { return {path, Parameter(ones({1}).set_trainable(true))}; }

}  // namespace

// Rates of both groups, and the momentum, in 12 epochs.
std::vector<Tensor> schedule(Case& c) {
  const NamedParameter a = one("a"), b = one("b");
  SGD optimizer({{{a}, {.lr = 0.1, .momentum = 0.9}}, {{b}, {.lr = 0.4, .momentum = 0.9}}});
  LRScheduler scheduler(optimizer, schedule_of(c));
  a.parameter.set_grad(ones({1}));
  optimizer.step();
  std::vector<double> rates, momenta;
  for (int epoch = 0; epoch < 12; ++epoch) {
    if (epoch > 0) scheduler.step();
    rates.insert(rates.end(), {optimizer.lr(0), optimizer.lr(1)});
    momenta.push_back(optimizer.options().momentum);
  }
  return {tensor(rates, {12, 2}), tensor(momenta, {12})};
}

std::vector<Tensor> plateau(Case& c) {
  PlateauOptions options{.maximize = c.flag("maximize"),
                         .factor = c.number("factor"),
                         .patience = c.integer("patience"),
                         .absolute = c.flag("absolute")};
  if (c.has("threshold")) options.threshold = c.number("threshold");
  if (c.has("cooldown")) options.cooldown = c.integer("cooldown");
  if (c.has("min_lr")) options.min_lr = c.number("min_lr");
  SGD optimizer({one("w")}, {.lr = 0.1});
  ReduceLROnPlateau scheduler(optimizer, options);
  std::vector<double> rates;
  for (const double metric : c.inputs[0].span<double>()) {
    scheduler.step(metric);
    rates.push_back(optimizer.lr());
  }
  return {tensor(rates, c.inputs[0].shape())};
}

// Of sum(a (w - b)^2) / 2 + sum(w^4) / 4 for two parameters w: the inputs are w, a and b.
std::vector<Tensor> lbfgs(Case& c) {
  LBFGSOptions options;
  for (const OptionField& field : optimizer_info(options).options) {
    if (!c.has(field.name)) continue;
    if (field.number != nullptr) *field.number = c.number(field.name);
    if (field.count != nullptr) *field.count = c.integer(field.name);
    if (field.flag != nullptr) *field.flag = c.flag(field.name);
  }
  std::vector<NamedParameter> parameters;
  for (std::size_t p = 0; p < 2; ++p) {
    c.inputs[p].set_trainable(true);
    parameters.push_back({"p" + std::to_string(p), Parameter(c.inputs[p])});
  }
  LBFGS optimizer(parameters, options);
  const auto closure = [&] {
    optimizer.zero_grad();
    Tensor loss = zeros({}, DType::float64);
    for (std::size_t p = 0; p < 2; ++p) {
      const Tensor& w = c.inputs[p];
      const Tensor off = w - c.inputs[p + 4], square = w * w;
      loss = loss + sum(c.inputs[p + 2] * off * off) * 0.5 + sum(square * square) * 0.25;
    }
    loss = loss * (options.maximize ? -1.0 : 1.0);
    loss.backward();
    return loss;
  };
  std::vector<Tensor> results;
  for (std::int64_t step = 0; step < c.integer("steps"); ++step) {
    results.push_back(optimizer.step(closure).detach());
    for (std::size_t p = 0; p < 2; ++p) {
      results.push_back(c.inputs[p].clone());
      c.inputs[p].clear_grad();
    }
  }
  return results;
}

}  // namespace gradus::golden
