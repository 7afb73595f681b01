#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/sgd.h>

#include <algorithm>

namespace gradus {
namespace {

// w -= lr g, g = gradient + decay w
template <class T>
struct Plain {
  static constexpr std::int64_t cost = 2;
  T lr, sign, decay;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w) const {
    for (std::int64_t i = 0; i < n; ++i) w[i] -= lr * (sign * gradient[i] + decay * w[i]);
  }
};

// b = momentum b + keep g; w -= lr b, with nesterov w -= lr (g + momentum b)
template <class T>
struct Momentum {
  static constexpr std::int64_t cost = 3;
  T lr, sign, decay, momentum, keep;
  bool nesterov;

  void operator()(std::int64_t n, const T* __restrict gradient, T* __restrict w,
                  T* __restrict b) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const T g = sign * gradient[i] + decay * w[i];
      b[i] = momentum * b[i] + keep * g;
      w[i] -= lr * (nesterov ? g + momentum * b[i] : b[i]);
    }
  }
};

// The momentum rule on a whole table [V, D]: rows that a coalesced gradient lacks have zeros.
template <class T>
void update_table(const Momentum<T>& rule, const SparseGrad& gradient, T* w, T* b) {
  static constexpr std::int64_t block = 1024;
  static constexpr T zeros[block] = {};
  const std::int64_t V = gradient.shape()[0], D = gradient.row_size(), nnz = gradient.nnz();
  const std::int64_t* ids = gradient.ids().data<std::int64_t>();
  const T* values = gradient.values().data<T>();
  const auto without_gradient = [&](std::int64_t begin, std::int64_t end) {  // elements
    for (; begin < end; begin += block) {
      rule(std::min(block, end - begin), zeros, w + begin, b + begin);
    }
  };
  parallel_for(
      V, std::max<std::int64_t>(D, 1) * rule.cost, [&](std::int64_t row, std::int64_t end) {
        for (std::int64_t k = std::lower_bound(ids, ids + nnz, row) - ids; row < end; ++k) {
          const std::int64_t next = k < nnz ? std::min(ids[k], end) : end;
          without_gradient(row * D, next * D);
          if (next < end) rule(D, values + k * D, w + next * D, b + next * D);
          row = next + 1;
        }
      });
}

}  // namespace

std::vector<OptionField> option_fields(SGDOptions& options) {
  return {{"lr", options.lr},
          {"momentum", options.momentum},
          {"dampening", options.dampening},
          {"weight_decay", options.weight_decay},
          {"nesterov", options.nesterov},
          {"maximize", options.maximize}};
}

void check_options(const SGDOptions& options) {
  detail::require_not_negative("SGD", "lr", options.lr);
  detail::require_not_negative("SGD", "momentum", options.momentum);
  detail::require_not_negative("SGD", "weight_decay", options.weight_decay);
  detail::require_finite("SGD", "dampening", options.dampening);
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0)) {
    throw ValueError(fmt::format(
        "SGD: nesterov with momentum {} and dampening {}: it needs momentum and no dampening",
        options.momentum, options.dampening));
  }
}

SGD::SGD(const std::vector<NamedParameter>& parameters, const SGDOptions& options)
    : SGD(std::vector<ParameterGroup<SGDOptions>>{{parameters, options}}) {}

SGD::SGD(const std::vector<ParameterGroup<SGDOptions>>& groups)
    : OptimizerWith("SGD", {"momentum_buffer"}, groups) {}

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
  detail::dispatch_float(parameter.dtype(), "SGD", [&]<class T>(T) {
    const T lr = static_cast<T>(options.lr), decay = static_cast<T>(options.weight_decay);
    const T sign = options.maximize ? T{-1} : T{1};
    T* w = parameter.mutable_data<T>();
    if (options.momentum > 0) {
      const double keep = slot.state.steps == 0 ? 1 : 1 - options.dampening;
      const Momentum<T> rule{lr,
                             sign,
                             decay,
                             static_cast<T>(options.momentum),
                             static_cast<T>(keep),
                             options.nesterov};
      T* b = slot.state.buffers[0].mutable_data<T>();
      if (sparse) {
        update_table(rule, gradient.sparse().coalesce(), w, b);
      } else {
        detail::update_all(rule, parameter.numel(), gradient.dense().data<T>(), w, b);
      }
      ++slot.state.steps;
    } else if (sparse) {
      gradient.sparse().add_to(parameter, static_cast<double>(-sign * lr));
    } else {
      detail::update_all(Plain<T>{lr, sign, decay}, parameter.numel(), gradient.dense().data<T>(),
                         w);
    }
  });
}

}  // namespace gradus
