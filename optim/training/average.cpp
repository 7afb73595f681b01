#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/module/detail/named_parameters.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/framework/module/detail/state_problems.h>
#include <gradus/optim/detail/row_order.h>
#include <gradus/optim/detail/state_text.h>
#include <gradus/optim/options.h>
#include <gradus/optim/training/average.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace gradus {
namespace {

constexpr const char* updates_key = "averages.updates";
std::string seen_key(const std::string& path) { return path + ".updates"; }

// a += part (w - a)
template <class T>
void blend(std::int64_t n, double part, const T* w, T* a) {
  const T step = static_cast<T>(part);
  for (std::int64_t i = 0; i < n; ++i) a[i] += step * (w[i] - a[i]);
}

}  // namespace

AveragedParameters::AveragedParameters(std::vector<NamedParameter> parameters, double decay,
                                       const AverageOptions& options)
    : parameters_(std::move(parameters)), decay_(decay), options_(options) {
  detail::require_below_one("AveragedParameters", "decay", decay);
  detail::check_defined("AveragedParameters", parameters_);
  for (const NamedParameter& target : parameters_) {
    const Tensor values = target.parameter.detach();
    averages_.push_back({values.is_read_only() ? values : values.clone()});
  }
}

void AveragedParameters::check_not_swapped(const char* operation) const {
  moved_.check("AveragedParameters");
  if (!swapped_) return;
  throw ValueError(fmt::format(
      "AveragedParameters: {} while the parameters hold the averages: call swap() first",
      operation));
}

void AveragedParameters::check_shape(std::size_t i) const {
  const auto& [path, parameter] = parameters_[i];
  const Shape& own = averages_[i].values.shape();
  if (own == parameter.shape()) return;
  throw ShapeError(
      fmt::format("AveragedParameters: the average of {} is {}, its parameter is {} now: resize it "
                  "with .followers = {{&averages}}, or make new averages",
                  path, own.str(), parameter.shape().str()));
}

void AveragedParameters::check_shapes() const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) check_shape(i);
}

// Converts the averages if the model was converted.
void AveragedParameters::convert() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& values = averages_[i].values;
    values = values.to(parameters_[i].parameter.dtype());
  }
}

// The weight of values that did not change during the last `missed` updates.
double AveragedParameters::part(std::int64_t missed) const {
  const auto n = static_cast<double>(missed);
  return decay_ > 0 ? 1 - std::pow(decay_, n) : n / static_cast<double>(updates_);
}

void AveragedParameters::copy(const Parameter& parameter, Average& average) const {
  average.values.copy_(parameter);
  average.seen = updates_;
  average.rows_seen.clear();
  average.copy_of = no_version;
}

// Copies only if the values have changed since the last copy: a frozen table costs nothing.
void AveragedParameters::follow_frozen(const Parameter& parameter, Average& average) const {
  average.seen = updates_;
  if (parameter.is_read_only()) return;
  const std::uint64_t version = detail::Access::body(parameter).storage->version();
  if (average.copy_of != version) copy(parameter, average);
  average.copy_of = version;
}

// Applies to each of n rows, row_of(k), the updates that it has missed.
template <class RowOf>
void AveragedParameters::blend_rows(const Parameter& parameter, Average& average, std::int64_t n,
                                    RowOf row_of) const {
  const std::int64_t D = parameter.shape().numel(1, parameter.dim());
  visit_float("AveragedParameters", parameter, [&]<class T>(T) {
    const T* w = parameter.data<T>();
    T* a = average.values.mutable_data<T>();
    parallel_for_each(n, 2 * D, [&](std::int64_t k) {
      const std::int64_t row = row_of(k);
      std::int64_t& seen = average.rows_seen[static_cast<std::size_t>(row)];
      if (seen == updates_) return;
      blend(D, part(updates_ - seen), w + row * D, a + row * D);
      seen = updates_;
    });
  });
}

// Applies all updates that a parameter, or each of its rows, has missed.
void AveragedParameters::catch_up(const Parameter& parameter, Average& average) const {
  if (!parameter.trainable()) return follow_frozen(parameter, average);
  average.copy_of = no_version;
  if (!average.rows_seen.empty()) {
    blend_rows(parameter, average, parameter.shape()[0], [](std::int64_t k) { return k; });
    average.rows_seen.clear();
  } else if (average.seen == 0) {
    return copy(parameter, average);
  } else if (average.seen < updates_) {
    const double weight = part(updates_ - average.seen);
    visit_float("AveragedParameters", parameter, [&]<class T>(T) {
      const T* w = parameter.data<T>();
      T* a = average.values.mutable_data<T>();
      parallel_for(parameter.numel(), 2, [&](std::int64_t begin, std::int64_t end) {
        blend(end - begin, weight, w + begin, a + begin);
      });
    });
  }
  average.seen = updates_;
}

// The same for the rows that the gradient holds.
void AveragedParameters::catch_up_rows(const Parameter& parameter, Average& average) const {
  average.copy_of = no_version;
  if (average.rows_seen.empty()) {
    average.rows_seen.assign(static_cast<std::size_t>(parameter.shape()[0]), average.seen);
  }
  detail::RowOrder order;
  order.sort(parameter.grad().sparse());
  blend_rows(parameter, average, order.size(), [&](std::int64_t k) { return order.row(k); });
}

void AveragedParameters::update() {
  check_not_swapped("update");
  check_shapes();
  const NoGradGuard no_grad;
  convert();
  ++updates_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i].parameter;
    const Gradient& gradient = parameter.grad();
    const bool waits = options_.by_rows && updates_ > 1;
    if (waits && parameter.trainable() && gradient.is_sparse()) {
      catch_up_rows(parameter, averages_[i]);
    } else if (!waits || !parameter.trainable() || gradient.is_dense()) {
      catch_up(parameter, averages_[i]);
    }
  }
}

void AveragedParameters::swap() {
  moved_.check("AveragedParameters");
  if (updates_ == 0) throw ValueError("AveragedParameters: swap before the first update");
  check_shapes();
  const NoGradGuard no_grad;
  convert();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i].parameter;
    if (parameter.is_read_only()) continue;
    if (!swapped_) catch_up(parameter, averages_[i]);
    const Tensor before = parameter.detach().clone();
    parameter.copy_(averages_[i].values);
    averages_[i].values.copy_(before);
  }
  swapped_ = !swapped_;
}

StateDict AveragedParameters::averages() const {
  check_not_swapped("averages()");
  check_shapes();
  const NoGradGuard no_grad;
  StateDict result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i].parameter;
    Average average = averages_[i];
    average.values = average.values.to(parameter.dtype());
    if (!average.values.is_read_only()) average.values = average.values.clone();
    if (updates_ > 0) catch_up(parameter, average);
    result.set(parameters_[i].path, average.values);
  }
  return result;
}

StateDict AveragedParameters::state_dict() const {
  check_not_swapped("state_dict()");
  check_shapes();
  StateDict state;
  state.metadata[updates_key] = fmt::to_string(updates_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Average& average = averages_[i];
    const auto& [path, parameter] = parameters_[i];
    const Tensor values = average.values.to(parameter.dtype());
    state.set(path, values.is_read_only() ? values : values.clone());
    if (!average.rows_seen.empty()) {
      state.set(seen_key(path), tensor(average.rows_seen));
    } else if (average.seen != updates_) {
      state.metadata[seen_key(path)] = fmt::to_string(average.seen);
    }
  }
  return state;
}

// Throws an error that lists everything that is wrong with the names and tensors of a state.
void AveragedParameters::check_averages(const StateDict& state) const {
  using Kind = detail::StateProblems::Kind;
  detail::StateProblems problems;
  std::vector<std::string> missing;
  for (const auto& [path, parameter] : parameters_) {
    const StateEntry* entry = state.find(path);
    if (entry == nullptr) {
      missing.push_back(path + " " + parameter.shape().str());
    } else if (!entry->tensor.defined()) {
      problems.add(Kind::value, fmt::format("the average of {} is undefined", path));
    } else if (entry->tensor.shape() != parameter.shape()) {
      problems.add(Kind::shape, fmt::format("the average of {} is {}, its parameter is {}", path,
                                            entry->tensor.shape().str(), parameter.shape().str()));
    } else if (entry->tensor.dtype() != parameter.dtype()) {
      problems.add(Kind::dtype, fmt::format("the average of {} is {}, its parameter is {}", path,
                                            name(entry->tensor.dtype()), name(parameter.dtype())));
    }
  }
  if (!missing.empty()) {
    problems.add(Kind::other,
                 fmt::format("averages are missing in the state: [{}]", fmt::join(missing, ", ")));
  }
  problems.raise();
}

AveragedParameters::Average AveragedParameters::load_average(const NamedParameter& target,
                                                             const StateDict& state,
                                                             std::int64_t updates) const {
  const auto& [path, parameter] = target;
  const Tensor& values = state.at(path);
  Average average{parameter.is_read_only() ? parameter.detach() : values.clone(), updates};
  const std::string key = seen_key(path);
  if (state.metadata.contains(key)) average.seen = detail::number_of<std::int64_t>(state, key);
  if (const StateEntry* rows = state.find(key)) {
    const Tensor& seen = rows->tensor;
    if (seen.dtype() != DType::int64 || parameter.dim() == 0 ||
        seen.shape() != Shape{parameter.shape()[0]}) {
      throw ShapeError(
          fmt::format("load_state_dict: {} is {} {}, it must be a number for each row "
                      "of {}",
                      key, name(seen.dtype()), seen.shape().str(), parameter.shape().str()));
    }
    average.rows_seen.assign(seen.span<std::int64_t>().begin(), seen.span<std::int64_t>().end());
  }
  const auto wrong = [updates](std::int64_t n) { return n < (updates > 0 ? 1 : 0) || n > updates; };
  if (wrong(average.seen) ||
      std::any_of(average.rows_seen.begin(), average.rows_seen.end(), wrong)) {
    throw FormatError(fmt::format("load_state_dict: {} is not in [1, {}]", key, updates));
  }
  return average;
}

void AveragedParameters::load_state_dict(const StateDict& state) {
  check_not_swapped("load_state_dict()");
  detail::require_state_of("AveragedParameters", "averages", state, updates_key);
  const auto updates = detail::number_of<std::int64_t>(state, updates_key);
  if (updates < 0) {
    throw FormatError(fmt::format("load_state_dict: {} is {}", updates_key, updates));
  }
  check_averages(state);
  std::vector<Average> loaded;
  loaded.reserve(parameters_.size());
  for (const NamedParameter& target : parameters_) {
    loaded.push_back(load_average(target, state, updates));
  }
  averages_ = std::move(loaded);
  updates_ = updates;
}

std::function<void()> AveragedParameters::follow_rows(const Tensor& parameter,
                                                      const RowPlan& plan) {
  moved_.check("AveragedParameters");
  const auto place = std::find_if(
      parameters_.begin(), parameters_.end(),
      [&](const NamedParameter& target) { return target.parameter.is_same(parameter); });
  if (place == parameters_.end()) {
    throw ValueError(
        fmt::format("AveragedParameters: the parameter {}, whose rows change, is not one of its "
                    "parameters: pass the averages that it is part of as followers",
                    parameter.shape().str()));
  }
  const auto index = static_cast<std::size_t>(place - parameters_.begin());
  check_shape(index);
  Average& average = averages_[index];
  Average moved{plan.values.clone(), average.seen};
  const Tensor values = average.values.to(parameter.dtype());
  const std::int64_t D = parameter.shape().numel(1, parameter.dim());
  visit_float("AveragedParameters", values, [&]<class T>(T) {
    T* out = moved.values.mutable_data<T>();
    for (const std::int64_t source : plan.sources.span<std::int64_t>()) {
      if (source >= 0) std::copy_n(values.data<T>() + source * D, D, out);
      if (!average.rows_seen.empty()) {
        moved.rows_seen.push_back(source < 0 ? updates_
                                             : average.rows_seen[static_cast<std::size_t>(source)]);
      }
      out += D;
    }
  });
  return [&average, moved]() mutable { average = std::move(moved); };
}

}  // namespace gradus
