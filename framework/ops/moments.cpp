#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/moments.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/moments.h>

#include <algorithm>

namespace gradus {

using detail::ReducedAxes;

namespace {

double divisor(const ReducedAxes& plan, double correction) {
  return std::max(0.0, static_cast<double>(plan.count()) - correction);
}

// Calls kernel(x values, y values, R, C, divisor) on the rows of x.
template <class Kernel>
Tensor of_rows(const char* operation, const Tensor& x, const ReducedAxes& plan, bool keepdim,
               double correction, const Kernel& kernel) {
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  const Tensor rows = to_rows(x, plan);
  Tensor y = empty(plan.result(keepdim), x.dtype());
  visit_float(operation, x, [&]<class T>(T) {
    kernel(rows.data<T>(), y.mutable_data<T>(), rows.size(0), rows.size(1),
           divisor(plan, correction));
  });
  return y;
}

// Calls vjp(x values, dx values, R, C) on the rows of x.
template <class T, class Kernel>
Tensor of_rows_vjp(const Tensor& x, const ReducedAxes& plan, const Kernel& vjp) {
  const Tensor rows = to_rows(x, plan), dx = empty_like(rows);
  vjp(rows.data<T>(), dx.mutable_data<T>(), rows.size(0), rows.size(1));
  return from_rows(dx, plan);
}

Tensor var(const Tensor& x, const ReducedAxes& plan, bool keepdim, double correction) {
  const double n = divisor(plan, correction);
  const Tensor y =
      of_rows("var", x, plan, keepdim, correction, [](auto... a) { kernels::variance(a...); });
  return record("var", y, vjp(x, [plan, n, x = Saved(x)](const Tensor& g) {
                  return visit_float("var", g, [&]<class T>(T) {
                    return of_rows_vjp<T>(*x, plan, [&](const T* from, T* dx, auto... size) {
                      kernels::variance_vjp(g.data<T>(), from, dx, size..., n);
                    });
                  });
                }));
}

Tensor std(const Tensor& x, const ReducedAxes& plan, bool keepdim, double correction) {
  const double n = divisor(plan, correction);
  const Tensor y = of_rows("std", x, plan, keepdim, correction,
                           [](auto... a) { kernels::standard_deviation(a...); });
  return record("std", y, vjp(x, [plan, n, x = Saved(x), y = Saved(y)](const Tensor& g) {
                  const Tensor result = *y;
                  return visit_float("std", g, [&]<class T>(T) {
                    return of_rows_vjp<T>(*x, plan, [&](const T* from, T* dx, auto... size) {
                      kernels::standard_deviation_vjp(g.data<T>(), from, result.data<T>(), dx,
                                                      size..., n);
                    });
                  });
                }));
}

}  // namespace

Tensor var(const Tensor& x) { return var(x, ReducedAxes("var", x), false, 1); }
Tensor var(const Tensor& x, const Axes& axes, bool keepdim, double correction) {
  return var(x, ReducedAxes("var", x, axes), keepdim, correction);
}

Tensor std(const Tensor& x) { return std(x, ReducedAxes("std", x), false, 1); }
Tensor std(const Tensor& x, const Axes& axes, bool keepdim, double correction) {
  return std(x, ReducedAxes("std", x, axes), keepdim, correction);
}

}  // namespace gradus
