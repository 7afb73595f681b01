#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/module/detail/named_parameters.h>
#include <gradus/optim/detail/writable.h>
#include <gradus/optim/training/accumulate.h>

#include <limits>
#include <utility>

namespace gradus {

GradientAccumulator::GradientAccumulator(std::vector<NamedParameter> parameters)
    : parameters_(std::move(parameters)) {
  detail::check_defined("GradientAccumulator", parameters_);
}

void GradientAccumulator::backward(const Tensor& sum, std::int64_t count) {
  moved_.check("GradientAccumulator");
  if (count < 0) {
    throw ValueError(
        fmt::format("GradientAccumulator: count is {}, it must not be negative", count));
  }
  if (count > std::numeric_limits<std::int64_t>::max() - count_) {
    throw ValueError(fmt::format(
        "GradientAccumulator: count is {}: with the {} before it, the sum is above 2^63 - 1", count,
        count_));
  }
  sum.backward();  // throws unless it is a single number
  sum_ += sum.item();
  count_ += count;
}

double GradientAccumulator::finish() {
  moved_.check("GradientAccumulator");
  if (count_ == 0) return 0;
  const NoGradGuard no_grad;
  const auto n = static_cast<double>(count_);
  for (const NamedParameter& target : parameters_) {
    if (target.parameter.trainable()) {
      detail::require_writable_gradient("GradientAccumulator", target);
    }
  }
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
