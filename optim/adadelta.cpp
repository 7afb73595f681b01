#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/detail/update.h>

#include <cmath>

namespace gradus {

OptimizerInfo optimizer_info(AdadeltaOptions& options) {
  return {"Adadelta",
          {"square_avg", "acc_delta"},
          {{"lr", options.lr, detail::require_not_negative},
           {"rho", options.rho, detail::require_fraction},
           {"eps", options.eps, detail::require_not_negative},
           {"weight_decay", options.weight_decay, detail::require_not_negative},
           {"maximize", options.maximize}}};
}

void Adadelta::update(Slot& slot) {
  const AdadeltaOptions& options = options_of(slot);
  ++slot.state.steps;
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const detail::Direction<T> direction(options);
    const T rho = static_cast<T>(options.rho), rest = static_cast<T>(1 - options.rho);
    const T lr = static_cast<T>(options.lr), eps = static_cast<T>(options.eps);
    const auto rule = [=](T gradient, T& w, T& s, T& a) {
      const T g = direction(gradient, w);
      s = rho * s + rest * g * g;
      const T step = std::sqrt(a + eps) / std::sqrt(s + eps) * g;
      a = rho * a + rest * step * step;
      w -= lr * step;
    };
    const auto& kept = slot.state.buffers;
    detail::update_dense<T>(6, rule, slot.parameter(), kept[0], kept[1]);
  });
}

}  // namespace gradus
