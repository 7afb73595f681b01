#include <gradus/framework/core/autograd.h>
#include <gradus/framework/kernels/special.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/special.h>

namespace gradus {

using detail::map;
using detail::map_vjp;

Tensor expm1(const Tensor& x) {
  const Tensor y = map("expm1", x, kernels::expm1);
  return record("expm1", y, vjp(x, map_vjp("expm1", x, kernels::expm1_vjp)));  // g exp(x)
}

Tensor log1p(const Tensor& x) {
  const Tensor y = map("log1p", x, kernels::log1p);
  return record("log1p", y, vjp(x, map_vjp("log1p", x, kernels::log1p_vjp)));  // g / (1 + x)
}

Tensor sin(const Tensor& x) {
  const Tensor y = map("sin", x, kernels::sin);
  return record("sin", y, vjp(x, map_vjp("sin", x, kernels::sin_vjp)));  // g cos(x)
}

Tensor cos(const Tensor& x) {
  const Tensor y = map("cos", x, kernels::cos);
  return record("cos", y, vjp(x, map_vjp("cos", x, kernels::cos_vjp)));  // -g sin(x)
}

Tensor erf(const Tensor& x) {
  const Tensor y = map("erf", x, kernels::erf);
  return record("erf", y, vjp(x, map_vjp("erf", x, kernels::erf_vjp)));  // 2 / sqrt(pi) g exp(-x^2)
}

}  // namespace gradus
