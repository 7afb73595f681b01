#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/detail/adam_kin.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/nadam.h>

#include <cmath>

namespace gradus {

OptimizerInfo optimizer_info(NAdamOptions& options) {
  return {"NAdam",
          {"exp_avg", "exp_avg_sq"},
          detail::adam_fields(
              options, {{"momentum_decay", options.momentum_decay, detail::require_not_negative},
                        {"decoupled_weight_decay", options.decoupled_weight_decay},
                        {"maximize", options.maximize}})};
}

void NAdam::update(Slot& slot) {
  const NAdamOptions& options = options_of(slot);
  const std::int64_t t = ++slot.state.steps;
  const auto mu_of = [&](std::int64_t step) {
    return options.betas[0] *
           (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * options.momentum_decay));
  };
  const double mu = mu_of(t), next = mu_of(t + 1);
  const double product = slot.state.product *= mu;
  const double correction2 = detail::bias_correction(options.betas[1], t);
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const detail::Moments<T> moments(options, options.decoupled_weight_decay);
    const T by_gradient = static_cast<T>(options.lr * (1 - mu) / (1 - product));
    const T by_mean = static_cast<T>(options.lr * next / (1 - product * next));
    const T scale = static_cast<T>(1 / std::sqrt(correction2)), eps = static_cast<T>(options.eps);
    const auto rule = [=](T gradient, T& w, T& m, T& v) {
      const T g = moments.direction(gradient, w);
      moments.update(g, m, v);
      w = moments.direction.shrink * w -
          (by_gradient * g + by_mean * m) / (scale * std::sqrt(v) + eps);
    };
    const auto& kept = slot.state.buffers;
    detail::update_dense<T>(4, rule, slot.parameter(), kept[0], kept[1]);
  });
}

}  // namespace gradus
