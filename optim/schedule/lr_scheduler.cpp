#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/optim/detail/state_text.h>
#include <gradus/optim/schedule/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <numbers>
#include <utility>

namespace gradus {
namespace {

double number(std::int64_t n) { return static_cast<double>(n); }

using detail::require_at_least;

// Goes from `from` at part 0 to `to` at part 1.
double anneal(double from, double to, double part, bool linear) {
  return linear ? from + (to - from) * part
                : to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * part));
}

// The option of the optimizer that a schedule calls momentum, or nullptr.
const char* momentum_of(const Optimizer& optimizer, std::int64_t group) {
  for (const char* name : {"momentum", "betas.0"}) {
    if (optimizer.has_option(name, group)) return name;
  }
  return nullptr;
}

std::vector<double> rates_of(const Optimizer& optimizer) {
  std::vector<double> rates;
  for (std::int64_t group = 0; group < optimizer.num_groups(); ++group) {
    rates.push_back(optimizer.lr(group));
  }
  return rates;
}

}  // namespace

Schedule step_lr(std::int64_t step_size, double gamma) {
  require_at_least("step_lr", "step_size", step_size, 1);
  detail::require_not_negative("step_lr", "gamma", gamma);
  return {
      [=](double base, std::int64_t e) { return base * std::pow(gamma, number(e / step_size)); }};
}

Schedule multi_step_lr(std::vector<std::int64_t> milestones, double gamma) {
  detail::require_not_negative("multi_step_lr", "gamma", gamma);
  return {[=, milestones = std::move(milestones)](double base, std::int64_t e) {
    const auto passed =
        std::count_if(milestones.begin(), milestones.end(), [e](std::int64_t m) { return m <= e; });
    return base * std::pow(gamma, number(passed));
  }};
}

Schedule exponential_lr(double gamma) {
  detail::require_not_negative("exponential_lr", "gamma", gamma);
  return {[=](double base, std::int64_t e) { return base * std::pow(gamma, number(e)); }};
}

Schedule constant_lr(double factor, std::int64_t total_iters) {
  detail::require_not_negative("constant_lr", "factor", factor);
  require_at_least("constant_lr", "total_iters", total_iters, 0);
  return {[=](double base, std::int64_t e) { return e < total_iters ? base * factor : base; }};
}

Schedule linear_lr(double start_factor, double end_factor, std::int64_t total_iters) {
  detail::require_not_negative("linear_lr", "start_factor", start_factor);
  detail::require_not_negative("linear_lr", "end_factor", end_factor);
  require_at_least("linear_lr", "total_iters", total_iters, 1);
  return {[=](double base, std::int64_t e) {
    const double part = number(std::min(e, total_iters)) / number(total_iters);
    return base * (start_factor + (end_factor - start_factor) * part);
  }};
}

Schedule polynomial_lr(std::int64_t total_iters, double power) {
  require_at_least("polynomial_lr", "total_iters", total_iters, 1);
  detail::require_not_negative("polynomial_lr", "power", power);
  return {[=](double base, std::int64_t e) {
    return base * std::pow(1 - number(std::min(e, total_iters)) / number(total_iters), power);
  }};
}

Schedule cosine_annealing_lr(std::int64_t T_max, double eta_min) {
  require_at_least("cosine_annealing_lr", "T_max", T_max, 1);
  detail::require_not_negative("cosine_annealing_lr", "eta_min", eta_min);
  return {[=](double base, std::int64_t e) {
    return anneal(base, eta_min, number(e) / number(T_max), false);
  }};
}

Schedule cosine_annealing_warm_restarts(std::int64_t T_0, std::int64_t T_mult, double eta_min) {
  constexpr const char* name = "cosine_annealing_warm_restarts";
  require_at_least(name, "T_0", T_0, 1);
  require_at_least(name, "T_mult", T_mult, 1);
  detail::require_not_negative(name, "eta_min", eta_min);
  return {[=](double base, std::int64_t e) {
    std::int64_t length = T_0;
    if (T_mult == 1) e %= length;
    while (e >= length) {
      e -= length;
      if (length > std::numeric_limits<std::int64_t>::max() / T_mult) {  // longer than any e
        return anneal(base, eta_min, number(e) / (number(length) * number(T_mult)), false);
      }
      length *= T_mult;
    }
    return anneal(base, eta_min, number(e) / number(length), false);
  }};
}

Schedule multiplicative_lr(std::function<double(std::int64_t)> f) {
  if (!f) throw ValueError("multiplicative_lr: the function is empty");
  // products[e] = f(1) ... f(e), as far as needed so far
  auto products = std::make_shared<std::vector<double>>(1, 1.0);
  return {[f = std::move(f), products = std::move(products)](double base, std::int64_t e) {
    while (std::ssize(*products) <= e) {
      products->push_back(products->back() * f(std::ssize(*products)));
    }
    return base * (*products)[static_cast<std::size_t>(e)];
  }};
}

Schedule lambda_lr(std::function<double(std::int64_t)> f) {
  if (!f) throw ValueError("lambda_lr: the function is empty");
  return {[f = std::move(f)](double base, std::int64_t e) { return base * f(e); }};
}

Schedule linear_warmup(std::int64_t warmup) {
  require_at_least("linear_warmup", "warmup", warmup, 1);
  return {[=](double base, std::int64_t e) {
    return e < warmup - 1 ? base * number(e + 1) / number(warmup) : base;
  }};
}

Schedule noam_lr(std::int64_t model_size, std::int64_t warmup) {
  require_at_least("noam_lr", "model_size", model_size, 1);
  require_at_least("noam_lr", "warmup", warmup, 1);
  return {[=](double base, std::int64_t e) {
    const double step = number(e) + 1;
    return base / std::sqrt(number(model_size)) *
           std::min(1 / std::sqrt(step), step * std::pow(number(warmup), -1.5));
  }};
}

Schedule sequential_lr(std::vector<Schedule> schedules,
                       const std::vector<std::int64_t>& milestones) {
  if (schedules.empty() || milestones.size() + 1 != schedules.size()) {
    throw ValueError(fmt::format(
        "sequential_lr: {} schedules and {} milestones: there must be one milestone fewer",
        schedules.size(), milestones.size()));
  }
  std::int64_t before = 0;
  for (const std::int64_t milestone : milestones) {
    if (milestone <= before) {
      throw ValueError(fmt::format("sequential_lr: milestone {} after {}: they must increase",
                                   milestone, before));
    }
    before = milestone;
  }
  // The last schedule that has begun, and the epoch within it.
  const auto at = [milestones](std::int64_t e) {
    const auto next = std::upper_bound(milestones.begin(), milestones.end(), e);
    const std::int64_t begin = next == milestones.begin() ? 0 : *(next - 1);
    return std::pair(static_cast<std::size_t>(next - milestones.begin()), e - begin);
  };
  for (const Schedule& schedule : schedules) {
    if (!schedule.lr) throw ValueError("sequential_lr: a schedule has no function lr");
    if (schedule.momentum) {
      throw ValueError("sequential_lr: a schedule that changes the momentum cannot be part of it");
    }
  }
  Schedule result;
  if (const std::int64_t last = schedules.back().last; last < result.last) {
    result.last = before + std::min(last, result.last - before);
  }
  result.lr = [at, schedules = std::move(schedules)](double base, std::int64_t e) {
    const auto [part, own] = at(e);
    return schedules[part].lr(base, own);
  };
  return result;
}

Schedule one_cycle_lr(const OneCycleOptions& options) {
  require_at_least("one_cycle_lr", "total_steps", options.total_steps, 1);
  detail::require_not_negative("one_cycle_lr", "max_lr", options.max_lr);
  detail::require_fraction("one_cycle_lr", "pct_start", options.pct_start);
  detail::require_positive("one_cycle_lr", "div_factor", options.div_factor);
  detail::require_positive("one_cycle_lr", "final_div_factor", options.final_div_factor);
  detail::require_below_one("one_cycle_lr", "base_momentum", options.base_momentum);
  detail::require_below_one("one_cycle_lr", "max_momentum", options.max_momentum);
  // A point of a cycle that goes from `low` to `high` and then to `end`.
  const auto at = [options](std::int64_t e, double low, double high, double end) {
    const double last = number(options.total_steps - 1), now = std::min(number(e), last);
    const double top = options.pct_start * number(options.total_steps) - 1;
    const double down = options.three_phase ? 2 * top : last;
    if (now <= top) return anneal(low, high, top > 0 ? now / top : 1, options.linear);
    if (now <= down) {
      return anneal(high, options.three_phase ? low : end, (now - top) / (down - top),
                    options.linear);
    }
    return anneal(low, end, (now - down) / (last - down), options.linear);
  };
  Schedule result;
  result.last = options.total_steps;
  result.lr = [=](double base, std::int64_t e) {
    const double high = options.max_lr > 0 ? options.max_lr : base, low = high / options.div_factor;
    return at(e, low, high, low / options.final_div_factor);
  };
  if (options.cycle_momentum) {
    result.momentum = [=](std::int64_t e) {
      return at(e, options.max_momentum, options.base_momentum, options.max_momentum);
    };
  }
  return result;
}

LRScheduler::LRScheduler(Optimizer& optimizer, Schedule schedule)
    : optimizer_(&optimizer), schedule_(std::move(schedule)) {
  if (!schedule_.lr) throw ValueError("LRScheduler: the schedule has no function lr");
  if (schedule_.momentum && momentum_of(optimizer, 0) == nullptr) {
    throw ValueError(
        "LRScheduler: the schedule changes the momentum, but the optimizer has none: set "
        ".cycle_momentum = false");
  }
  move_to(0, all_bases());
}

// The base rates of all groups, including those that were added since the last step.
std::vector<double> LRScheduler::all_bases() const {
  std::vector<double> base = base_;
  while (std::ssize(base) < optimizer_->num_groups()) {
    base.push_back(optimizer_->lr(std::ssize(base)));
  }
  return base;
}

// Asks the schedule for everything before anything changes: it may call user functions, which can
// throw.
void LRScheduler::move_to(std::int64_t epoch, std::vector<double> base) {
  const double momentum = schedule_.momentum ? schedule_.momentum(epoch) : 0;
  std::vector<Rate> next;
  next.reserve(base.size());
  for (const double own : base) next.push_back({schedule_.lr(own, epoch), momentum});
  const std::vector<Rate> before = rates_in_force(base.size());
  try {
    set_rates(next);
  } catch (...) {
    set_rates(before);
    throw;
  }
  base_ = std::move(base);
  epoch_ = epoch;
}

std::vector<LRScheduler::Rate> LRScheduler::rates_in_force(std::size_t groups) const {
  std::vector<Rate> rates;
  for (std::int64_t group = 0; group < static_cast<std::int64_t>(groups); ++group) {
    const char* momentum = schedule_.momentum ? momentum_of(*optimizer_, group) : nullptr;
    rates.push_back({optimizer_->lr(group), momentum ? optimizer_->option(momentum, group) : 0});
  }
  return rates;
}

void LRScheduler::set_rates(const std::vector<Rate>& rates) {
  for (std::int64_t group = 0; group < std::ssize(rates); ++group) {
    const Rate& rate = rates[static_cast<std::size_t>(group)];
    optimizer_->set_lr(group, rate.lr);
    if (schedule_.momentum) {
      optimizer_->set_option(momentum_of(*optimizer_, group), rate.momentum, group);
    }
  }
}

std::int64_t LRScheduler::epoch() const {
  moved_.check("LRScheduler");
  return epoch_;
}

void LRScheduler::step() {
  moved_.check("LRScheduler");
  if (epoch_ >= schedule_.last) {
    throw ValueError(
        fmt::format("LRScheduler: step {}: the schedule has {} steps", epoch_ + 1, schedule_.last));
  }
  if (epoch_ == 0 && !optimizer_->has_stepped_ && !warned_) {
    detail::warn(
        fmt::format("LRScheduler: step() before the first step() of {}, which never uses the rate "
                    "of epoch 0: call the scheduler's step() after the optimizer's",
                    optimizer_->name()));
    warned_ = true;
  }
  move_to(epoch_ + 1, all_bases());
}

std::vector<double> LRScheduler::lr() const {
  moved_.check("LRScheduler");
  return rates_of(*optimizer_);
}

StateDict LRScheduler::state_dict() const {
  moved_.check("LRScheduler");
  StateDict state;
  state.metadata["scheduler.epoch"] = fmt::to_string(epoch_);
  state.metadata["scheduler.groups"] = fmt::to_string(base_.size());
  for (std::size_t i = 0; i < base_.size(); ++i) {
    state.metadata[fmt::format("scheduler.base.{}", i)] = fmt::to_string(base_[i]);
  }
  return state;
}

void LRScheduler::load_state_dict(const StateDict& state) {
  moved_.check("LRScheduler");
  detail::require_state_of("an LRScheduler", "scheduler", state, "scheduler.epoch");
  const auto epoch = detail::number_of<std::int64_t>(state, "scheduler.epoch");
  const auto groups = detail::number_of<std::int64_t>(state, "scheduler.groups");
  if (epoch < 0 || epoch > schedule_.last) {
    throw FormatError(fmt::format("load_state_dict: scheduler.epoch is {}", epoch));
  }
  if (groups < 0 || groups > optimizer_->num_groups()) {
    throw Error(fmt::format("load_state_dict: the scheduler's state is of {} groups, there are {}",
                            groups, optimizer_->num_groups()));
  }
  std::vector<double> base;
  for (std::int64_t i = 0; i < groups; ++i) {
    base.push_back(detail::number_of<double>(state, fmt::format("scheduler.base.{}", i)));
  }
  move_to(epoch, std::move(base));
}

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.maximize ? -std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::infinity()) {
  constexpr const char* name = "ReduceLROnPlateau";
  detail::require_below_one(name, "factor", options.factor);
  require_at_least(name, "patience", options.patience, 0);
  require_at_least(name, "cooldown", options.cooldown, 0);
  detail::require_not_negative(name, "threshold", options.threshold);
  detail::require_not_negative(name, "min_lr", options.min_lr);
  detail::require_not_negative(name, "eps", options.eps);
}

bool ReduceLROnPlateau::is_better(double metric) const {
  if (std::isinf(best_)) return options_.maximize ? metric > best_ : metric < best_;
  const double margin =
      options_.absolute ? options_.threshold : options_.threshold * std::abs(best_);
  return options_.maximize ? metric > best_ + margin : metric < best_ - margin;
}

void ReduceLROnPlateau::step(double metric) {
  moved_.check("ReduceLROnPlateau");
  if (is_better(metric)) {
    best_ = metric;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooldown_ > 0) {
    --cooldown_;
    bad_ = 0;
  }
  if (bad_ <= options_.patience) return;
  for (std::int64_t group = 0; group < optimizer_->num_groups(); ++group) {
    const double now = optimizer_->lr(group);
    const double next = std::max(now * options_.factor, options_.min_lr);
    if (now - next > options_.eps) optimizer_->set_lr(group, next);
  }
  cooldown_ = options_.cooldown;
  bad_ = 0;
}

std::vector<double> ReduceLROnPlateau::lr() const {
  moved_.check("ReduceLROnPlateau");
  return rates_of(*optimizer_);
}

StateDict ReduceLROnPlateau::state_dict() const {
  moved_.check("ReduceLROnPlateau");
  StateDict state;
  state.metadata["plateau.best"] = fmt::to_string(best_);
  state.metadata["plateau.bad"] = fmt::to_string(bad_);
  state.metadata["plateau.cooldown"] = fmt::to_string(cooldown_);
  state.metadata["plateau.maximize"] = options_.maximize ? "true" : "false";
  return state;
}

void ReduceLROnPlateau::load_state_dict(const StateDict& state) {
  moved_.check("ReduceLROnPlateau");
  detail::require_state_of("a ReduceLROnPlateau", "plateau", state, "plateau.best");
  detail::check_direction("a ReduceLROnPlateau", state, "plateau.maximize", options_.maximize);
  const auto best = detail::number_of<double>(state, "plateau.best");
  const auto bad = detail::number_of<std::int64_t>(state, "plateau.bad");
  const auto cooldown = detail::number_of<std::int64_t>(state, "plateau.cooldown");
  if (std::isnan(best) || bad < 0 || cooldown < 0) {
    throw FormatError(
        fmt::format("load_state_dict: plateau.best is {}, plateau.bad {}, plateau.cooldown {}: a "
                    "number and two counts are needed",
                    best, bad, cooldown));
  }
  cooldown_ = cooldown;
  best_ = best;
  bad_ = bad;
}

}  // namespace gradus
