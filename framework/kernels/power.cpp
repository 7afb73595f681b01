#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/power.h>
#include <gradus/framework/kernels/simd/pow.h>

namespace gradus::kernels {
namespace {

void square_i64(const int64_t* x, int64_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const auto value = static_cast<uint64_t>(x[i]);
    y[i] = static_cast<int64_t>(value * value);
  }
}

using Square = decltype([](auto x) { return x * x; });

}  // namespace

constinit const UnaryKernel square = {unary<Square, float>, unary<Square, double>, square_i64, 1};
constinit const UnaryKernel reciprocal =
    make_unary([](auto x) { return constant<decltype(x)>(1) / x; }, 3);
constinit const UnaryKernel rsqrt =
    make_unary([](auto x) { return constant<decltype(x)>(1) / detail::sqrt(x); }, 6);
constinit const BinaryKernel pow =
    make_binary([](auto a, auto b) { return detail::pow(a, b); }, 24);

constinit const BinaryKernel square_vjp =
    make_binary([](auto g, auto x) { return unless_zero(g, g * (x + x)); }, 2);
constinit const BinaryKernel reciprocal_vjp =
    make_binary([](auto g, auto y) { return unless_zero(g, -(g * y) * y); }, 2);
constinit const BinaryKernel rsqrt_vjp = make_binary(
    [](auto g, auto y) { return unless_zero(g, constant<decltype(y)>(-0.5) * g * y * y * y); }, 2);
constinit const TernaryKernel pow_vjp_base = make_ternary(
    [](auto g, auto a, auto b) {
      using B = decltype(a);
      const B zero = constant<B>(0), one = constant<B>(1);
      // Not y / a, which is 0 / 0 at 0; and a^-1 may be infinite, which would be wrong for b = 0.
      const B slope = b * detail::pow(a, detail::select(b == zero, zero, b - one));
      return unless_zero(g, g * slope);
    },
    28);
constinit const TernaryKernel pow_vjp_exponent = make_ternary(
    [](auto g, auto y, auto a) {
      using B = decltype(a);
      const B zero = constant<B>(0), one = constant<B>(1);
      // 0^b does not grow with b: its derivative is 0 for b >= 0, where y is 0 or 1.
      const auto constant_in_b = ((y == zero) | ((a == zero) & (y == one))) & (a >= zero);
      const B slope = y * detail::log(detail::select(constant_in_b, one, a));
      return detail::select(constant_in_b, zero, unless_zero(g, g * slope));
    },
    8);

}  // namespace gradus::kernels
