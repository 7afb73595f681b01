#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/elementwise.h>

namespace gradus {

using detail::map;
using detail::map_over;
using detail::map_vjp;

namespace {

constexpr auto pass = [](const Tensor& g) { return g; };
constexpr auto negated = [](const Tensor& g) { return map("sub", g, kernels::negate); };

// Ends an op that was given a temporary, by making the temporary undefined. This comes last: if the
// op throws, nothing has changed, and `b` may be the same tensor.
Tensor consumed(Tensor& temporary, Tensor result) {
  temporary = Tensor();
  return result;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  return record("add", map("add", a, b, kernels::add), elementwise_vjp(a, pass),
                elementwise_vjp(b, pass));
}

Tensor add(Tensor&& a, const Tensor& b) {
  const Tensor y = map_over("add", a, b, kernels::add);
  return consumed(a, record("add", y, elementwise_vjp(a, pass), elementwise_vjp(b, pass)));
}

Tensor add(const Tensor& a, Number b) {
  return record("add", map("add", a, b, kernels::add), elementwise_vjp(a, pass));
}

Tensor sub(const Tensor& a, const Tensor& b) {
  return record("sub", map("sub", a, b, kernels::sub), elementwise_vjp(a, pass),
                elementwise_vjp(b, negated));
}

Tensor sub(Tensor&& a, const Tensor& b) {
  const Tensor y = map_over("sub", a, b, kernels::sub);
  return consumed(a, record("sub", y, elementwise_vjp(a, pass), elementwise_vjp(b, negated)));
}

Tensor sub(const Tensor& a, Number b) {
  return record("sub", map("sub", a, b, kernels::sub), elementwise_vjp(a, pass));
}

Tensor sub(Number a, const Tensor& b) {
  return record("sub", map("sub", a, b, kernels::sub), elementwise_vjp(b, negated));
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const Tensor y = map("mul", a, b, kernels::mul);
  return record("mul", y, elementwise_vjp(a, map_vjp("mul", b, kernels::mul_vjp)),
                elementwise_vjp(b, map_vjp("mul", a, kernels::mul_vjp)));
}

Tensor mul(Tensor&& a, const Tensor& b) {
  detail::check_defined("mul", {{"a", a}, {"b", b}});
  const bool needs_a = grad_enabled() && b.requires_grad();  // backward needs its values
  if (needs_a) return consumed(a, mul(std::as_const(a), b));
  const Tensor y = map_over("mul", a, b, kernels::mul);
  return consumed(a, record("mul", y, elementwise_vjp(a, map_vjp("mul", b, kernels::mul_vjp))));
}

Tensor mul(const Tensor& a, Number b) {
  return record("mul", map("mul", a, b, kernels::mul), elementwise_vjp(a, [b](const Tensor& g) {
                  return map("mul", g, b, kernels::mul_vjp);
                }));
}

// y = a / b: da = g / b, db = -g y / b
Tensor div(const Tensor& a, const Tensor& b) {
  const Tensor y = map("div", a, b, kernels::div);
  return record("div", y, vjp(a, map_vjp("div", b, kernels::div_vjp_a)),
                vjp(b, map_vjp("div", y, b, kernels::div_vjp_b)));
}

Tensor div(const Tensor& a, double b) {
  return record("div", map("div", a, b, kernels::div),
                vjp(a, [b](const Tensor& g) { return map("div", g, b, kernels::div_vjp_a); }));
}

Tensor div(double a, const Tensor& b) {
  const Tensor y = map("div", a, b, kernels::div);
  return record("div", y, vjp(b, map_vjp("div", y, b, kernels::div_vjp_b)));
}

Tensor neg(const Tensor& x) {
  return record("neg", map("neg", x, kernels::negate),
                elementwise_vjp(x, [](const Tensor& g) { return map("neg", g, kernels::negate); }));
}

Tensor exp(const Tensor& x) {
  const Tensor y = map("exp", x, kernels::exp);
  return record("exp", y, vjp(x, map_vjp("exp", y, kernels::exp_vjp)));  // g y
}

Tensor log(const Tensor& x) {
  const Tensor y = map("log", x, kernels::log);
  return record("log", y, vjp(x, map_vjp("log", x, kernels::log_vjp)));  // g / x
}

Tensor sqrt(const Tensor& x) {
  const Tensor y = map("sqrt", x, kernels::sqrt);
  return record("sqrt", y, vjp(x, map_vjp("sqrt", y, kernels::sqrt_vjp)));  // g / (2 y)
}

Tensor tanh(const Tensor& x) {
  const Tensor y = map("tanh", x, kernels::tanh);
  return record("tanh", y, vjp(x, map_vjp("tanh", y, kernels::tanh_vjp)));  // g (1 - y^2)
}

Tensor sigmoid(const Tensor& x) {
  const Tensor y = map("sigmoid", x, kernels::sigmoid);
  return record("sigmoid", y, vjp(x, map_vjp("sigmoid", y, kernels::sigmoid_vjp)));  // g y (1 - y)
}

Tensor relu(const Tensor& x) {
  const Tensor y = map("relu", x, kernels::relu);
  return record("relu", y, vjp(x, map_vjp("relu", y, kernels::relu_vjp)));  // g where y > 0
}

}  // namespace gradus
