#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/detail/adam_kin.h>
#include <gradus/optim/detail/update.h>
#include <gradus/optim/muon.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace gradus {
namespace {

constexpr std::size_t momentum_buffer = 2;  // after the two of AdamW

/// X [m, n] with the norm 1 becomes a matrix of the same singular vectors whose singular values are
/// near 1. The products are those of the smaller side: A is X X^T, or X^T X.
template <class T>
class NewtonSchulz {
 public:
  NewtonSchulz(std::int64_t m, std::int64_t n)
      : m_(m),
        n_(n),
        k_(std::min(m, n)),
        gram_(empty({k_, k_}, dtype_of<T>)),
        polynomial_(empty({k_, k_}, dtype_of<T>)) {}

  /// One step, from x to y.
  void step(const std::array<double, 3>& coefficients, const T* x, T* y) const {
    const auto [a, b, c] = coefficients;
    T *gram = gram_.mutable_data<T>(), *polynomial = polynomial_.mutable_data<T>();
    const bool wide = m_ <= n_;
    kernels::gemm<T>(!wide, wide, k_, k_, wide ? n_ : m_, 1, x, n_, x, n_, 0, gram, k_);
    std::copy_n(gram, k_ * k_, polynomial);
    kernels::gemm<T>(false, false, k_, k_, k_, static_cast<T>(c), gram, k_, gram, k_,
                     static_cast<T>(b), polynomial, k_);
    std::copy_n(x, m_ * n_, y);
    const T *left = wide ? polynomial : x, *right = wide ? x : polynomial;
    kernels::gemm<T>(false, false, m_, n_, k_, 1, left, wide ? k_ : n_, right, wide ? n_ : k_,
                     static_cast<T>(a), y, n_);
  }

 private:
  std::int64_t m_, n_, k_;
  Tensor gram_, polynomial_;
};

/// The factor of the step of a matrix [m, n].
double scale_of(const MuonOptions& options, std::int64_t m, std::int64_t n) {
  const auto rows = static_cast<double>(m), columns = static_cast<double>(n);
  if (options.match_rms_adamw) return 0.2 * std::sqrt(std::max(rows, columns));
  const double ratio = rows / columns;
  return std::sqrt(options.spectral_unclamped ? ratio : std::max(1.0, ratio));
}

/// Momentum, and the direction of the step before it is orthogonalised.
template <class T>
Tensor direction(const MuonOptions& options, const Tensor& gradient, const Tensor& momentum) {
  Tensor u = empty_like(gradient);
  const T* g = gradient.data<T>();
  T *m = momentum.mutable_data<T>(), *to = u.mutable_data<T>();
  const T keep = static_cast<T>(options.momentum), take = static_cast<T>(1 - options.momentum);
  const bool nesterov = options.nesterov;
  const auto rule = [=](T value, T& mean, T& out) {
    mean = keep * mean + take * value;
    out = nesterov ? keep * mean + take * value : mean;
  };
  detail::update_all(3, rule, u.numel(), g, m, to);
  return u;
}

/// u, divided by its norm and orthogonalised.
template <class T>
Tensor orthogonalised(const MuonOptions& options, Tensor u) {
  const std::int64_t m = u.size(0), n = u.size(1);
  double squares = 0;
  for (const T value : u.span<T>())
    squares += static_cast<double>(value) * static_cast<double>(value);
  const double norm = std::max(std::sqrt(squares), options.eps);
  u.mul_(1 / norm);
  Tensor next = empty_like(u);
  const NewtonSchulz<T> iteration(m, n);
  for (std::int64_t k = 0; k < options.ns_steps; ++k) {
    iteration.step(options.ns_coefficients, u.data<T>(), next.mutable_data<T>());
    std::swap(u, next);
  }
  return u;
}

}  // namespace

OptimizerInfo optimizer_info(MuonOptions& options) {
  return {"Muon",
          {"exp_avg", "exp_avg_sq", "momentum_buffer"},
          {{"lr", options.lr, detail::require_not_negative},
           {"weight_decay", options.weight_decay, detail::require_not_negative},
           {"momentum", options.momentum, detail::require_below_one},
           {"nesterov", options.nesterov},
           {"ns_coefficients.0", options.ns_coefficients[0], detail::require_finite},
           {"ns_coefficients.1", options.ns_coefficients[1], detail::require_finite},
           {"ns_coefficients.2", options.ns_coefficients[2], detail::require_finite},
           {"eps", options.eps, detail::require_positive},
           {"ns_steps", options.ns_steps},
           {"match_rms_adamw", options.match_rms_adamw},
           {"spectral_unclamped", options.spectral_unclamped},
           {"adamw", options.adamw},
           {"adamw_betas.0", options.adamw_betas[0], detail::require_below_one},
           {"adamw_betas.1", options.adamw_betas[1], detail::require_below_one},
           {"adamw_eps", options.adamw_eps, detail::require_not_negative}}};
}

void check_options(const MuonOptions& options) {
  detail::require_at_least("Muon", "ns_steps", options.ns_steps, 0);
  if (options.match_rms_adamw && options.spectral_unclamped) {
    throw ValueError("Muon: match_rms_adamw and spectral_unclamped are both set: choose one");
  }
}

bool Muon::uses_buffer(std::size_t buffer, std::int64_t group) const {
  return (buffer == momentum_buffer) != options(group).adamw;
}

void Muon::check_gradient(const Slot& slot) const {
  Optimizer::check_gradient(slot);
  if (options_of(slot).adamw || slot.parameter().dim() == 2) return;
  throw ShapeError(
      fmt::format("Muon: {} is {}, but only matrices can be orthogonalised: put it "
                  "into a group with .adamw = true (see split_for_muon())",
                  slot.target.path, slot.parameter().shape().str()));
}

void Muon::update(Slot& slot) {
  const MuonOptions& options = options_of(slot);
  if (options.adamw) {
    const AdamWOptions adamw{.lr = options.lr,
                             .betas = options.adamw_betas,
                             .eps = options.adamw_eps,
                             .weight_decay = options.weight_decay};
    return detail::adam_step(adamw, true, slot, order_);
  }
  ++slot.state.steps;
  const Parameter& w = slot.parameter();
  if (w.numel() == 0) return;
  visit_float(name(), w, [&]<class T>(T) {
    const Tensor u = orthogonalised<T>(options, direction<T>(options, slot.gradient().dense(),
                                                             slot.state.buffers[momentum_buffer]));
    const T shrink = static_cast<T>(1 - options.lr * options.weight_decay);
    const T step = static_cast<T>(options.lr * scale_of(options, w.size(0), w.size(1)));
    const auto rule = [=](T x, T& value) { value = shrink * value - step * x; };
    detail::update_all(2, rule, w.numel(), u.data<T>(), w.mutable_data<T>());
  });
}

}  // namespace gradus
