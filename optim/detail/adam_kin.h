#pragma once
#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/options.h>

#include <cmath>
#include <cstdint>
#include <vector>

/// What Adam and its variants share.
namespace gradus::detail {

/// The options that all of them have, followed by those of one.
template <class Options>
std::vector<OptionField> adam_fields(Options& options, const std::vector<OptionField>& own) {
  std::vector<OptionField> all = {{"lr", options.lr, require_not_negative},
                                  {"betas.0", options.betas[0], require_below_one},
                                  {"betas.1", options.betas[1], require_below_one},
                                  {"eps", options.eps, require_not_negative},
                                  {"weight_decay", options.weight_decay, require_not_negative}};
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

/// 1 - beta^t: dividing a running mean that began at 0 by this removes its bias after t steps.
inline double bias_correction(double beta, std::int64_t t) {
  return 1 - std::pow(beta, static_cast<double>(t));
}

/// The running means m of g and v of g^2.
template <class T>
struct Moments {
  template <class Options>
  explicit Moments(const Options& options, bool decoupled = false)
      : direction(options, decoupled),
        beta1(static_cast<T>(options.betas[0])),
        rest1(static_cast<T>(1 - options.betas[0])),
        beta2(static_cast<T>(options.betas[1])),
        rest2(static_cast<T>(1 - options.betas[1])) {}

  void update(T g, T& m, T& v) const {
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * g * g;
  }

  Direction<T> direction;
  T beta1, rest1, beta2, rest2;
};

/// The rule of Adam and AdamW, and, with `sparse`, that of SparseAdam and of lazy Adam for rows.
template <class T, bool sparse>
struct AdamRule {
  Moments<T> moments;
  T step, root_scale, eps;

  void operator()(T gradient, T& w, T& m, T& v) const {
    moments.update(along(gradient, w), m, v);
    move(w, m, v);
  }

  // amsgrad; a NaN in v stays in `most`.
  void operator()(T gradient, T& w, T& m, T& v, T& most) const {
    moments.update(along(gradient, w), m, v);
    most = most >= v ? most : v;
    move(w, m, most);
  }

  T along(T gradient, T w) const {
    return sparse ? moments.direction.sign * gradient : moments.direction(gradient, w);
  }

  void move(T& w, T m, T v) const {
    if constexpr (sparse) {
      w -= step * m / (std::sqrt(v) + eps);
    } else {
      w = moments.direction.shrink * w - step * m / (root_scale * std::sqrt(v) + eps);
    }
  }
};

/// A step of Adam, or of an optimizer that differs only in its options. The factors are computed in
/// double.
template <class Options, class Slot>
void adam_step(const Options& options, bool decoupled, Slot& slot, RowOrder& order) {
  constexpr std::int64_t cost = 4;
  const std::int64_t t = ++slot.state.steps;
  const double step = options.lr / bias_correction(options.betas[0], t);
  const double root2 = std::sqrt(bias_correction(options.betas[1], t));
  visit_float("Adam", slot.parameter(), [&]<class T>(T) {
    const Moments<T> moments(options, decoupled);
    const T eps = static_cast<T>(options.eps);
    const auto update = [&](const auto&... buffers) {
      if (slot.gradient().is_sparse()) {
        const AdamRule<T, true> rule{moments, static_cast<T>(step * root2), T{1}, eps};
        update_sparse<T>(cost, rule, slot.parameter(), order, buffers...);
      } else {
        const AdamRule<T, false> rule{moments, static_cast<T>(step), static_cast<T>(1 / root2),
                                      eps};
        update_dense<T>(cost, rule, slot.parameter(), buffers...);
      }
    };
    const auto& [m, v, most, unused] = slot.state.buffers;
    options.amsgrad ? update(m, v, most) : update(m, v);
  });
}

}  // namespace gradus::detail
