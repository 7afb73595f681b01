#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/rounding.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/rounding.h>

namespace gradus {

using detail::map;
using detail::map_vjp;

namespace {

// The gradient of a function that is constant between its steps.
Repeated no_slope(const Tensor& g) { return {zeros({}, g.dtype())}; }

constexpr auto pass = [](const Tensor& g) { return g; };

void check_divisor(const char* operation, const Tensor& b) {
  detail::check_defined(operation, "b", b);
  if (b.dtype() != DType::int64) return;
  const std::int64_t zero = kernels::first_zero(b.data<std::int64_t>(), b.numel());
  if (zero < 0) return;
  throw ValueError(fmt::format("{}: the divisor is 0 at position {}", operation,
                               detail::position(b.shape(), zero)));
}

void check_divisor(const char* operation, const Tensor& a, const Number& b) {
  detail::check_defined(operation, "a", a);
  if (a.dtype() == DType::int64 && b.real() == 0) {
    throw ValueError(fmt::format("{}: the divisor is 0", operation));
  }
}

void check_integers(const char* operation, const Tensor& x) {
  detail::check_defined(operation, "a", x);
  if (x.dtype() == DType::int64) return;
  throw DTypeError(
      fmt::format("{}: a tensor of dtype {} where int64 is needed: for floats use "
                  "floor(a / b)",
                  operation, name(x.dtype())));
}

}  // namespace

Tensor floor(const Tensor& x) {
  return record("floor", map("floor", x, kernels::floor), vjp(x, no_slope));
}

Tensor ceil(const Tensor& x) {
  return record("ceil", map("ceil", x, kernels::ceil), vjp(x, no_slope));
}

Tensor round(const Tensor& x) {
  return record("round", map("round", x, kernels::round), vjp(x, no_slope));
}

Tensor trunc(const Tensor& x) {
  return record("trunc", map("trunc", x, kernels::trunc), vjp(x, no_slope));
}

// y = a - b n: da = g, db = -g n, n = trunc(a / b)
Tensor fmod(const Tensor& a, const Tensor& b) {
  check_divisor("fmod", b);
  const Tensor y = map("fmod", a, b, kernels::fmod);
  return record("fmod", y, elementwise_vjp(a, pass),
                vjp(b, map_vjp("fmod", a, b, kernels::fmod_vjp_b)));
}

Tensor fmod(const Tensor& a, Number b) {
  check_divisor("fmod", a, b);
  return record("fmod", map("fmod", a, b, kernels::fmod), elementwise_vjp(a, pass));
}

// y = a - b n: da = g, db = -g n, n = floor(a / b)
Tensor remainder(const Tensor& a, const Tensor& b) {
  check_divisor("remainder", b);
  const Tensor y = map("remainder", a, b, kernels::remainder);
  return record("remainder", y, elementwise_vjp(a, pass),
                vjp(b, map_vjp("remainder", a, b, kernels::remainder_vjp_b)));
}

Tensor remainder(const Tensor& a, Number b) {
  check_divisor("remainder", a, b);
  return record("remainder", map("remainder", a, b, kernels::remainder), elementwise_vjp(a, pass));
}

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  check_integers("floor_divide", a);
  check_divisor("floor_divide", b);
  return map("floor_divide", a, b, kernels::floor_divide);
}

Tensor floor_divide(const Tensor& a, Number b) {
  check_integers("floor_divide", a);
  check_divisor("floor_divide", a, b);
  return map("floor_divide", a, b, kernels::floor_divide);
}

}  // namespace gradus
