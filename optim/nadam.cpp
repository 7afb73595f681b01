#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/nadam.h>

#include <cmath>

namespace gradus {
namespace {

template <class T>
struct NAdamRule {
  static constexpr std::int64_t cost = 4;
  T sign, decay, shrink, beta1, rest1, beta2, rest2;
  T by_gradient, by_mean, root_scale,
      eps;  // w -= (by_gradient g + by_mean m) / (root_scale sqrt(v) + eps)

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict m,
                  T* __restrict v) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      w[i] =
          shrink * w[i] - (by_gradient * g + by_mean * m[i]) / (root_scale * std::sqrt(v[i]) + eps);
    }
  }
};

}  // namespace

std::vector<OptionField> option_fields(NAdamOptions& options) {
  return {{"lr", options.lr},
          {"betas.0", options.betas[0]},
          {"betas.1", options.betas[1]},
          {"eps", options.eps},
          {"weight_decay", options.weight_decay},
          {"momentum_decay", options.momentum_decay},
          {"decoupled_weight_decay", options.decoupled_weight_decay},
          {"maximize", options.maximize}};
}

void check_options(const NAdamOptions& options) {
  detail::require_not_negative("NAdam", "lr", options.lr);
  detail::require_below_one("NAdam", "betas[0]", options.betas[0]);
  detail::require_below_one("NAdam", "betas[1]", options.betas[1]);
  detail::require_not_negative("NAdam", "eps", options.eps);
  detail::require_not_negative("NAdam", "weight_decay", options.weight_decay);
  detail::require_not_negative("NAdam", "momentum_decay", options.momentum_decay);
}

NAdam::NAdam(const std::vector<NamedParameter>& parameters, const NAdamOptions& options)
    : NAdam(std::vector<ParameterGroup<NAdamOptions>>{{parameters, options}}) {}

NAdam::NAdam(const std::vector<ParameterGroup<NAdamOptions>>& groups)
    : OptimizerWith("NAdam", {"exp_avg", "exp_avg_sq"}, groups) {}

bool NAdam::uses_buffer(std::size_t, std::int64_t) const { return true; }

void NAdam::check_gradient(const Slot& slot) const { require_dense(slot); }

void NAdam::update(Slot& slot) {
  const NAdamOptions& options = options_of(slot);
  const std::int64_t t = ++slot.state.steps;
  const bool decoupled = options.decoupled_weight_decay;
  const auto mu_of = [&](std::int64_t step) {
    return options.betas[0] *
           (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * options.momentum_decay));
  };
  const double mu = mu_of(t), next = mu_of(t + 1);
  const double product = slot.state.product *= mu;
  const double by_gradient = options.lr * (1 - mu) / (1 - product);
  const double by_mean = options.lr * next / (1 - product * next);
  const double root_scale = 1 / std::sqrt(1 - std::pow(options.betas[1], static_cast<double>(t)));
  detail::dispatch_float(slot.parameter().dtype(), "NAdam", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const NAdamRule<T> rule{options.maximize ? T{-1} : T{1},
                            cast(decoupled ? 0 : options.weight_decay),
                            cast(decoupled ? 1 - options.lr * options.weight_decay : 1),
                            cast(options.betas[0]),
                            cast(1 - options.betas[0]),
                            cast(options.betas[1]),
                            cast(1 - options.betas[1]),
                            cast(by_gradient),
                            cast(by_mean),
                            cast(root_scale),
                            cast(options.eps)};
    detail::update_dense<T>(rule, slot.parameter(), slot.state.buffers[0], slot.state.buffers[1]);
  });
}

}  // namespace gradus
