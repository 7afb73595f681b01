#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/detail/adam_kin.h>
#include <gradus/optim/sparse_adam.h>

namespace gradus {

OptimizerInfo optimizer_info(SparseAdamOptions& options) {
  return {"SparseAdam",
          {"exp_avg", "exp_avg_sq"},
          {{"lr", options.lr, detail::require_not_negative},  // a schedule may end at 0
           {"betas.0", options.betas[0], detail::require_below_one},
           {"betas.1", options.betas[1], detail::require_below_one},
           {"eps", options.eps, detail::require_positive},
           {"maximize", options.maximize}}};
}

void SparseAdam::check_gradient(const Slot& slot) const {
  if (slot.gradient().is_sparse()) return;
  throw AutogradError(
      fmt::format("SparseAdam: the gradient of {} is dense: use Adam, or make it sparse with "
                  ".sparse = true",
                  slot.target.path));
}

void SparseAdam::update(Slot& slot) {
  const SparseAdamOptions& own = options_of(slot);
  const AdamOptions options = {
      .lr = own.lr, .betas = own.betas, .eps = own.eps, .maximize = own.maximize};
  detail::adam_step(options, false, slot, order_);
}

}  // namespace gradus
