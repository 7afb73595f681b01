#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/norm.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/framework/ops/where.h>

#include <cmath>

namespace gradus {

using detail::ReducedAxes;

namespace {

void check(const Tensor& x, double p, const ReducedAxes& plan, double eps) {
  if (!is_floating(x.dtype())) detail::throw_not_floating("norm", x.dtype());
  if (std::isnan(p)) throw ValueError("norm: p is NaN");
  const bool takes_eps = p > 0 && std::isfinite(p);
  if (!(eps >= 0) || std::isinf(eps) || (eps > 0 && !takes_eps)) {
    throw ValueError(fmt::format(
        "norm: eps is {} with p = {}: it must be a finite number >= 0, and 0 unless p is "
        "finite and > 0",
        eps, p));
  }
  if (p < 0 && plan.count() == 0) {
    throw ShapeError(
        fmt::format("norm: p = {} has no value over nothing: x is {}", p, plan.input().str()));
  }
}

Tensor norm(const Tensor& x, double p, const ReducedAxes& plan, bool keepdim, double eps) {
  check(x, p, plan, eps);
  const Tensor rows = to_rows(x, plan);
  const Tensor y = empty(plan.result(keepdim), x.dtype());
  visit_float("norm", x, [&]<class T>(T) {
    kernels::norm(rows.data<T>(), y.mutable_data<T>(), rows.size(0), rows.size(1), p, eps);
  });
  const auto derivative = [plan, p, x = Saved(x), y = Saved(y)](const Tensor& g) {
    const Tensor in = to_rows(*x, plan);
    const Tensor dx = empty_like(in);
    visit_float("norm", g, [&]<class T>(T) {
      kernels::norm_vjp(g.data<T>(), in.data<T>(), (*y).template data<T>(), dx.mutable_data<T>(),
                        in.size(0), in.size(1), p);
    });
    return from_rows(dx, plan);  // g sign(x) (|x| / y)^(p - 1)
  };
  return record("norm", y, vjp(x, derivative));
}

}  // namespace

Tensor norm(const Tensor& x, double p) { return norm(x, p, ReducedAxes("norm", x), false, 0); }
Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdim, double eps) {
  return norm(x, p, ReducedAxes("norm", x, axes), keepdim, eps);
}

Tensor normalize(const Tensor& x, double p, std::int64_t axis, double eps) {
  detail::axis_view(x, axis, "normalize");
  if (!is_floating(x.dtype())) detail::throw_not_floating("normalize", x.dtype());
  if (std::isnan(p)) throw ValueError("normalize: p is NaN");
  if (!(eps >= 0) || std::isinf(eps)) {
    throw ValueError(fmt::format("normalize: eps is {}: it must be a finite number >= 0", eps));
  }
  const Tensor length = norm(x, p, axis, true);
  return x / (eps > 0 ? clamp(length, eps) : masked_fill(length, equal(length, 0), 1));
}

}  // namespace gradus
