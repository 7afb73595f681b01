#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/sparse_adam.h>

#include <cmath>

namespace gradus {
namespace {

template <class T>
struct SparseAdamRule {
  static constexpr std::int64_t cost = 4;
  T sign, beta1, rest1, beta2, rest2, step, eps;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict m,
                  T* __restrict v) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i];
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      w[i] -= step * m[i] / (std::sqrt(v[i]) + eps);
    }
  }
};

}  // namespace

std::vector<OptionField> option_fields(SparseAdamOptions& options) {
  return {{"lr", options.lr},
          {"betas.0", options.betas[0]},
          {"betas.1", options.betas[1]},
          {"eps", options.eps},
          {"maximize", options.maximize}};
}

void check_options(const SparseAdamOptions& options) {
  detail::require_not_negative("SparseAdam", "lr", options.lr);  // a schedule may end at 0
  detail::require_below_one("SparseAdam", "betas[0]", options.betas[0]);
  detail::require_below_one("SparseAdam", "betas[1]", options.betas[1]);
  detail::require_positive("SparseAdam", "eps", options.eps);
}

SparseAdam::SparseAdam(const std::vector<NamedParameter>& parameters,
                       const SparseAdamOptions& options)
    : SparseAdam(std::vector<ParameterGroup<SparseAdamOptions>>{{parameters, options}}) {}

SparseAdam::SparseAdam(const std::vector<ParameterGroup<SparseAdamOptions>>& groups)
    : OptimizerWith("SparseAdam", {"exp_avg", "exp_avg_sq"}, groups) {}

bool SparseAdam::uses_buffer(std::size_t, std::int64_t) const { return true; }

void SparseAdam::check_gradient(const Slot& slot) const {
  if (slot.gradient().is_sparse()) return;
  throw AutogradError(
      fmt::format("SparseAdam: the gradient of {} is dense: use Adam, or make it sparse with "
                  ".sparse = true",
                  slot.target.path));
}

void SparseAdam::update(Slot& slot) {
  const SparseAdamOptions& options = options_of(slot);
  const auto t = static_cast<double>(++slot.state.steps);
  const auto [beta1, beta2] = options.betas;
  const double step = options.lr * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t));
  detail::dispatch_float(slot.parameter().dtype(), "SparseAdam", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const SparseAdamRule<T> rule{options.maximize ? T{-1} : T{1},
                                 cast(options.betas[0]),
                                 cast(1 - options.betas[0]),
                                 cast(options.betas[1]),
                                 cast(1 - options.betas[1]),
                                 cast(step),
                                 cast(options.eps)};
    detail::update_parameter<T>(rule, slot.parameter(), order_, slot.state.buffers[0],
                                slot.state.buffers[1]);
  });
}

}  // namespace gradus
