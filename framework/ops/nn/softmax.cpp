#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/softmax.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/scatter.h>

#include <cmath>

namespace gradus {

using detail::AxisView;
using detail::from_rows;
using detail::ReducedAxes;
using detail::slice_view;
using detail::to_rows;

namespace {

// y = kernel(x) along the slices.
template <class Kernel>
Tensor along(const char* operation, const Tensor& x, const AxisView& slices, Kernel kernel) {
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  const Tensor rows = to_rows(x, slices);
  const Tensor y = empty_like(rows);
  visit_float(operation, x, [&]<class T>(T) {
    kernel(rows.data<T>(), y.mutable_data<T>(), rows.size(0), slices.n);
  });
  return from_rows(y, slices, x.shape());
}

// dx = kernel(g, y) along the slices.
template <class Kernel>
Tensor along(const char* operation, const Tensor& g, const Tensor& y, const AxisView& slices,
             Kernel kernel) {
  const Tensor g_rows = to_rows(g, slices);
  const Tensor y_rows = to_rows(y, slices);
  const Tensor dx = empty_like(y_rows);
  visit_float(operation, y, [&]<class T>(T) {
    kernel(g_rows.data<T>(), y_rows.data<T>(), dx.mutable_data<T>(), y_rows.size(0), slices.n);
  });
  return from_rows(dx, slices, y.shape());
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t axis) {
  const AxisView slices = slice_view(x, axis, "softmax");
  const Tensor y = along("softmax", x, slices, [](auto... a) { kernels::softmax(a...); });
  return record("softmax", y, vjp(x, [slices, y = Saved(y)](const Tensor& g) {
                  return along("softmax", g, *y, slices,  // y (g - sum(g y))
                               [](auto... a) { kernels::softmax_vjp(a...); });
                }));
}

Tensor log_softmax(const Tensor& x, std::int64_t axis) {
  const AxisView slices = slice_view(x, axis, "log_softmax");
  const Tensor y = along("log_softmax", x, slices, [](auto... a) { kernels::log_softmax(a...); });
  return record("log_softmax", y, vjp(x, [slices, y = Saved(y)](const Tensor& g) {
                  return along("log_softmax", g, *y, slices,  // g - exp(y) sum(g)
                               [](auto... a) { kernels::log_softmax_vjp(a...); });
                }));
}

namespace {

Tensor logsumexp(const Tensor& x, const ReducedAxes& plan, bool keepdim) {
  if (!is_floating(x.dtype())) detail::throw_not_floating("logsumexp", x.dtype());
  const Tensor rows = to_rows(x, plan);
  const Tensor wide = empty(plan.result(keepdim), DType::float64);
  visit_float("logsumexp", x, [&]<class T>(T) {
    kernels::logsumexp(rows.data<T>(), wide.mutable_data<double>(), rows.size(0), rows.size(1));
  });
  const auto derivative = [plan, x = Saved(x), wide = Saved(wide)](const Tensor& g) {
    const Tensor in = to_rows(*x, plan);
    const Tensor dx = empty_like(in);
    visit_float("logsumexp", g, [&]<class T>(T) {
      kernels::logsumexp_vjp(g.data<T>(), in.data<T>(), (*wide).template data<double>(),
                             dx.mutable_data<T>(), in.size(0), in.size(1));
    });
    return from_rows(dx, plan);  // g exp(x - y)
  };
  return record("logsumexp", wide.to(x.dtype()), vjp(x, derivative));
}

}  // namespace

Tensor logsumexp(const Tensor& x) { return logsumexp(x, ReducedAxes("logsumexp", x), false); }
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim) {
  return logsumexp(x, ReducedAxes("logsumexp", x, axes), keepdim);
}

Tensor softmin(const Tensor& x, std::int64_t axis) {
  slice_view(x, axis, "softmin");
  if (!is_floating(x.dtype())) detail::throw_not_floating("softmin", x.dtype());
  return softmax(-x, axis);
}

Tensor gumbel_softmax(const Tensor& logits, double tau, bool hard, std::int64_t axis,
                      Generator& generator) {
  detail::check_defined("gumbel_softmax", "logits", logits);
  if (!is_floating(logits.dtype())) detail::throw_not_floating("gumbel_softmax", logits.dtype());
  slice_view(logits, axis, "gumbel_softmax");
  if (!(tau > 0) || std::isinf(tau)) {
    throw ValueError(fmt::format("gumbel_softmax: tau is {}, it must be finite and > 0", tau));
  }
  const Tensor noise = -log(-log(rand(logits.shape(), logits.dtype(), generator)));
  Tensor soft = softmax((logits + noise) * (1 / tau), axis);
  if (!hard || soft.numel() == 0 || soft.dim() == 0) return soft;
  const Tensor value = soft.detach();
  const Tensor chosen = argmax(value, axis, true);
  const Tensor one = sign(gather(value, axis, chosen));  // 0 in a slice of zeros
  return soft + (scatter(zeros_like(value), axis, chosen, one) - value);
}

}  // namespace gradus
