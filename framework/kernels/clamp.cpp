#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/clamp.h>
#include <gradus/framework/kernels/elementwise_loops.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

void abs_i64(const int64_t* x, int64_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    y[i] = x[i] < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x[i])) : x[i];
}

void sign_i64(const int64_t* x, int64_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = int64_t{x[i] > 0} - int64_t{x[i] < 0};
}

using Abs = decltype([](auto x) { return detail::abs(x); });
using Sign = decltype([](auto x) {
  using B = decltype(x);
  const B zero = constant<B>(0);
  const B below = detail::select(x < zero, constant<B>(-1), x);  // else 0 or NaN
  return detail::select(x > zero, constant<B>(1), below);
});

// A select, not the max of the register: NaN is kept.
using Maximum = decltype([](auto a, auto b) { return detail::select((a > b) | !(a == a), a, b); });
using Minimum = decltype([](auto a, auto b) { return detail::select((a < b) | !(a == a), a, b); });
using MaximumEach = decltype([](int64_t a, int64_t b) { return std::max(a, b); });
using MinimumEach = decltype([](int64_t a, int64_t b) { return std::min(a, b); });

/// The share of a in g; `better` is true where a is better than b.
template <class B, class Better>
B share(const B& g, const B& a, const B& b, const Better& better) {
  const auto number_a = a == a, number_b = b == b;
  const auto wins = better | (number_b & !number_a);
  const auto ties = (a == b) | !(number_a | number_b);
  const B zero = constant<B>(0);
  return detail::select(wins, g, detail::select(ties, g * constant<B>(0.5), zero));
}

}  // namespace

constinit const UnaryKernel abs = {unary<Abs, float>, unary<Abs, double>, abs_i64, 1};
constinit const UnaryKernel sign = {unary<Sign, float>, unary<Sign, double>, sign_i64, 1};
constinit const BinaryKernel maximum = {binary<Maximum, float>, binary<Maximum, double>,
                                        binary_each<MaximumEach, int64_t>, 1};
constinit const BinaryKernel minimum = {binary<Minimum, float>, binary<Minimum, double>,
                                        binary_each<MinimumEach, int64_t>, 1};

constinit const BinaryKernel abs_vjp = make_binary(
    [](auto g, auto x) {
      using B = decltype(x);
      const B zero = constant<B>(0);
      const B at_zero = detail::select(x == zero, zero, x);  // NaN for NaN
      const B below = detail::select(x < zero, -g, at_zero);
      return unless_zero(g, detail::select(x > zero, g, below));
    },
    2);
constinit const TernaryKernel maximum_vjp =
    make_ternary([](auto g, auto a, auto b) { return share(g, a, b, a > b); }, 2);
constinit const TernaryKernel minimum_vjp =
    make_ternary([](auto g, auto a, auto b) { return share(g, a, b, a < b); }, 2);

template <class T>
void clamp(const T* x, T* y, int64_t n, T low, T high) {
  if constexpr (std::is_integral_v<T>) {
    parallel_for_each(n, 1, [=](int64_t i) { y[i] = std::min(high, std::max(low, x[i])); });
  } else {
    // The constants first: min and max give their second argument if one is NaN.
    const auto f = [=](auto v) {
      using B = decltype(v);
      return detail::min(B(high), detail::max(B(low), v));
    };
    map_with(f, y, n, 1, x);
  }
}

template <class T>
void clamp_vjp(const T* g, const T* x, T* dx, int64_t n, T low, T high, bool inclusive) {
  const auto pass = [](auto inside, auto cotangent, auto v) {
    const auto zero = constant<decltype(v)>(0);
    const auto outside = detail::select(v == v, zero, v);  // NaN for NaN
    return unless_zero(cotangent, detail::select(inside, cotangent, outside));
  };
  const auto closed = [=](auto cotangent, auto v) {
    using B = decltype(v);
    return pass((v >= B(low)) & (v <= B(high)), cotangent, v);
  };
  const auto open = [=](auto cotangent, auto v) {
    using B = decltype(v);
    return pass((v > B(low)) & (v < B(high)), cotangent, v);
  };
  inclusive ? map_with(closed, dx, n, 2, g, x) : map_with(open, dx, n, 2, g, x);
}

GRADUS_INSTANTIATE_NUMBERS(clamp)
GRADUS_INSTANTIATE_FLOATS(clamp_vjp)

}  // namespace gradus::kernels
