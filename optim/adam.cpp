#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/detail/update.h>

#include <cmath>
#include <type_traits>

namespace gradus {
namespace {

constexpr std::size_t greatest = 2;  // the buffer of amsgrad

// What Adam, AdamW and their lazy forms do to an element; the factors tell them apart.
template <class T>
struct Rule {
  static constexpr std::int64_t cost = 4;
  T sign, decay;  // g = sign gradient + decay w
  T shrink;       // w = shrink w
  T beta1, rest1, beta2, rest2;
  T step, root_scale, eps;  // w -= step m / (root_scale sqrt(v) + eps)

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict m,
                  T* __restrict v) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      w[i] = shrink * w[i] - step * m[i] / (root_scale * std::sqrt(v[i]) + eps);
    }
  }

  // amsgrad; a NaN in v stays in `most`.
  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w, T* __restrict m,
                  T* __restrict v, T* __restrict most) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      most[i] = most[i] >= v[i] ? most[i] : v[i];
      w[i] = shrink * w[i] - step * m[i] / (root_scale * std::sqrt(most[i]) + eps);
    }
  }
};

// The factors of step t, computed in double. AdamW's decay multiplies w, Adam's joins the gradient.
template <class T, class Options>
Rule<T> rule_of(const Options& options, std::int64_t t, bool decoupled, bool sparse) {
  const auto [beta1, beta2] = options.betas;
  const double correction1 = 1 - std::pow(beta1, static_cast<double>(t));
  const double root2 = std::sqrt(1 - std::pow(beta2, static_cast<double>(t)));
  const double step = options.lr / correction1;
  const auto cast = [](double value) { return static_cast<T>(value); };
  return {cast(options.maximize ? -1 : 1),
          cast(decoupled ? 0 : options.weight_decay),
          cast(decoupled ? 1 - options.lr * options.weight_decay : 1),
          cast(beta1),
          cast(1 - beta1),
          cast(beta2),
          cast(1 - beta2),
          cast(sparse ? step * root2 : step),
          cast(sparse ? 1 : 1 / root2),
          cast(options.eps)};
}

template <class Options>
constexpr bool decoupled = std::is_same_v<Options, AdamWOptions>;
template <class Options>
constexpr const char* name_of = decoupled<Options> ? "AdamW" : "Adam";

template <class Options>
std::vector<OptionField> fields_of(Options& options) {
  return {
      {"lr", options.lr},     {"betas.0", options.betas[0]},          {"betas.1", options.betas[1]},
      {"eps", options.eps},   {"weight_decay", options.weight_decay}, {"amsgrad", options.amsgrad},
      {"lazy", options.lazy}, {"maximize", options.maximize}};
}

template <class Options>
void check(const Options& options) {
  const char* name = name_of<Options>;
  detail::require_not_negative(name, "lr", options.lr);
  detail::require_below_one(name, "betas[0]", options.betas[0]);
  detail::require_below_one(name, "betas[1]", options.betas[1]);
  detail::require_not_negative(name, "eps", options.eps);
  detail::require_not_negative(name, "weight_decay", options.weight_decay);
}

}  // namespace

std::vector<OptionField> option_fields(AdamOptions& options) { return fields_of(options); }
std::vector<OptionField> option_fields(AdamWOptions& options) { return fields_of(options); }
void check_options(const AdamOptions& options) { check(options); }
void check_options(const AdamWOptions& options) { check(options); }

namespace detail {

template <class Options>
AdamFamily<Options>::AdamFamily(const std::vector<NamedParameter>& parameters,
                                const Options& options)
    : AdamFamily(std::vector<ParameterGroup<Options>>{{parameters, options}}) {}

template <class Options>
AdamFamily<Options>::AdamFamily(const std::vector<ParameterGroup<Options>>& groups)
    : OptimizerWith<Options>(name_of<Options>, {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
                             groups) {}

template <class Options>
bool AdamFamily<Options>::uses_buffer(std::size_t buffer, std::int64_t group) const {
  return buffer != greatest || this->options(group).amsgrad;
}

template <class Options>
void AdamFamily<Options>::check_gradient(const Slot& slot) const {
  if (!slot.gradient().is_sparse()) return;
  const Options& options = this->options_of(slot);
  if (!options.lazy) {
    this->throw_sparse(slot, ".lazy is false",
                       "set .lazy = true to update its rows only, or make the gradient dense with "
                       ".sparse = false");
  }
  this->require_no_sparse_decay(slot, options.weight_decay);
}

template <class Options>
void AdamFamily<Options>::update(Slot& slot) {
  const Options& options = this->options_of(slot);
  const bool sparse = slot.gradient().is_sparse();
  const std::int64_t t = ++slot.state.steps;
  const auto& kept = slot.state.buffers;
  dispatch_float(slot.parameter().dtype(), this->name(), [&]<class T>(T) {
    const Rule<T> rule = rule_of<T>(options, t, decoupled<Options>, sparse);
    if (options.amsgrad) {
      update_parameter<T>(rule, slot.parameter(), order_, kept[0], kept[1], kept[greatest]);
    } else {
      update_parameter<T>(rule, slot.parameter(), order_, kept[0], kept[1]);
    }
  });
}

template class AdamFamily<AdamOptions>;
template class AdamFamily<AdamWOptions>;

}  // namespace detail
}  // namespace gradus
