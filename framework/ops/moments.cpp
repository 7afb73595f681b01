#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/moments.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/moments.h>

#include <algorithm>

namespace gradus {

using detail::Plan;
using detail::raw;

namespace {

double divisor(const Plan& plan, double correction) {
  return std::max(0.0, static_cast<double>(plan.count()) - correction);
}

// kernel(x values, y values, R, C, divisor) of the rows of x.
template <class Kernel>
Tensor of_rows(const char* operation, const Tensor& x, const Plan& plan, bool keepdim,
               double correction, const Kernel& kernel) {
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  const Tensor rows = to_rows(x, plan);
  Tensor y = empty(plan.result(keepdim), x.dtype());
  detail::dispatch_float(x.dtype(), operation, [&]<class T>(T) {
    kernel(rows.data<T>(), static_cast<T*>(raw(y)), rows.size(0), rows.size(1),
           divisor(plan, correction));
  });
  return y;
}

// scale(i) (x - mean(x)) in slice i of x.
template <class Scale>
Tensor scaled_deviations(const Tensor& x, const Plan& plan, const Scale& scale) {
  const Tensor rows = to_rows(x, plan);
  const Tensor scales = empty({rows.size(0)}, DType::float64);
  auto* factor = static_cast<double*>(raw(scales));
  for (std::int64_t i = 0; i < rows.size(0); ++i) factor[i] = scale(i);
  const Tensor dx = empty_like(rows);
  detail::dispatch_float(x.dtype(), "var", [&]<class T>(T) {
    kernels::scaled_deviations(rows.data<T>(), factor, static_cast<T*>(raw(dx)), rows.size(0),
                               rows.size(1));
  });
  return from_rows(dx, plan);
}

Tensor var(const Tensor& x, const Plan& plan, bool keepdim, double correction) {
  const double n = divisor(plan, correction);
  const Tensor y =
      of_rows("var", x, plan, keepdim, correction, [](auto... a) { kernels::variance(a...); });
  return record("var", y, vjp(x, [plan, n, x = Saved(x)](const Tensor& g) {
                  return detail::dispatch_float(g.dtype(), "var", [&]<class T>(T) {
                    const T* cotangent = g.data<T>();
                    return scaled_deviations(*x, plan, [=](std::int64_t i) {  // 2 g (x - mean) / n
                      const auto gi = static_cast<double>(cotangent[i]);
                      return gi == 0 ? 0.0 : 2 * gi / n;
                    });
                  });
                }));
}

Tensor std(const Tensor& x, const Plan& plan, bool keepdim, double correction) {
  const double n = divisor(plan, correction);
  const Tensor y = of_rows("std", x, plan, keepdim, correction,
                           [](auto... a) { kernels::standard_deviation(a...); });
  return record(
      "std", y, vjp(x, [plan, n, x = Saved(x), y = Saved(y)](const Tensor& g) {
        const Tensor result = *y;
        return detail::dispatch_float(g.dtype(), "std", [&]<class T>(T) {
          const T* cotangent = g.data<T>();
          const T* deviation = result.data<T>();
          return scaled_deviations(*x, plan, [=](std::int64_t i) {  // g (x - mean) / (n y)
            const bool zero = cotangent[i] == 0 || deviation[i] == 0;
            return zero ? 0.0 : cotangent[i] / (n * static_cast<double>(deviation[i]));
          });
        });
      }));
}

}  // namespace

Tensor var(const Tensor& x) { return var(x, Plan("var", x), false, 1); }
Tensor var(const Tensor& x, const Axes& axes, bool keepdim, double correction) {
  return var(x, Plan("var", x, axes), keepdim, correction);
}

Tensor std(const Tensor& x) { return std(x, Plan("std", x), false, 1); }
Tensor std(const Tensor& x, const Axes& axes, bool keepdim, double correction) {
  return std(x, Plan("std", x, axes), keepdim, correction);
}

}  // namespace gradus
