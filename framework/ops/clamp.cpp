#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/clamp.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/map_float.h>
#include <gradus/framework/ops/clamp.h>

#include <cmath>
#include <limits>

namespace gradus {

using detail::map;
using detail::map_float;
using detail::map_vjp;

Tensor abs(const Tensor& x) {
  const Tensor y = map("abs", x, kernels::abs);
  return record("abs", y, vjp(x, map_vjp("abs", x, kernels::abs_vjp)));  // g sign(x)
}

Tensor sign(const Tensor& x) {
  return record("sign", map("sign", x, kernels::sign),
                vjp(x, [](const Tensor& g) { return Repeated{zeros({}, g.dtype())}; }));
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  const Tensor y = map("maximum", a, b, kernels::maximum);
  return record("maximum", y, vjp(a, map_vjp("maximum", a, b, kernels::maximum_vjp)),
                vjp(b, map_vjp("maximum", b, a, kernels::maximum_vjp)));
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  const Tensor y = map("minimum", a, b, kernels::minimum);
  return record("minimum", y, vjp(a, map_vjp("minimum", a, b, kernels::minimum_vjp)),
                vjp(b, map_vjp("minimum", b, a, kernels::minimum_vjp)));
}

namespace {

Tensor clamp_integers(const Tensor& x, const std::optional<Number>& min,
                      const std::optional<Number>& max) {
  using Limits = std::numeric_limits<std::int64_t>;
  const std::int64_t low = min ? detail::to_int64("clamp", *min) : Limits::min();
  const std::int64_t high = max ? detail::to_int64("clamp", *max) : Limits::max();
  Tensor y = empty_like(x);
  kernels::clamp(x.data<std::int64_t>(), y.mutable_data<std::int64_t>(), x.numel(), low, high);
  return y;
}

// The value of clamp and hardtanh.
Tensor clamped(const char* operation, const Tensor& x, double low, double high) {
  return map_float(operation, x, [=]<class T>(const T* in, T* out, std::int64_t n) {
    kernels::clamp(in, out, n, static_cast<T>(low), static_cast<T>(high));
  });
}

// The gradient of clamp and hardtanh: g between the bounds and, if `inclusive`, on them.
struct Between {
  Saved x;
  double low, high;
  bool inclusive;

  Tensor operator()(const Tensor& g) const {
    return map_float(
        "clamp", g, *x, [=, this]<class T>(const T* gy, const T* in, T* dx, std::int64_t n) {
          kernels::clamp_vjp(gy, in, dx, n, static_cast<T>(low), static_cast<T>(high), inclusive);
        });
  }
};

}  // namespace

Tensor clamp(const Tensor& x, std::optional<Number> min, std::optional<Number> max) {
  detail::check_defined("clamp", "x", x);
  if (!min && !max) throw ValueError("clamp: neither min nor max is given");
  if (min && std::isnan(min->real())) throw ValueError("clamp: min is NaN");
  if (max && std::isnan(max->real())) throw ValueError("clamp: max is NaN");
  if (x.dtype() == DType::int64) return clamp_integers(x, min, max);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double low = min.value_or(-infinity).real(), high = max.value_or(infinity).real();
  const Tensor y = clamped("clamp", x, low, high);
  return record("clamp", y, vjp(x, Between{Saved(x), low, high, true}));
}

Tensor hardtanh(const Tensor& x, double min, double max) {
  if (!(min <= max)) {
    throw ValueError(
        fmt::format("hardtanh: min is {} and max is {}: min <= max is needed", min, max));
  }
  const Tensor y = clamped("hardtanh", x, min, max);
  return record("hardtanh", y, vjp(x, Between{Saved(x), min, max, false}));
}

}  // namespace gradus
