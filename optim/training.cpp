#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/error.h>
#include <gradus/framework/gradient.h>
#include <gradus/optim/finite.h>
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
  if (const std::int64_t bad = detail::first_not_finite(loss); bad >= 0) {
    throw ValueError(fmt::format("check_finite: the loss is {}", detail::element(loss, bad)));
  }
  for (const auto& [path, parameter] : parameters) {
    const Gradient& gradient = parameter.grad();
    if (!parameter.trainable() || gradient.empty()) continue;
    const bool sparse = gradient.is_sparse();
    const Tensor values = sparse ? gradient.sparse().values() : gradient.dense();
    const std::int64_t bad = detail::first_not_finite(values);
    if (bad < 0) continue;
    const std::string where =
        sparse
            ? fmt::format(
                  "row {}",
                  gradient.sparse().ids().data<std::int64_t>()[bad / gradient.sparse().row_size()])
            : fmt::format("element {}", bad);
    throw ValueError(fmt::format("check_finite: the gradient of {} {} is {} in {}", path,
                                 parameter.shape().str(), detail::element(values, bad), where));
  }
}

GradientAccumulator::GradientAccumulator(std::vector<NamedParameter> parameters)
    : parameters_(std::move(parameters)) {}

void GradientAccumulator::backward(const Tensor& sum, std::int64_t count) {
  moved_.check("GradientAccumulator");
  if (count < 0) {
    throw ValueError(
        fmt::format("GradientAccumulator: count is {}, it must not be negative", count));
  }
  sum.backward();  // throws unless it is one number
  sum_ += sum.item();
  count_ += count;
}

double GradientAccumulator::finish() {
  moved_.check("GradientAccumulator");
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

}  // namespace gradus
