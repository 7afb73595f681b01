#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/rounding.h>

#include <algorithm>
#include <cmath>

namespace gradus::kernels {
namespace {

/// b = -1 is a special case: the quotient of the lowest integer overflows, which traps.
int64_t integer_fmod(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }

struct Fmod {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return integer_fmod(a, b);
    else
      return std::fmod(a, b);
  }
};

struct Remainder {
  template <class T>
  T operator()(T a, T b) const {
    const T rest = Fmod()(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
};

struct FloorDivide {
  int64_t operator()(int64_t a, int64_t b) const {
    if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
    const int64_t quotient = a / b, rest = a % b;
    return quotient - int64_t{rest != 0 && (rest < 0) != (b < 0)};
  }
};

template <class T>
T fmod_vjp_b_of(T g, T a, T b) {
  return g == 0 ? T{0} : -g * std::rint((a - std::fmod(a, b)) / b);
}

template <class T>
T remainder_vjp_b_of(T g, T a, T b) {
  if (g == 0) return 0;
  const T rest = std::fmod(a, b), quotient = std::rint((a - rest) / b);
  return -g * (rest != 0 && (rest < 0) != (b < 0) ? quotient - 1 : quotient);
}

/// y = f(g, a, b) one by one.
template <class T, T (*f)(T, T, T)>
void each(const T* g, int64_t stride_g, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
          T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = f(g[i * stride_g], a[i * stride_a], b[i * stride_b]);
}

template <class F>
constexpr BinaryKernel make_each(int64_t cost) {
  return {binary_each<F, float>, binary_each<F, double>, binary_each<F, int64_t>, cost};
}

}  // namespace

constinit const UnaryKernel floor = make_unary([](auto x) { return detail::floor(x); }, 1);
constinit const UnaryKernel ceil = make_unary([](auto x) { return detail::ceil(x); }, 1);
constinit const UnaryKernel round = make_unary([](auto x) { return detail::round_even(x); }, 1);
constinit const UnaryKernel trunc = make_unary([](auto x) { return detail::trunc(x); }, 1);

constinit const BinaryKernel fmod = make_each<Fmod>(32);
constinit const BinaryKernel remainder = make_each<Remainder>(32);
constinit const BinaryKernel floor_divide = {nullptr, nullptr, binary_each<FloorDivide, int64_t>,
                                             16};

constinit const TernaryKernel fmod_vjp_b = {each<float, fmod_vjp_b_of<float>>,
                                            each<double, fmod_vjp_b_of<double>>, 32};
constinit const TernaryKernel remainder_vjp_b = {each<float, remainder_vjp_b_of<float>>,
                                                 each<double, remainder_vjp_b_of<double>>, 32};

int64_t first_zero(const int64_t* x, int64_t n) {
  const int64_t* found = std::find(x, x + n, int64_t{0});
  return found == x + n ? -1 : found - x;
}

}  // namespace gradus::kernels
