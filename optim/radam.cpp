#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/detail/adam_kin.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/radam.h>

#include <cmath>

namespace gradus {
namespace {

// r sqrt(1 - beta2^t), or 0 while the variance of the rate is not tractable yet.
double rectification(double beta2, std::int64_t t) {
  const auto n = static_cast<double>(t);
  const double power = std::pow(beta2, n);
  const double most = 2 / (1 - beta2) - 1;
  const double length = most - 2 * n * power / (1 - power);
  if (!(length > 5)) return 0;
  return std::sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length) *
                   (1 - power));
}

}  // namespace

OptimizerInfo optimizer_info(RAdamOptions& options) {
  return {"RAdam",
          {"exp_avg", "exp_avg_sq"},
          detail::adam_fields(options, {{"decoupled_weight_decay", options.decoupled_weight_decay},
                                        {"maximize", options.maximize}})};
}

void RAdam::update(Slot& slot) {
  const RAdamOptions& options = options_of(slot);
  const std::int64_t t = ++slot.state.steps;
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const detail::Moments<T> moments(options, options.decoupled_weight_decay);
    const T step = static_cast<T>(options.lr / detail::bias_correction(options.betas[0], t));
    const T scale = static_cast<T>(rectification(options.betas[1], t));
    const T eps = static_cast<T>(options.eps);
    const auto rule = [=](T gradient, T& w, T& m, T& v) {
      moments.update(moments.direction(gradient, w), m, v);
      const T adapted = scale > 0 ? scale / (std::sqrt(v) + eps) : T{1};
      w = moments.direction.shrink * w - step * m * adapted;
    };
    const auto& kept = slot.state.buffers;
    detail::update_dense<T>(4, rule, slot.parameter(), kept[0], kept[1]);
  });
}

}  // namespace gradus
