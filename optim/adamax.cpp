#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/detail/update.h>

#include <cmath>

namespace gradus {
namespace {

template <class T>
struct AdamaxRule {
  static constexpr std::int64_t cost = 4;
  T sign, decay, beta1, rest1, beta2, step, eps;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict m,
                  T* __restrict u) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      m[i] = beta1 * m[i] + rest1 * g;
      const T kept = beta2 * u[i], now = std::abs(g) + eps;
      u[i] = kept > now || std::isnan(kept) ? kept : now;  // NaN stays
      w[i] -= step * m[i] / u[i];
    }
  }
};

}  // namespace

std::vector<OptionField> option_fields(AdamaxOptions& options) {
  return {
      {"lr", options.lr},   {"betas.0", options.betas[0]},          {"betas.1", options.betas[1]},
      {"eps", options.eps}, {"weight_decay", options.weight_decay}, {"maximize", options.maximize}};
}

void check_options(const AdamaxOptions& options) {
  detail::require_not_negative("Adamax", "lr", options.lr);
  detail::require_below_one("Adamax", "betas[0]", options.betas[0]);
  detail::require_below_one("Adamax", "betas[1]", options.betas[1]);
  detail::require_not_negative("Adamax", "eps", options.eps);
  detail::require_not_negative("Adamax", "weight_decay", options.weight_decay);
}

Adamax::Adamax(const std::vector<NamedParameter>& parameters, const AdamaxOptions& options)
    : Adamax(std::vector<ParameterGroup<AdamaxOptions>>{{parameters, options}}) {}

Adamax::Adamax(const std::vector<ParameterGroup<AdamaxOptions>>& groups)
    : OptimizerWith("Adamax", {"exp_avg", "exp_inf"}, groups) {}

bool Adamax::uses_buffer(std::size_t, std::int64_t) const { return true; }

void Adamax::check_gradient(const Slot& slot) const { require_dense(slot); }

void Adamax::update(Slot& slot) {
  const AdamaxOptions& options = options_of(slot);
  const std::int64_t t = ++slot.state.steps;
  const double step = options.lr / (1 - std::pow(options.betas[0], static_cast<double>(t)));
  detail::dispatch_float(slot.parameter().dtype(), "Adamax", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const AdamaxRule<T> rule{options.maximize ? T{-1} : T{1},
                             cast(options.weight_decay),
                             cast(options.betas[0]),
                             cast(1 - options.betas[0]),
                             cast(options.betas[1]),
                             cast(step),
                             cast(options.eps)};
    detail::update_dense<T>(rule, slot.parameter(), slot.state.buffers[0], slot.state.buffers[1]);
  });
}

}  // namespace gradus
