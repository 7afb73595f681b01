#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/radam.h>

#include <cmath>

namespace gradus {
namespace {

template <class T>
struct RAdamRule {
  static constexpr std::int64_t cost = 4;
  T sign, decay, shrink, beta1, rest1, beta2, rest2;
  T step, scale, eps;  // w -= step m scale / (sqrt(v) + eps), or step m if scale is 0

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict m,
                  T* __restrict v) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      const T adapted = scale > 0 ? scale / (std::sqrt(v[i]) + eps) : T{1};
      w[i] = shrink * w[i] - step * m[i] * adapted;
    }
  }
};

}  // namespace

std::vector<OptionField> option_fields(RAdamOptions& options) {
  return {{"lr", options.lr},
          {"betas.0", options.betas[0]},
          {"betas.1", options.betas[1]},
          {"eps", options.eps},
          {"weight_decay", options.weight_decay},
          {"decoupled_weight_decay", options.decoupled_weight_decay},
          {"maximize", options.maximize}};
}

void check_options(const RAdamOptions& options) {
  detail::require_not_negative("RAdam", "lr", options.lr);
  detail::require_below_one("RAdam", "betas[0]", options.betas[0]);
  detail::require_below_one("RAdam", "betas[1]", options.betas[1]);
  detail::require_not_negative("RAdam", "eps", options.eps);
  detail::require_not_negative("RAdam", "weight_decay", options.weight_decay);
}

RAdam::RAdam(const std::vector<NamedParameter>& parameters, const RAdamOptions& options)
    : RAdam(std::vector<ParameterGroup<RAdamOptions>>{{parameters, options}}) {}

RAdam::RAdam(const std::vector<ParameterGroup<RAdamOptions>>& groups)
    : OptimizerWith("RAdam", {"exp_avg", "exp_avg_sq"}, groups) {}

bool RAdam::uses_buffer(std::size_t, std::int64_t) const { return true; }

void RAdam::check_gradient(const Slot& slot) const { require_dense(slot); }

void RAdam::update(Slot& slot) {
  const RAdamOptions& options = options_of(slot);
  const std::int64_t t = ++slot.state.steps;
  const bool decoupled = options.decoupled_weight_decay;
  const auto [beta1, beta2] = options.betas;
  const auto step_number = static_cast<double>(t);
  const double power2 = std::pow(beta2, step_number);
  const double step = options.lr / (1 - std::pow(beta1, step_number));
  const double most = 2 / (1 - beta2) - 1;
  const double length = most - 2 * step_number * power2 / (1 - power2);
  const double scale = length > 5 ? std::sqrt((length - 4) * (length - 2) * most /
                                              ((most - 4) * (most - 2) * length) * (1 - power2))
                                  : 0;
  detail::dispatch_float(slot.parameter().dtype(), "RAdam", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const RAdamRule<T> rule{options.maximize ? T{-1} : T{1},
                            cast(decoupled ? 0 : options.weight_decay),
                            cast(decoupled ? 1 - options.lr * options.weight_decay : 1),
                            cast(options.betas[0]),
                            cast(1 - options.betas[0]),
                            cast(options.betas[1]),
                            cast(1 - options.betas[1]),
                            cast(step),
                            cast(scale),
                            cast(options.eps)};
    detail::update_dense<T>(rule, slot.parameter(), slot.state.buffers[0], slot.state.buffers[1]);
  });
}

}  // namespace gradus
