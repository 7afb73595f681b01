#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/lion.h>

namespace gradus {

OptimizerInfo optimizer_info(LionOptions& options) {
  return {"Lion",
          {"exp_avg"},
          {{"lr", options.lr, detail::require_not_negative},
           {"betas.0", options.betas[0], detail::require_below_one},
           {"betas.1", options.betas[1], detail::require_below_one},
           {"weight_decay", options.weight_decay, detail::require_not_negative}}};
}

void Lion::update(Slot& slot) {
  const LionOptions& options = options_of(slot);
  ++slot.state.steps;
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const T shrink = static_cast<T>(1 - options.lr * options.weight_decay);
    const T lr = static_cast<T>(options.lr);
    const T beta1 = static_cast<T>(options.betas[0]), rest1 = static_cast<T>(1 - options.betas[0]);
    const T beta2 = static_cast<T>(options.betas[1]), rest2 = static_cast<T>(1 - options.betas[1]);
    const auto rule = [=](T g, T& w, T& m) {
      const T along = beta1 * m + rest1 * g;
      const T sign = along > 0 ? T{1} : along < 0 ? T{-1} : along;  // keeps 0 and NaN
      w = shrink * w - lr * sign;
      m = beta2 * m + rest2 * g;
    };
    detail::update_dense<T>(3, rule, slot.parameter(), slot.state.buffers[0]);
  });
}

}  // namespace gradus
