#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/kernels/power.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/power.h>

namespace gradus {

using detail::map;
using detail::map_vjp;

// y = a^b: da = g b a^(b - 1), db = g y log(a)
Tensor pow(const Tensor& a, const Tensor& b) {
  const Tensor y = map("pow", a, b, kernels::pow);
  return record("pow", y, vjp(a, map_vjp("pow", a, b, kernels::pow_vjp_base)),
                vjp(b, map_vjp("pow", y, a, kernels::pow_vjp_exponent)));
}

Tensor pow(const Tensor& a, double b) {
  const Tensor y = b == 2 ? map("pow", a, a, kernels::mul_vjp) : map("pow", a, b, kernels::pow);
  return record("pow", y, vjp(a, [a = Saved(a), b](const Tensor& g) {
                  if (b == 2) return map("pow", g, *a, kernels::square_vjp);
                  return map("pow", g, *a, full({}, b, g.dtype()), kernels::pow_vjp_base);
                }));
}

Tensor pow(double a, const Tensor& b) {
  const Tensor y = map("pow", a, b, kernels::pow);
  return record("pow", y, vjp(b, [y = Saved(y), a](const Tensor& g) {
                  return map("pow", g, *y, full({}, a, g.dtype()), kernels::pow_vjp_exponent);
                }));
}

Tensor square(const Tensor& x) {
  const Tensor y = map("square", x, kernels::square);
  return record("square", y, vjp(x, map_vjp("square", x, kernels::square_vjp)));  // 2 g x
}

Tensor reciprocal(const Tensor& x) {
  const Tensor y = map("reciprocal", x, kernels::reciprocal);
  return record("reciprocal", y,
                vjp(x, map_vjp("reciprocal", y, kernels::reciprocal_vjp)));  // -g y^2
}

Tensor rsqrt(const Tensor& x) {
  const Tensor y = map("rsqrt", x, kernels::rsqrt);
  return record("rsqrt", y, vjp(x, map_vjp("rsqrt", y, kernels::rsqrt_vjp)));  // -g y^3 / 2
}

}  // namespace gradus
