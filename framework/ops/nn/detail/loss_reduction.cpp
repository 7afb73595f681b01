#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/reduce.h>

namespace gradus::detail {

Tensor reduced(const Tensor& losses, Reduction reduction, double count) {
  if (reduction == Reduction::none) return losses;
  Tensor total = empty({}, losses.dtype());
  visit_float("loss", losses, [&]<class T>(T) {
    T* y = total.mutable_data<T>();
    kernels::sum(losses.data<T>(), y, 1, losses.numel(), 1);
    if (reduction == Reduction::mean) {
      *y = count > 0 ? static_cast<T>(static_cast<double>(*y) / count) : T{0};
    }
  });
  return total;
}

Tensor recorded_reduction(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum || losses.numel() == 0 ? sum(losses) : mean(losses);
}

Tensor loss_scale(const Tensor& g, Reduction reduction, double count) {
  if (reduction != Reduction::mean) return g;
  return mul(g, count > 0 ? 1.0 / count : 0.0);
}

void check_no_gradient(const char* operation, const char* argument, const Tensor& tensor) {
  if (!tensor.defined() || !grad_enabled() || !tensor.requires_grad()) return;
  throw AutogradError(
      fmt::format("{}: {} needs a gradient, which is not computed: pass {}.detach()", operation,
                  argument, argument));
}

void check_dtypes(const char* operation, const char* x_name, const Tensor& x,
                  const char* other_name, const Tensor& other) {
  if (x.dtype() == other.dtype()) return;
  throw DTypeError(fmt::format("{}: dtypes differ: {} is {}, {} is {}: convert one with to()",
                               operation, x_name, name(x.dtype()), other_name,
                               name(other.dtype())));
}

void check_pair(const char* operation, const char* x_name, const Tensor& x, const char* target_name,
                const Tensor& target) {
  check_defined(operation, {{x_name, x}, {target_name, target}});
  if (!is_floating(x.dtype())) throw_not_floating(operation, x.dtype());
  check_dtypes(operation, x_name, x, target_name, target);
  if (x.shape() != target.shape()) {
    throw ShapeError(fmt::format(
        "{}: shapes differ: {} is {}, {} is {}{}", operation, x_name, x.shape().str(), target_name,
        target.shape().str(), x.numel() == target.numel() ? ": reshape one like the other" : ""));
  }
}

}  // namespace gradus::detail
