#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/module/detail/named_parameters.h>
#include <gradus/optim/detail/writable.h>
#include <gradus/optim/training/clip.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace gradus {
namespace {

// A gradient to be clipped, sparse ones coalesced; `values` are its elements.
struct Clipped {
  const NamedParameter* target;
  Gradient gradient;
  Tensor values;
};

std::vector<Clipped> gradients_of(const char* operation,
                                  const std::vector<NamedParameter>& parameters) {
  detail::check_defined(operation, parameters);
  std::vector<Clipped> result;
  result.reserve(parameters.size());
  std::unordered_set<const void*> seen;  // a parameter that is listed twice counts once
  for (const NamedParameter& target : parameters) {
    const Gradient& gradient = target.parameter.grad();
    if (!target.parameter.trainable() || gradient.empty()) continue;
    if (!seen.insert(&detail::Access::body(target.parameter)).second) continue;
    if (gradient.is_dense()) {
      result.push_back({&target, gradient, gradient.dense()});
    } else {
      const SparseGrad rows = gradient.sparse().coalesce();
      result.push_back({&target, rows, rows.values()});
    }
  }
  return result;
}

void require_writable(const char* operation, const std::vector<Clipped>& gradients) {
  for (const Clipped& clipped : gradients) {
    if (!clipped.values.is_read_only()) continue;  // a coalesced copy of a sparse one is not
    detail::require_writable_gradient(operation, *clipped.target);
  }
}

double norm_of(const Tensor& values, double p) {
  return visit_float("clip_grad_norm", values, [&]<class T>(T) {
    return kernels::norm_p(values.data<T>(), values.numel(), p);
  });
}

// Names the first gradient that is not finite, or the norm itself.
[[noreturn]] void throw_nonfinite(const std::vector<Clipped>& gradients,
                                  const std::vector<double>& norms, double total, double p) {
  for (std::size_t i = 0; i < norms.size(); ++i) {
    if (std::isfinite(norms[i])) continue;
    throw ValueError(fmt::format(
        "clip_grad_norm: the norm of order {} of the gradient of {} {} is {}: nothing "
        "was clipped",
        p, gradients[i].target->path, gradients[i].target->parameter.shape().str(), norms[i]));
  }
  throw ValueError(fmt::format(
      "clip_grad_norm: the norm of order {} of all gradients is {}: nothing was clipped", p,
      total));
}

}  // namespace

double clip_grad_norm(const std::vector<NamedParameter>& parameters, double max_norm,
                      const ClipOptions& options) {
  const double p = options.norm_type;
  if (!(max_norm >= 0)) {
    throw ValueError(
        fmt::format("clip_grad_norm: max_norm is {}, it must not be negative", max_norm));
  }
  if (!(p > 0)) {
    throw ValueError(fmt::format("clip_grad_norm: norm_type is {}, it must be above 0", p));
  }
  const std::vector<Clipped> gradients = gradients_of("clip_grad_norm", parameters);
  std::vector<double> norms;
  norms.reserve(gradients.size());
  for (const Clipped& clipped : gradients) norms.push_back(norm_of(clipped.values, p));
  const double total = kernels::norm_p(norms.data(), static_cast<std::int64_t>(norms.size()), p);
  if (!std::isfinite(total)) {
    if (options.error_if_nonfinite) throw_nonfinite(gradients, norms, total, p);
    return total;
  }
  const NoGradGuard no_grad;
  const double factor = max_norm / (total + 1e-6);
  if (factor < 1) require_writable("clip_grad_norm", gradients);
  for (const Clipped& clipped : gradients) {
    if (factor < 1) clipped.values.mul_(factor);
    if (clipped.gradient.is_sparse()) clipped.target->parameter.set_grad(clipped.gradient);
  }
  return total;
}

void clip_grad_value(const std::vector<NamedParameter>& parameters, double limit) {
  if (!(limit >= 0)) {
    throw ValueError(fmt::format("clip_grad_value: limit is {}, it must not be negative", limit));
  }
  const NoGradGuard no_grad;
  const std::vector<Clipped> gradients = gradients_of("clip_grad_value", parameters);
  require_writable("clip_grad_value", gradients);
  for (const Clipped& clipped : gradients) {
    visit_float("clip_grad_value", clipped.values, [&]<class T>(T) {
      const T most = static_cast<T>(limit);
      T* value = clipped.values.mutable_data<T>();
      parallel_for_each(clipped.values.numel(), 2, [&](std::int64_t i) {
        const T x = value[i];
        value[i] = x > most ? most : x < -most ? -most : x;
      });
    });
    if (clipped.gradient.is_sparse()) clipped.target->parameter.set_grad(clipped.gradient);
  }
}

}  // namespace gradus
