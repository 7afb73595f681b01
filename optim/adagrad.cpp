#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/detail/update.h>

#include <cmath>

namespace gradus {
namespace {

// s += g^2; w -= lr g / (sqrt(s) + eps)
template <class T>
struct AdagradRule {
  static constexpr std::int64_t cost = 4;
  T sign, decay, lr, eps;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w,
                  T* __restrict s) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      s[i] += g * g;
      w[i] -= lr * g / (std::sqrt(s[i]) + eps);
    }
  }
};

// One row of D elements: s += mean(g^2); w -= lr g / (sqrt(s) + eps)
template <class T>
struct RowRule {
  T lr, eps;

  void operator()(std::int64_t D, const T* __restrict g, T* __restrict w, T& s) const {
    double squares = 0;
    for (std::int64_t i = 0; i < D; ++i) {
      squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    }
    s += static_cast<T>(squares / static_cast<double>(D));
    const T factor = lr / (std::sqrt(s) + eps);
    for (std::int64_t i = 0; i < D; ++i) w[i] -= factor * g[i];
  }
};

}  // namespace

std::vector<OptionField> option_fields(AdagradOptions& options) {
  return {{"lr", options.lr},
          {"lr_decay", options.lr_decay},
          {"weight_decay", options.weight_decay},
          {"initial_accumulator_value", options.initial_accumulator_value},
          {"eps", options.eps},
          {"maximize", options.maximize}};
}

void check_options(const AdagradOptions& options) {
  detail::require_not_negative("Adagrad", "lr", options.lr);
  detail::require_not_negative("Adagrad", "lr_decay", options.lr_decay);
  detail::require_not_negative("Adagrad", "weight_decay", options.weight_decay);
  detail::require_not_negative("Adagrad", "initial_accumulator_value",
                               options.initial_accumulator_value);
  detail::require_not_negative("Adagrad", "eps", options.eps);
}

Adagrad::Adagrad(const std::vector<NamedParameter>& parameters, const AdagradOptions& options)
    : Adagrad(std::vector<ParameterGroup<AdagradOptions>>{{parameters, options}}) {}

Adagrad::Adagrad(const std::vector<ParameterGroup<AdagradOptions>>& groups)
    : OptimizerWith("Adagrad", {"sum"}, groups) {}

bool Adagrad::uses_buffer(std::size_t, std::int64_t) const { return true; }

double Adagrad::buffer_start(std::size_t, std::int64_t group) const {
  return options(group).initial_accumulator_value;
}

void Adagrad::check_gradient(const Slot& slot) const {
  require_no_sparse_decay(slot, options_of(slot).weight_decay);
}

void Adagrad::update(Slot& slot) {
  const AdagradOptions& options = options_of(slot);
  const std::int64_t t = ++slot.state.steps;
  const double lr = options.lr / (1 + static_cast<double>(t - 1) * options.lr_decay);
  detail::dispatch_float(slot.parameter().dtype(), "Adagrad", [&]<class T>(T) {
    const AdagradRule<T> rule{options.maximize ? T{-1} : T{1}, static_cast<T>(options.weight_decay),
                              static_cast<T>(lr), static_cast<T>(options.eps)};
    detail::update_parameter<T>(rule, slot.parameter(), order_, slot.state.buffers[0]);
  });
}

std::vector<OptionField> option_fields(RowwiseAdagradOptions& options) {
  return {{"lr", options.lr},
          {"initial_accumulator_value", options.initial_accumulator_value},
          {"eps", options.eps}};
}

void check_options(const RowwiseAdagradOptions& options) {
  detail::require_not_negative("RowwiseAdagrad", "lr", options.lr);
  detail::require_not_negative("RowwiseAdagrad", "initial_accumulator_value",
                               options.initial_accumulator_value);
  detail::require_not_negative("RowwiseAdagrad", "eps", options.eps);
}

RowwiseAdagrad::RowwiseAdagrad(const std::vector<NamedParameter>& parameters,
                               const RowwiseAdagradOptions& options)
    : RowwiseAdagrad(std::vector<ParameterGroup<RowwiseAdagradOptions>>{{parameters, options}}) {}

RowwiseAdagrad::RowwiseAdagrad(const std::vector<ParameterGroup<RowwiseAdagradOptions>>& groups)
    : OptimizerWith("RowwiseAdagrad", {"row_sum"}, groups) {}

bool RowwiseAdagrad::uses_buffer(std::size_t, std::int64_t) const { return true; }

double RowwiseAdagrad::buffer_start(std::size_t, std::int64_t group) const {
  return options(group).initial_accumulator_value;
}

Shape RowwiseAdagrad::buffer_shape(std::size_t, const Shape& parameter) const {
  return parameter.rank() == 0 ? Shape{} : Shape{parameter[0]};
}

void RowwiseAdagrad::check_gradient(const Slot&) const {}

void RowwiseAdagrad::update(Slot& slot) {
  const RowwiseAdagradOptions& options = options_of(slot);
  ++slot.state.steps;
  const Parameter& parameter = slot.parameter();
  if (parameter.numel() == 0) return;
  const bool dense = slot.gradient().is_dense();
  detail::dispatch_float(parameter.dtype(), "RowwiseAdagrad", [&]<class T>(T) {
    const RowRule<T> rule{static_cast<T>(options.lr), static_cast<T>(options.eps)};
    const std::int64_t V = slot.state.buffers[0].numel(), D = parameter.numel() / V;
    T* w = parameter.mutable_data<T>();
    T* s = slot.state.buffers[0].mutable_data<T>();
    const auto update = [&](std::int64_t n, const T* g, auto row_of) {
      parallel_for(n, 6 * D, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t k = begin; k < end; ++k)
          rule(D, g + k * D, w + row_of(k) * D, s[row_of(k)]);
      });
    };
    if (dense) {
      update(V, slot.gradient().dense().data<T>(), [](std::int64_t k) { return k; });
    } else {
      const SparseGrad rows = slot.gradient().sparse().coalesce();
      const std::int64_t* ids = rows.ids().data<std::int64_t>();
      update(rows.nnz(), rows.values().data<T>(), [ids](std::int64_t k) { return ids[k]; });
    }
  });
}

}  // namespace gradus
