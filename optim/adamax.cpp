#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/detail/adam_kin.h>
#include <gradus/optim/detail/update.h>

#include <cmath>

namespace gradus {

OptimizerInfo optimizer_info(AdamaxOptions& options) {
  return {"Adamax",
          {"exp_avg", "exp_inf"},
          detail::adam_fields(options, {{"maximize", options.maximize}})};
}

void Adamax::update(Slot& slot) {
  const AdamaxOptions& options = options_of(slot);
  const double correction = detail::bias_correction(options.betas[0], ++slot.state.steps);
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const detail::Direction<T> direction(options);
    const auto [beta1, beta2] = options.betas;
    const T keep1 = static_cast<T>(beta1), rest1 = static_cast<T>(1 - beta1);
    const T keep2 = static_cast<T>(beta2), eps = static_cast<T>(options.eps);
    const T step = static_cast<T>(options.lr / correction);
    const auto rule = [=](T gradient, T& w, T& m, T& u) {
      const T g = direction(gradient, w);
      m = keep1 * m + rest1 * g;
      const T kept = keep2 * u, now = std::abs(g) + eps;
      u = kept > now || std::isnan(kept) ? kept : now;  // keeps NaN
      w -= step * m / u;
    };
    const auto& kept = slot.state.buffers;
    detail::update_dense<T>(4, rule, slot.parameter(), kept[0], kept[1]);
  });
}

}  // namespace gradus
