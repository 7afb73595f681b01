#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/framework/module/detail/state_problems.h>
#include <gradus/optim/detail/state_text.h>
#include <gradus/optim/options.h>
#include <gradus/optim/training/early_stopping.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

constexpr const char* best_key = "early_stopping.best";
constexpr const char* best_step_key = "early_stopping.best_step";
constexpr const char* steps_key = "early_stopping.steps";
constexpr const char* bad_key = "early_stopping.bad";
constexpr const char* maximize_key = "early_stopping.maximize";
constexpr const char* kept_key = "best_weights.kept";

// What a checkpoint has of a model: all but the tables that are mapped from a file.
StateDict writable(const StateDict& state) {
  StateDict result;
  for (const StateEntry& entry : state) {
    if (!entry.tensor.is_read_only()) result.set(entry.name, entry.tensor);
  }
  return result;
}

// Throws an error that lists everything in which a state differs from that of a model.
void check_alike(const StateDict& state, const StateDict& model) {
  using Kind = detail::StateProblems::Kind;
  detail::StateProblems problems;
  std::vector<std::string> missing, unexpected;
  for (const auto& [path, target, frozen] : model) {
    const StateEntry* entry = state.find(path);
    if (entry == nullptr) {
      missing.push_back(path);
    } else if (!entry->tensor.defined()) {
      problems.add(Kind::value, fmt::format("the best {} is undefined", path));
    } else if (entry->tensor.shape() != target.shape()) {
      problems.add(Kind::shape, fmt::format("the best {} is {}, that of the model {}", path,
                                            entry->tensor.shape().str(), target.shape().str()));
    } else if (entry->tensor.dtype() != target.dtype()) {
      problems.add(Kind::dtype, fmt::format("the best {} is {}, that of the model {}", path,
                                            name(entry->tensor.dtype()), name(target.dtype())));
    }
  }
  for (const StateEntry& entry : state) {
    if (!model.contains(entry.name)) unexpected.push_back(entry.name);
  }
  if (!missing.empty() || !unexpected.empty()) {
    problems.add(
        Kind::other,
        fmt::format("best weights missing in the state: [{}]; unexpected in it: [{}]",
                    detail::printable_names(missing), detail::printable_names(unexpected)));
  }
  problems.raise();
}

}  // namespace

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& options)
    : options_(options),
      best_(options.maximize ? -std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::infinity()) {
  detail::require_at_least("EarlyStopping", "patience", options.patience, 1);
  detail::require_not_negative("EarlyStopping", "min_delta", options.min_delta);
}

bool EarlyStopping::step(double metric) {
  const bool better =
      options_.maximize ? metric > best_ + options_.min_delta : metric < best_ - options_.min_delta;
  if (better) {
    best_ = metric;
    best_step_ = steps_;
  }
  ++steps_;
  bad_ = better ? 0 : bad_ + 1;
  return better;
}

bool EarlyStopping::should_stop() const { return bad_ >= options_.patience; }

StateDict EarlyStopping::state_dict() const {
  StateDict state;
  state.metadata[best_key] = fmt::to_string(best_);
  state.metadata[best_step_key] = fmt::to_string(best_step_);
  state.metadata[steps_key] = fmt::to_string(steps_);
  state.metadata[bad_key] = fmt::to_string(bad_);
  state.metadata[maximize_key] = options_.maximize ? "true" : "false";
  return state;
}

void EarlyStopping::load_state_dict(const StateDict& state) {
  detail::require_state_of("an EarlyStopping", "stopping", state, best_key);
  detail::check_direction("an EarlyStopping", state, maximize_key, options_.maximize);
  const auto best = detail::number_of<double>(state, best_key);
  const auto best_step = detail::number_of<std::int64_t>(state, best_step_key);
  const auto steps = detail::number_of<std::int64_t>(state, steps_key);
  const auto bad = detail::number_of<std::int64_t>(state, bad_key);
  if (std::isnan(best) || steps < 0 || best_step < -1 || best_step >= steps || bad < 0 ||
      bad > steps) {
    throw FormatError(
        fmt::format("load_state_dict: {} is {}, {} {}, {} {}, {} {}: a number and the counts of a "
                    "run are needed",
                    best_key, best, best_step_key, best_step, steps_key, steps, bad_key, bad));
  }
  best_ = best;
  best_step_ = best_step;
  steps_ = steps;
  bad_ = bad;
}

BestWeights::BestWeights(Module model) : model_(std::move(model)) {}

void BestWeights::keep() { kept_ = snapshot(model_); }

void BestWeights::restore() const {
  if (empty()) {
    throw ValueError(
        "BestWeights: restore() before the first keep(): no evaluation was the best so far (is the "
        "metric NaN?)");
  }
  gradus::restore(model_, kept_);
}

StateDict BestWeights::state_dict() const {
  StateDict state = writable(kept_);
  state.metadata[kept_key] = empty() ? "false" : "true";
  return state;
}

void BestWeights::load_state_dict(const StateDict& state) {
  detail::require_state_of("BestWeights", "best", state, kept_key);
  StateDict loaded;
  if (detail::flag_of(state, kept_key)) {
    const StateDict model = model_.state_dict();
    check_alike(state, writable(model));
    for (const auto& [path, tensor, frozen] : model) {
      loaded.set(path, tensor.is_read_only() ? tensor : state.at(path).clone());
    }
  }
  kept_ = std::move(loaded);
}

}  // namespace gradus
