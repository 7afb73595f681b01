#include <gradus/framework/autograd.h>
#include <gradus/framework/kernels/special.h>
#include <gradus/framework/ops/map.h>
#include <gradus/framework/ops/special.h>

namespace gradus {

using detail::map;

Tensor expm1(const Tensor& x) {
  return record("expm1", map("expm1", x, kernels::expm1), vjp(x, [x = Saved(x)](const Tensor& g) {
                  return map("expm1", g, *x, kernels::expm1_vjp);  // g exp(x)
                }));
}

Tensor log1p(const Tensor& x) {
  return record("log1p", map("log1p", x, kernels::log1p), vjp(x, [x = Saved(x)](const Tensor& g) {
                  return map("log1p", g, *x, kernels::log1p_vjp);  // g / (1 + x)
                }));
}

Tensor sin(const Tensor& x) {
  return record("sin", map("sin", x, kernels::sin), vjp(x, [x = Saved(x)](const Tensor& g) {
                  return map("sin", g, *x, kernels::sin_vjp);  // g cos(x)
                }));
}

Tensor cos(const Tensor& x) {
  return record("cos", map("cos", x, kernels::cos), vjp(x, [x = Saved(x)](const Tensor& g) {
                  return map("cos", g, *x, kernels::cos_vjp);  // -g sin(x)
                }));
}

Tensor erf(const Tensor& x) {
  return record("erf", map("erf", x, kernels::erf), vjp(x, [x = Saved(x)](const Tensor& g) {
                  return map("erf", g, *x, kernels::erf_vjp);  // 2 / sqrt(pi) g exp(-x^2)
                }));
}

}  // namespace gradus
