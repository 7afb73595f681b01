#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/rmsprop.h>

#include <cmath>

namespace gradus {
namespace {

// Without momentum, b can be any number, and if not centered, a can be: they are not used.
template <class T>
struct RMSpropRule {
  detail::Direction<T> direction;
  T alpha, rest, lr, eps, momentum;

  template <bool heavy, bool centered>
  void update(T gradient, T& w, T& s, T& b, T& a) const {
    const T g = direction(gradient, w);
    s = alpha * s + rest * g * g;
    T variance = s;
    if constexpr (centered) {
      a = alpha * a + rest * g;
      variance -= a * a;
      variance = variance < 0 ? T{0} : variance;  // after rounding; keeps NaN
    }
    T step = g / (std::sqrt(variance) + eps);
    if constexpr (heavy) step = b = momentum * b + step;
    w -= lr * step;
  }
};

}  // namespace

OptimizerInfo optimizer_info(RMSpropOptions& options) {
  return {"RMSprop",
          {"square_avg", "momentum_buffer", "grad_avg"},
          {{"lr", options.lr, detail::require_not_negative},
           {"alpha", options.alpha, detail::require_not_negative},
           {"eps", options.eps, detail::require_not_negative},
           {"weight_decay", options.weight_decay, detail::require_not_negative},
           {"momentum", options.momentum, detail::require_not_negative},
           {"centered", options.centered},
           {"maximize", options.maximize}}};
}

bool RMSprop::uses_buffer(std::size_t buffer, std::int64_t group) const {
  return buffer == 0 || (buffer == 1 ? options(group).momentum > 0 : options(group).centered);
}

void RMSprop::update(Slot& slot) {
  const RMSpropOptions& options = options_of(slot);
  ++slot.state.steps;
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const RMSpropRule<T> rule{detail::Direction<T>(options),     static_cast<T>(options.alpha),
                              static_cast<T>(1 - options.alpha), static_cast<T>(options.lr),
                              static_cast<T>(options.eps),       static_cast<T>(options.momentum)};
    const auto with_both = [=](T g, T& w, T& s, T& b, T& a) {
      rule.template update<true, true>(g, w, s, b, a);
    };
    const auto with_momentum = [=](T g, T& w, T& s, T& b) {
      rule.template update<true, false>(g, w, s, b, b);
    };
    const auto with_mean = [=](T g, T& w, T& s, T& a) {
      rule.template update<false, true>(g, w, s, a, a);
    };
    const auto plain = [=](T g, T& w, T& s) { rule.template update<false, false>(g, w, s, s, s); };
    const auto update = [&](const auto& one, const auto&... buffers) {
      detail::update_dense<T>(5, one, slot.parameter(), buffers...);
    };
    const auto& [s, b, a, unused] = slot.state.buffers;
    if (options.momentum > 0) {
      options.centered ? update(with_both, s, b, a) : update(with_momentum, s, b);
    } else {
      options.centered ? update(with_mean, s, a) : update(plain, s);
    }
  });
}

}  // namespace gradus
