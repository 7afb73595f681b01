#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/simd/special.h>
#include <gradus/framework/kernels/special.h>

#include <numbers>

namespace gradus::kernels {

constinit const UnaryKernel expm1 = make_unary([](auto x) { return detail::expm1(x); }, 6);
constinit const UnaryKernel log1p = make_unary([](auto x) { return detail::log1p(x); }, 10);
constinit const UnaryKernel sin = make_unary([](auto x) { return detail::sin(x); }, 10);
constinit const UnaryKernel cos = make_unary([](auto x) { return detail::cos(x); }, 10);
constinit const UnaryKernel erf = make_unary([](auto x) { return detail::erf(x); }, 10);

constinit const BinaryKernel expm1_vjp =
    make_binary([](auto g, auto x) { return unless_zero(g, g * detail::exp(x)); }, 6);
constinit const BinaryKernel log1p_vjp = make_binary(
    [](auto g, auto x) { return unless_zero(g, g / (constant<decltype(x)>(1) + x)); }, 3);
constinit const BinaryKernel sin_vjp =
    make_binary([](auto g, auto x) { return unless_zero(g, g * detail::cos(x)); }, 10);
constinit const BinaryKernel cos_vjp =
    make_binary([](auto g, auto x) { return unless_zero(g, -g * detail::sin(x)); }, 10);
constinit const BinaryKernel erf_vjp = make_binary(
    [](auto g, auto x) {
      const auto factor = constant<decltype(x)>(2 * std::numbers::inv_sqrtpi);
      return unless_zero(g, g * (factor * detail::exp(-x * x)));
    },
    6);

}  // namespace gradus::kernels
