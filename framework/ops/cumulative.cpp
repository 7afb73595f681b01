#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/scan.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/cumulative.h>

namespace gradus {

using detail::AxisView;
using detail::ReducedAxes;
using detail::slice_view;

namespace {

// Booleans count as int64.
Tensor as_number(const Tensor& x) { return x.dtype() == DType::boolean ? x.to(DType::int64) : x; }

Tensor prod(const Tensor& x, const ReducedAxes& plan, bool keepdim) {
  const Tensor rows = to_rows(as_number(x), plan);
  const Tensor y = empty(plan.result(keepdim), rows.dtype());
  detail::dispatch_number("prod", rows.dtype(), [&]<class T>(T) {
    kernels::prod(rows.data<T>(), y.mutable_data<T>(), rows.size(0), rows.size(1));
  });
  const auto derivative = [plan, x = Saved(x)](const Tensor& g) {
    const Tensor in = to_rows(*x, plan);
    const Tensor dx = empty_like(in);
    visit_float("prod", g, [&]<class T>(T) {
      kernels::prod_vjp(g.data<T>(), in.data<T>(), dx.mutable_data<T>(), in.size(0), in.size(1));
    });
    return from_rows(dx, plan);  // g times the product of the others
  };
  return record("prod", y, vjp(x, derivative));
}

Tensor running_sum(const Tensor& x, const AxisView& view, bool reverse) {
  Tensor y = empty_like(x);
  detail::dispatch_number("cumsum", x.dtype(), [&]<class T>(T) {
    kernels::cumsum(x.data<T>(), y.mutable_data<T>(), view.outer, view.n, view.inner, reverse);
  });
  return y;
}

}  // namespace

Tensor prod(const Tensor& x) { return prod(x, ReducedAxes("prod", x), false); }
Tensor prod(const Tensor& x, const Axes& axes, bool keepdim) {
  return prod(x, ReducedAxes("prod", x, axes), keepdim);
}

Tensor cumsum(const Tensor& x, std::int64_t axis) {
  const AxisView view = slice_view(x, axis, "cumsum");
  return record("cumsum", running_sum(as_number(x), view, false), vjp(x, [view](const Tensor& g) {
                  return running_sum(g, view, true);  // g_i + ... + g_n-1
                }));
}

Tensor cumprod(const Tensor& x, std::int64_t axis) {
  const AxisView view = slice_view(x, axis, "cumprod");
  const Tensor in = as_number(x);
  const Tensor y = empty_like(in);
  detail::dispatch_number("cumprod", in.dtype(), [&]<class T>(T) {
    kernels::cumprod(in.data<T>(), y.mutable_data<T>(), view.outer, view.n, view.inner);
  });
  return record("cumprod", y, vjp(x, [view, x = Saved(x), y = Saved(y)](const Tensor& g) {
                  Tensor dx = empty_like(g);  // y_{i-1} s_i, s_i = g_i + x_{i+1} s_{i+1}
                  visit_float("cumprod", g, [&]<class T>(T) {
                    kernels::cumprod_vjp(g.data<T>(), (*x).template data<T>(),
                                         (*y).template data<T>(), dx.mutable_data<T>(), view.outer,
                                         view.n, view.inner);
                  });
                  return dx;
                }));
}

}  // namespace gradus
