#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/sgd.h>

#include <algorithm>

namespace gradus {
namespace {

constexpr std::int64_t plain_cost = 2, momentum_cost = 3;

// b = momentum b + keep g; w -= lr b, with nesterov w -= lr (g + momentum b)
template <class T>
struct Momentum {
  detail::Direction<T> direction;
  T lr, momentum, keep;
  bool nesterov;

  void operator()(T gradient, T& w, T& b) const {
    const T g = direction(gradient, w);
    b = momentum * b + keep * g;
    w -= lr * (nesterov ? g + momentum * b : b);
  }
};

// The momentum rule on a whole table [V, D]: the gradient is 0 in rows that a coalesced gradient
// lacks.
template <class T>
void update_table(const Momentum<T>& rule, const SparseGrad& gradient, T* w, T* b) {
  static constexpr std::int64_t block = 1024;
  static constexpr T zeros[block] = {};
  const std::int64_t V = gradient.shape()[0], D = gradient.row_size(), nnz = gradient.nnz();
  const std::int64_t* ids = gradient.ids().data<std::int64_t>();
  const T* values = gradient.values().data<T>();
  const auto without_gradient = [&](std::int64_t begin, std::int64_t end) {  // elements
    for (; begin < end; begin += block) {
      detail::update_elements(rule, std::min(block, end - begin), zeros, w + begin, b + begin);
    }
  };
  parallel_for(
      V, std::max<std::int64_t>(D, 1) * momentum_cost, [&](std::int64_t row, std::int64_t end) {
        for (std::int64_t k = std::lower_bound(ids, ids + nnz, row) - ids; row < end; ++k) {
          const std::int64_t next = k < nnz ? std::min(ids[k], end) : end;
          without_gradient(row * D, next * D);
          if (next < end) {
            detail::update_elements(rule, D, values + k * D, w + next * D, b + next * D);
          }
          row = next + 1;
        }
      });
}

}  // namespace

OptimizerInfo optimizer_info(SGDOptions& options) {
  return {"SGD",
          {"momentum_buffer"},
          {{"lr", options.lr, detail::require_not_negative},
           {"momentum", options.momentum, detail::require_not_negative},
           {"dampening", options.dampening, detail::require_finite},
           {"weight_decay", options.weight_decay, detail::require_not_negative},
           {"nesterov", options.nesterov},
           {"maximize", options.maximize}}};
}

void check_options(const SGDOptions& options) {
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0)) {
    throw ValueError(fmt::format(
        "SGD: nesterov with momentum {} and dampening {}: it needs momentum and no dampening",
        options.momentum, options.dampening));
  }
}

bool SGD::uses_buffer(std::size_t, std::int64_t group) const { return options(group).momentum > 0; }

void SGD::check_gradient(const Slot& slot) const {
  require_no_sparse_decay(slot, options_of(slot).weight_decay);
}

void SGD::update(Slot& slot) {
  const SGDOptions& options = options_of(slot);
  const Gradient& gradient = slot.gradient();
  const bool sparse = gradient.is_sparse();
  if (sparse && gradient.sparse().nnz() == 0) return;
  const Parameter& parameter = slot.parameter();
  visit_float(name(), parameter, [&]<class T>(T) {
    const detail::Direction<T> direction(options);
    const T lr = static_cast<T>(options.lr);
    if (options.momentum > 0) {
      const double keep = slot.state.steps == 0 ? 1 : 1 - options.dampening;
      const Momentum<T> rule{direction, lr, static_cast<T>(options.momentum), static_cast<T>(keep),
                             options.nesterov};
      const Tensor& b = slot.state.buffers[0];
      if (sparse) {
        update_table(rule, gradient.sparse().coalesce(), parameter.mutable_data<T>(),
                     b.mutable_data<T>());
      } else {
        detail::update_dense<T>(momentum_cost, rule, parameter, b);
      }
      ++slot.state.steps;
    } else if (sparse) {
      gradient.sparse().add_to(parameter, static_cast<double>(-direction.sign * lr));
    } else {
      const auto plain = [=](T g, T& w) { w -= lr * direction(g, w); };
      detail::update_dense<T>(plain_cost, plain, parameter);
    }
  });
}

}  // namespace gradus
