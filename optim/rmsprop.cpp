#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/rmsprop.h>

#include <cmath>

namespace gradus {
namespace {

// The buffers b and a may be null: without momentum, not centered.
template <class T>
struct RMSpropRule {
  static constexpr std::int64_t cost = 5;
  T sign, decay, alpha, rest, lr, eps, momentum;

  template <bool with_momentum, bool centered>
  void run(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict s,
           T* __restrict b, T* __restrict a) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      s[i] = alpha * s[i] + rest * g * g;
      T variance = s[i];
      if constexpr (centered) {
        a[i] = alpha * a[i] + rest * g;
        variance -= a[i] * a[i];
        variance = variance < 0 ? T{0} : variance;  // rounding; NaN stays
      }
      T step = g / (std::sqrt(variance) + eps);
      if constexpr (with_momentum) step = b[i] = momentum * b[i] + step;
      w[i] -= lr * step;
    }
  }
};

template <class T>
T* data_of(const Tensor& buffer) {
  return buffer.defined() ? buffer.mutable_data<T>() : nullptr;
}

}  // namespace

std::vector<OptionField> option_fields(RMSpropOptions& options) {
  return {{"lr", options.lr},
          {"alpha", options.alpha},
          {"eps", options.eps},
          {"weight_decay", options.weight_decay},
          {"momentum", options.momentum},
          {"centered", options.centered},
          {"maximize", options.maximize}};
}

void check_options(const RMSpropOptions& options) {
  detail::require_not_negative("RMSprop", "lr", options.lr);
  detail::require_not_negative("RMSprop", "alpha", options.alpha);
  detail::require_not_negative("RMSprop", "eps", options.eps);
  detail::require_not_negative("RMSprop", "weight_decay", options.weight_decay);
  detail::require_not_negative("RMSprop", "momentum", options.momentum);
}

RMSprop::RMSprop(const std::vector<NamedParameter>& parameters, const RMSpropOptions& options)
    : RMSprop(std::vector<ParameterGroup<RMSpropOptions>>{{parameters, options}}) {}

RMSprop::RMSprop(const std::vector<ParameterGroup<RMSpropOptions>>& groups)
    : OptimizerWith("RMSprop", {"square_avg", "momentum_buffer", "grad_avg"}, groups) {}

bool RMSprop::uses_buffer(std::size_t buffer, std::int64_t group) const {
  return buffer == 0 || (buffer == 1 ? options(group).momentum > 0 : options(group).centered);
}

void RMSprop::check_gradient(const Slot& slot) const { require_dense(slot); }

void RMSprop::update(Slot& slot) {
  const RMSpropOptions& options = options_of(slot);
  ++slot.state.steps;
  const Parameter& parameter = slot.parameter();
  detail::dispatch_float(parameter.dtype(), "RMSprop", [&]<class T>(T) {
    const auto cast = [](double value) { return static_cast<T>(value); };
    const RMSpropRule<T> rule{
        options.maximize ? T{-1} : T{1}, cast(options.weight_decay), cast(options.alpha),
        cast(1 - options.alpha),         cast(options.lr),           cast(options.eps),
        cast(options.momentum)};
    const auto run = options.momentum > 0 ? options.centered
                                                ? &RMSpropRule<T>::template run<true, true>
                                                : &RMSpropRule<T>::template run<true, false>
                     : options.centered ? &RMSpropRule<T>::template run<false, true>
                                          : &RMSpropRule<T>::template run<false, false>;
    const T* g = slot.gradient().dense().data<T>();
    T* w = parameter.mutable_data<T>();
    T* s = slot.state.buffers[0].mutable_data<T>();
    T* b = data_of<T>(slot.state.buffers[1]);
    T* a = data_of<T>(slot.state.buffers[2]);
    parallel_for(parameter.numel(), rule.cost, [&](std::int64_t begin, std::int64_t end) {
      (rule.*run)(end - begin, g + begin, w + begin, s + begin, b ? b + begin : b,
                  a ? a + begin : a);
    });
  });
}

}  // namespace gradus
