#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/detail/update.h>

#include <cmath>

namespace gradus {
namespace {

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

OptimizerInfo optimizer_info(AdagradOptions& options) {
  return {"Adagrad",
          {"sum"},
          {{"lr", options.lr, detail::require_not_negative},
           {"lr_decay", options.lr_decay, detail::require_not_negative},
           {"weight_decay", options.weight_decay, detail::require_not_negative},
           {"initial_accumulator_value", options.initial_accumulator_value,
            detail::require_not_negative},
           {"eps", options.eps, detail::require_not_negative},
           {"maximize", options.maximize}}};
}

double Adagrad::buffer_start(std::size_t, std::int64_t group) const {
  return options(group).initial_accumulator_value;
}

void Adagrad::check_gradient(const Slot& slot) const {
  require_no_sparse_decay(slot, options_of(slot).weight_decay);
}

void Adagrad::update(Slot& slot) {
  const AdagradOptions& options = options_of(slot);
  const auto before = static_cast<double>(slot.state.steps++);
  visit_float(name(), slot.parameter(), [&]<class T>(T) {
    const detail::Direction<T> direction(options);
    const T lr = static_cast<T>(options.lr / (1 + before * options.lr_decay));
    const T eps = static_cast<T>(options.eps);
    const auto rule = [=](T gradient, T& w, T& s) {
      const T g = direction(gradient, w);
      s += g * g;
      w -= lr * g / (std::sqrt(s) + eps);
    };
    if (slot.gradient().is_sparse()) {
      detail::update_sparse<T>(4, rule, slot.parameter(), order_, slot.state.buffers[0]);
    } else {
      detail::update_dense<T>(4, rule, slot.parameter(), slot.state.buffers[0]);
    }
  });
}

OptimizerInfo optimizer_info(RowwiseAdagradOptions& options) {
  return {"RowwiseAdagrad",
          {"row_sum"},
          {{"lr", options.lr, detail::require_not_negative},
           {"initial_accumulator_value", options.initial_accumulator_value,
            detail::require_not_negative},
           {"eps", options.eps, detail::require_not_negative}}};
}

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
  visit_float(name(), parameter, [&]<class T>(T) {
    const RowRule<T> rule{static_cast<T>(options.lr), static_cast<T>(options.eps)};
    const std::int64_t V = slot.state.buffers[0].numel(), D = parameter.numel() / V;
    T* w = parameter.mutable_data<T>();
    T* s = slot.state.buffers[0].mutable_data<T>();
    const auto update = [&](std::int64_t n, const T* g, auto row_of) {
      parallel_for_each(
          n, 6 * D, [&](std::int64_t k) { rule(D, g + k * D, w + row_of(k) * D, s[row_of(k)]); });
    };
    if (slot.gradient().is_dense()) {
      update(V, slot.gradient().dense().data<T>(), [](std::int64_t k) { return k; });
    } else {
      const SparseGrad rows = slot.gradient().sparse().coalesce();
      const std::int64_t* ids = rows.ids().data<std::int64_t>();
      update(rows.nnz(), rows.values().data<T>(), [ids](std::int64_t k) { return ids[k]; });
    }
  });
}

}  // namespace gradus
