#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/error.h>
#include <gradus/framework/gradient.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/parallel.h>
#include <gradus/optim/optimizer.h>
#include <gradus/optim/state_text.h>
#include <gradus/optim/training.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace gradus {
namespace {

// `*` is any characters, `?` is one; goes back to the last `*` where the rest does not match.
bool matches(std::string_view path, std::string_view pattern) {
  std::size_t i = 0, k = 0, retry = 0, star = std::string_view::npos;
  while (i < path.size()) {
    if (k < pattern.size() && pattern[k] == '*') {
      star = k++;
      retry = i;
    } else if (k < pattern.size() && (pattern[k] == '?' || pattern[k] == path[i])) {
      ++i, ++k;
    } else if (star != std::string_view::npos) {
      k = star + 1;
      i = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', k) == std::string_view::npos;
}

std::string paths_of(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> paths;
  paths.reserve(parameters.size());
  for (const NamedParameter& target : parameters) paths.push_back(target.path);
  return fmt::format("{}", fmt::join(paths, ", "));
}

std::int64_t set_trainable(const char* name, const std::vector<NamedParameter>& parameters,
                           std::string_view pattern, bool trainable) {
  std::int64_t n = 0;
  for (const NamedParameter& target : parameters) {
    if (trainable && target.parameter.is_read_only() && matches(target.path, pattern)) {
      throw ValueError(
          fmt::format("{}: {} {} is mapped from a file, read-only: take another pattern", name,
                      target.path, target.parameter.shape().str()));
    }
  }
  for (const NamedParameter& target : parameters) {
    if (!matches(target.path, pattern)) continue;
    target.parameter.set_trainable(trainable);
    ++n;
  }
  if (n > 0) return n;
  throw ValueError(fmt::format("{}: no parameter matches '{}': there are {}", name, pattern,
                               paths_of(parameters)));
}

// The first element that is not finite, or -1.
std::int64_t first_bad(const Tensor& values) {
  return detail::dispatch_float(values.dtype(), "check_finite", [&]<class T>(T) {
    const T* begin = values.data<T>();
    const T* end = begin + values.numel();
    const T* found = std::find_if(begin, end, [](T value) { return !std::isfinite(value); });
    return found == end ? std::int64_t{-1} : static_cast<std::int64_t>(found - begin);
  });
}

double element(const Tensor& values, std::int64_t i) {
  return detail::dispatch_float(values.dtype(), "check_finite", [&]<class T>(T) {
    return static_cast<double>(values.data<T>()[i]);
  });
}

}  // namespace

std::int64_t freeze(const std::vector<NamedParameter>& parameters, std::string_view pattern) {
  return set_trainable("freeze", parameters, pattern, false);
}

std::int64_t unfreeze(const std::vector<NamedParameter>& parameters, std::string_view pattern) {
  return set_trainable("unfreeze", parameters, pattern, true);
}

std::vector<std::vector<NamedParameter>> split_by_pattern(
    const std::vector<NamedParameter>& parameters, const std::vector<std::string>& patterns) {
  std::vector<std::vector<NamedParameter>> lists(patterns.size() + 1);
  for (const NamedParameter& target : parameters) {
    const auto found =
        std::find_if(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(target.path, pattern); });
    lists[static_cast<std::size_t>(found - patterns.begin())].push_back(target);
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!lists[i].empty()) continue;
    throw ValueError(fmt::format("split_by_pattern: no parameter is left for '{}': there are {}",
                                 patterns[i], paths_of(parameters)));
  }
  return lists;
}

void check_finite(const Tensor& loss, const std::vector<NamedParameter>& parameters) {
  if (const std::int64_t bad = first_bad(loss); bad >= 0) {
    throw ValueError(fmt::format("check_finite: the loss is {}", element(loss, bad)));
  }
  for (const auto& [path, parameter] : parameters) {
    const Gradient& gradient = parameter.grad();
    if (!parameter.trainable() || gradient.empty()) continue;
    const bool sparse = gradient.is_sparse();
    const Tensor values = sparse ? gradient.sparse().values() : gradient.dense();
    const std::int64_t bad = first_bad(values);
    if (bad < 0) continue;
    const std::string where =
        sparse
            ? fmt::format(
                  "row {}",
                  gradient.sparse().ids().data<std::int64_t>()[bad / gradient.sparse().row_size()])
            : fmt::format("element {}", bad);
    throw ValueError(fmt::format("check_finite: the gradient of {} {} is {} in {}", path,
                                 parameter.shape().str(), element(values, bad), where));
  }
}

void save_checkpoint(const StateDict& state, const std::string& path) {
  for (const StateEntry& entry : state) {
    if (!is_floating(entry.tensor.dtype())) continue;
    const std::int64_t bad = first_bad(entry.tensor);
    if (bad < 0) continue;
    throw ValueError(fmt::format("save_checkpoint: {} {} is {} in element {}: {} stays as it was",
                                 entry.name, entry.tensor.shape().str(), element(entry.tensor, bad),
                                 bad, path));
  }
  save(state, path);
}

GradientAccumulator::GradientAccumulator(std::vector<NamedParameter> parameters)
    : parameters_(std::move(parameters)) {}

void GradientAccumulator::backward(const Tensor& sum, std::int64_t count) {
  if (count < 0) {
    throw ValueError(
        fmt::format("gradient_accumulator: count is {}, it must not be negative", count));
  }
  const double value = element(sum, 0);
  sum.backward();
  sum_ += value;
  count_ += count;
}

double GradientAccumulator::finish() {
  if (count_ == 0) return 0;
  const NoGradGuard no_grad;
  const auto n = static_cast<double>(count_);
  for (const NamedParameter& target : parameters_) {
    const Gradient& gradient = target.parameter.grad();
    if (!target.parameter.trainable() || gradient.empty()) continue;
    gradient.is_dense() ? static_cast<void>(gradient.dense().mul_(1 / n))
                        : gradient.sparse().mul_(1 / n);
  }
  count_ = 0;
  return std::exchange(sum_, 0) / n;
}

AveragedParameters::AveragedParameters(std::vector<NamedParameter> parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  detail::require_below_one("averaged_parameters", "decay", decay);
  for (const NamedParameter& target : parameters_) {
    const Tensor values = target.parameter.detach();
    averages_.push_back(values.is_read_only() ? values : values.clone());
  }
}

void AveragedParameters::update() {
  const NoGradGuard no_grad;
  ++updates_;
  const double part = decay_ > 0 ? 1 - decay_ : 1 / static_cast<double>(updates_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i].parameter;
    if (parameter.is_read_only()) continue;
    if (updates_ == 1 || !parameter.trainable()) {
      averages_[i].copy_(parameter);
      continue;
    }
    detail::dispatch_float(parameter.dtype(), "averaged_parameters", [&]<class T>(T) {
      const T* w = parameter.data<T>();
      T* a = averages_[i].mutable_data<T>();
      const T step = static_cast<T>(part);
      parallel_for(parameter.numel(), 2, [&](std::int64_t k, std::int64_t end) {
        for (; k < end; ++k) a[k] += step * (w[k] - a[k]);
      });
    });
  }
}

void AveragedParameters::swap() {
  if (updates_ == 0) throw ValueError("averaged_parameters: swap before the first update");
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].parameter.is_read_only()) continue;
    const Tensor before = parameters_[i].parameter.detach().clone();
    parameters_[i].parameter.copy_(averages_[i]);
    averages_[i].copy_(before);
  }
}

StateDict AveragedParameters::state_dict() const {
  StateDict state;
  state.metadata["averages.updates"] = fmt::to_string(updates_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& average = averages_[i];
    state.set(parameters_[i].path, average.is_read_only() ? average : average.clone());
  }
  return state;
}

void AveragedParameters::load_state_dict(const StateDict& state) {
  const auto updates = detail::number_of<std::int64_t>(state, "averages.updates");
  std::vector<Tensor> loaded;
  for (const NamedParameter& target : parameters_) {
    const Tensor& average = state.at(target.path);
    if (average.shape() != target.parameter.shape()) {
      throw ShapeError(fmt::format("load_state_dict: the average of {} is {}, its parameter is {}",
                                   target.path, average.shape().str(),
                                   target.parameter.shape().str()));
    }
    if (average.dtype() != target.parameter.dtype()) {
      throw DTypeError(fmt::format("load_state_dict: the average of {} is {}, its parameter is {}",
                                   target.path, name(average.dtype()),
                                   name(target.parameter.dtype())));
    }
    loaded.push_back(target.parameter.is_read_only() ? target.parameter.detach() : average.clone());
  }
  averages_ = std::move(loaded);
  updates_ = updates;
}

std::function<void()> AveragedParameters::follow_rows(const Tensor& parameter,
                                                      const RowPlan& plan) {
  const auto place = std::find_if(
      parameters_.begin(), parameters_.end(),
      [&](const NamedParameter& target) { return target.parameter.is_same(parameter); });
  if (place == parameters_.end()) {
    throw ValueError(
        fmt::format("averaged_parameters: the parameter {} that gets other rows is none of its own",
                    parameter.shape().str()));
  }
  Tensor& average = averages_[static_cast<std::size_t>(place - parameters_.begin())];
  Tensor moved = plan.values.clone();
  const std::int64_t D = parameter.shape().numel(1, parameter.dim());
  detail::dispatch_float(average.dtype(), "averaged_parameters", [&]<class T>(T) {
    T* out = moved.mutable_data<T>();
    for (const std::int64_t source : plan.sources.span<std::int64_t>()) {
      if (source >= 0) std::copy_n(average.data<T>() + source * D, D, out);
      out += D;
    }
  });
  return [&average, moved]() mutable { average = std::move(moved); };
}

}  // namespace gradus
