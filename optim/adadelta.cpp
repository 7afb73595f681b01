#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/detail/update.h>

#include <cmath>

namespace gradus {
namespace {

template <class T>
struct AdadeltaRule {
  static constexpr std::int64_t cost = 6;
  T sign, decay, rho, rest, lr, eps;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict s,
                  T* __restrict a) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      s[i] = rho * s[i] + rest * g * g;
      const T step = std::sqrt(a[i] + eps) / std::sqrt(s[i] + eps) * g;
      a[i] = rho * a[i] + rest * step * step;
      w[i] -= lr * step;
    }
  }
};

}  // namespace

std::vector<OptionField> option_fields(AdadeltaOptions& options) {
  return {{"lr", options.lr},
          {"rho", options.rho},
          {"eps", options.eps},
          {"weight_decay", options.weight_decay},
          {"maximize", options.maximize}};
}

void check_options(const AdadeltaOptions& options) {
  detail::require_not_negative("Adadelta", "lr", options.lr);
  detail::require_fraction("Adadelta", "rho", options.rho);
  detail::require_not_negative("Adadelta", "eps", options.eps);
  detail::require_not_negative("Adadelta", "weight_decay", options.weight_decay);
}

Adadelta::Adadelta(const std::vector<NamedParameter>& parameters, const AdadeltaOptions& options)
    : Adadelta(std::vector<ParameterGroup<AdadeltaOptions>>{{parameters, options}}) {}

Adadelta::Adadelta(const std::vector<ParameterGroup<AdadeltaOptions>>& groups)
    : OptimizerWith("Adadelta", {"square_avg", "acc_delta"}, groups) {}

bool Adadelta::uses_buffer(std::size_t, std::int64_t) const { return true; }

void Adadelta::check_gradient(const Slot& slot) const { require_dense(slot); }

void Adadelta::update(Slot& slot) {
  const AdadeltaOptions& options = options_of(slot);
  ++slot.state.steps;
  detail::dispatch_float(slot.parameter().dtype(), "Adadelta", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const AdadeltaRule<T> rule{
        options.maximize ? T{-1} : T{1}, cast(options.weight_decay), cast(options.rho),
        cast(1 - options.rho),           cast(options.lr),           cast(options.eps)};
    detail::update_dense<T>(rule, slot.parameter(), slot.state.buffers[0], slot.state.buffers[1]);
  });
}

}  // namespace gradus
