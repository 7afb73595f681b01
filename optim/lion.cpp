#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/lion.h>

#include <cmath>

namespace gradus {
namespace {

template <class T>
struct LionRule {
  static constexpr std::int64_t cost = 3;
  T shrink, lr, beta1, rest1, beta2, rest2;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w,
                  T* __restrict m) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = gradient[i];
      const T along = beta1 * m[i] + rest1 * g;
      const T sign = along > 0 ? T{1} : along < 0 ? T{-1} : along;  // 0 and NaN stay
      w[i] = shrink * w[i] - lr * sign;
      m[i] = beta2 * m[i] + rest2 * g;
    }
  }
};

}  // namespace

std::vector<OptionField> option_fields(LionOptions& options) {
  return {{"lr", options.lr},
          {"betas.0", options.betas[0]},
          {"betas.1", options.betas[1]},
          {"weight_decay", options.weight_decay}};
}

void check_options(const LionOptions& options) {
  detail::require_not_negative("Lion", "lr", options.lr);
  detail::require_below_one("Lion", "betas[0]", options.betas[0]);
  detail::require_below_one("Lion", "betas[1]", options.betas[1]);
  detail::require_not_negative("Lion", "weight_decay", options.weight_decay);
}

Lion::Lion(const std::vector<NamedParameter>& parameters, const LionOptions& options)
    : Lion(std::vector<ParameterGroup<LionOptions>>{{parameters, options}}) {}

Lion::Lion(const std::vector<ParameterGroup<LionOptions>>& groups)
    : OptimizerWith("Lion", {"exp_avg"}, groups) {}

bool Lion::uses_buffer(std::size_t, std::int64_t) const { return true; }

void Lion::check_gradient(const Slot& slot) const { require_dense(slot); }

void Lion::update(Slot& slot) {
  const LionOptions& options = options_of(slot);
  ++slot.state.steps;
  detail::dispatch_float(slot.parameter().dtype(), "Lion", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const LionRule<T> rule{cast(1 - options.lr * options.weight_decay),
                           cast(options.lr),
                           cast(options.betas[0]),
                           cast(1 - options.betas[0]),
                           cast(options.betas[1]),
                           cast(1 - options.betas[1])};
    detail::update_dense<T>(rule, slot.parameter(), slot.state.buffers[0]);
  });
}

}  // namespace gradus
