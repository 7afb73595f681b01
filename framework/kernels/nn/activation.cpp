#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/nn/activation.h>
#include <gradus/framework/kernels/nn/sigmoid.h>
#include <gradus/framework/kernels/simd/special.h>

#include <limits>
#include <numbers>
#include <utility>

namespace gradus::kernels {
namespace {

/// x, limited to the range outside which the factor next to it is 0: 0 times infinity would be NaN.
template <class B>
B bounded(const B& x) {
  using T = typename B::value_type;
  const B bound = constant<B>(std::is_same_v<T, float> ? 128 : 1024);
  return detail::max(-bound, detail::min(bound, x));  // keeps NaN
}
template <class B>
B bounded_below(const B& x) {
  using T = typename B::value_type;
  return detail::max(constant<B>(std::is_same_v<T, float> ? -128 : -1024), x);
}

/// sigmoid(2 z) = (1 + tanh(z)) / 2, z = sqrt(2 / pi) (x + 0.044715 x^3), and 2 dz/dx.
/// Source: Hendrycks and Gimpel 2016, "Gaussian error linear units".
template <class B>
struct GeluTanh {
  static constexpr double linear = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  static constexpr double cubic = linear * 0.044715;

  explicit GeluTanh(const B& x)
      : s(x * detail::fma(x * x, constant<B>(cubic), constant<B>(linear))),
        slope(detail::fma(x * x, constant<B>(3 * cubic), constant<B>(linear))) {}
  Sigmoid<B> s;
  B slope;
};

/// tanh(log(1 + exp(x))) and 1 minus that, both without cancellation: with e = exp(x) it is
/// (e^2 + 2 e) / (e^2 + 2 e + 2), multiplied through by exp(-2 x) where x > 0.
template <class B>
struct TanhOfSoftplus {
  explicit TanhOfSoftplus(const B& x) {
    const B one = constant<B>(1), two = constant<B>(2);
    const B e = detail::exp(-detail::abs(x));
    const auto negative = x < constant<B>(0);
    const B top = detail::select(negative, e * (e + two), detail::fma(two, e, one));
    const B left = detail::select(negative, two, two * e * e);
    value = top / (top + left);
    rest = left / (top + left);
  }
  B value, rest;
};

}  // namespace

constinit const UnaryKernel gelu = make_unary(
    [](auto x) {
      const detail::NormalParts parts(x);
      return bounded_below(x) * detail::normal_cdf(x, parts);
    },
    10);
constinit const SlopeKernel gelu_with_slope = make_with_slope(
    [](auto x) {
      using B = decltype(x);
      constexpr double factor = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      const detail::NormalParts parts(x);
      const B below = detail::normal_cdf(x, parts);
      const B bump = detail::copysign(parts.t, x) * (constant<B>(factor) * parts.density);
      return std::pair{bounded_below(x) * below, below + bump};  // P + x p
    },
    12);

constinit const UnaryKernel gelu_tanh =
    make_unary([](auto x) { return bounded_below(x) * GeluTanh(bounded(x)).s.value; }, 8);
constinit const SlopeKernel gelu_tanh_with_slope = make_with_slope(
    [](auto x) {
      const auto near = bounded(x);
      const GeluTanh parts(near);
      const auto s = parts.s.value;
      return std::pair{bounded_below(x) * s,
                       s * (constant<decltype(x)>(1) + near * parts.slope * parts.s.rest)};
    },
    10);

constinit const UnaryKernel silu =
    make_unary([](auto x) { return bounded_below(x) * Sigmoid(x).value; }, 7);
constinit const BinaryKernel silu_vjp = make_binary(
    [](auto g, auto x) {
      const auto near = bounded(x);
      const Sigmoid s(near);
      return unless_zero(g, g * (s.value * (constant<decltype(x)>(1) + near * s.rest)));
    },
    8);

constinit const UnaryKernel logsigmoid = make_unary(
    [](auto x) {
      // The constant first: min gives its second argument if one is NaN.
      return detail::min(constant<decltype(x)>(0), x) - detail::log1p(detail::exp(-detail::abs(x)));
    },
    14);
constinit const BinaryKernel logsigmoid_vjp =
    make_binary([](auto g, auto x) { return unless_zero(g, g * Sigmoid(x).rest); }, 7);

constinit const UnaryKernel mish =
    make_unary([](auto x) { return bounded_below(x) * TanhOfSoftplus(x).value; }, 8);
constinit const BinaryKernel mish_vjp = make_binary(
    [](auto g, auto x) {  // t + x (1 - t^2) sigmoid(x)
      using B = decltype(x);
      const B near = bounded(x);
      const TanhOfSoftplus t(near);
      const B slope = t.rest * (constant<B>(1) + t.value) * Sigmoid(near).value;
      return unless_zero(g, g * detail::fma(near, slope, t.value));
    },
    14);

constinit const UnaryKernel softsign = make_unary(
    [](auto x) {
      using B = decltype(x);  // the constant first: NaN stays
      const B most = constant<B>(std::numeric_limits<typename B::value_type>::max());
      const B size = detail::min(most, detail::abs(x));
      return detail::copysign(size / (constant<B>(1) + size), x);
    },
    4);
constinit const BinaryKernel softsign_vjp = make_binary(
    [](auto g, auto x) {
      using B = decltype(x);
      const B factor = constant<B>(1) / (constant<B>(1) + detail::abs(x));
      return unless_zero(g, g * (factor * factor));
    },
    5);

constinit const UnaryKernel hardsigmoid = make_unary(
    [](auto x) {
      using B = decltype(x);  // the constant first: NaN stays
      const B shifted = detail::max(constant<B>(0), x + constant<B>(3));
      return detail::min(constant<B>(6), shifted) / constant<B>(6);
    },
    3);
constinit const BinaryKernel hardsigmoid_vjp = make_binary(
    [](auto g, auto x) {
      using B = decltype(x);
      const B flat = detail::select(is_nan(x), x, constant<B>(0));
      const auto inside = detail::abs(x) < constant<B>(3);
      return unless_zero(g, detail::select(inside, g / constant<B>(6), flat));
    },
    4);

constinit const UnaryKernel hardswish = make_unary(
    [](auto x) {
      using B = decltype(x);
      const B three = constant<B>(3);
      const B near = detail::min(three, detail::max(-three, x));
      return detail::select(x >= three, x, near * (near + three) / constant<B>(6));
    },
    4);
constinit const BinaryKernel hardswish_vjp = make_binary(
    [](auto g, auto x) {
      using B = decltype(x);
      const B three = constant<B>(3);
      const B middle = g * detail::fma(x, constant<B>(1.0 / 3), constant<B>(0.5));
      const B below = detail::select(x <= -three, constant<B>(0), middle);
      return unless_zero(g, detail::select(x >= three, g, below));
    },
    5);

template <class T>
void softplus(const T* x, T* y, int64_t n, double beta, double threshold) {
  const auto b = static_cast<T>(beta), most = static_cast<T>(threshold);
  const auto f = [=](auto v) {
    using B = decltype(v);
    const B z = B(b) * v;
    const B value = detail::max(B(T{0}), z) + detail::log1p(detail::exp(-detail::abs(z)));
    return detail::select(z > B(most), v, value / B(b));
  };
  map_with(f, y, n, 14, x);
}

template <class T>
void softplus_vjp(const T* g, const T* x, T* dx, int64_t n, double beta, double threshold) {
  const auto b = static_cast<T>(beta), most = static_cast<T>(threshold);
  const auto f = [=](auto cotangent, auto v) {
    using B = decltype(v);
    const B z = B(b) * v;
    return detail::select(z > B(most), cotangent,
                          unless_zero(cotangent, cotangent * detail::sigmoid(z)));
  };
  map_with(f, dx, n, 7, g, x);
}

template <class T>
void elu(const T* x, T* y, int64_t n, double alpha) {
  const auto a = static_cast<T>(alpha);
  const auto f = [=](auto v) {
    using B = decltype(v);
    return detail::select(v > B(T{0}), v, B(a) * detail::expm1(v));
  };
  map_with(f, y, n, 6, x);
}

template <class T>
void elu_vjp(const T* g, const T* x, T* dx, int64_t n, double alpha) {
  const auto a = static_cast<T>(alpha);
  const auto f = [=](auto cotangent, auto v) {
    using B = decltype(v);
    return detail::select(v > B(T{0}), cotangent,
                          unless_zero(cotangent, cotangent * (B(a) * detail::exp(v))));
  };
  map_with(f, dx, n, 6, g, x);
}

template <class T>
void celu(const T* x, T* y, int64_t n, double alpha) {
  const auto a = static_cast<T>(alpha);
  const auto f = [=](auto v) {
    using B = decltype(v);
    return detail::select(v > B(T{0}), v, B(a) * detail::expm1(v / B(a)));
  };
  map_with(f, y, n, 6, x);
}

template <class T>
void celu_vjp(const T* g, const T* x, T* dx, int64_t n, double alpha) {
  const auto a = static_cast<T>(alpha);
  const auto f = [=](auto cotangent, auto v) {
    using B = decltype(v);
    return detail::select(v > B(T{0}), cotangent,
                          unless_zero(cotangent, cotangent * detail::exp(v / B(a))));
  };
  map_with(f, dx, n, 6, g, x);
}

template <class T>
void leaky_relu(const T* x, T* y, int64_t n, double slope) {
  const auto s = static_cast<T>(slope);
  const auto f = [=](auto v) {
    using B = decltype(v);
    return detail::select(v > B(T{0}), v, B(s) * v);
  };
  map_with(f, y, n, 1, x);
}

template <class T>
void leaky_relu_vjp(const T* g, const T* x, T* dx, int64_t n, double slope) {
  const auto s = static_cast<T>(slope);
  const auto f = [=](auto cotangent, auto v) {
    using B = decltype(v);
    const B zero(T{0});
    const B below = detail::select(v <= zero, B(s) * cotangent, v);  // NaN where x is
    return unless_zero(cotangent, detail::select(v > zero, cotangent, below));
  };
  map_with(f, dx, n, 2, g, x);
}

GRADUS_INSTANTIATE_FLOATS(softplus)
GRADUS_INSTANTIATE_FLOATS(softplus_vjp)
GRADUS_INSTANTIATE_FLOATS(elu)
GRADUS_INSTANTIATE_FLOATS(elu_vjp)
GRADUS_INSTANTIATE_FLOATS(celu)
GRADUS_INSTANTIATE_FLOATS(celu_vjp)
GRADUS_INSTANTIATE_FLOATS(leaky_relu)
GRADUS_INSTANTIATE_FLOATS(leaky_relu_vjp)

}  // namespace gradus::kernels
