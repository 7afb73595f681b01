#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/simd/math.h>

namespace gradus::kernels {

namespace {

void negate_i64(const int64_t* x, int64_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<int64_t>(0 - static_cast<uint64_t>(x[i]));
}

using Negate = decltype([](auto x) { return -x; });

}  // namespace

constinit const UnaryKernel negate = {unary<Negate, float>, unary<Negate, double>, negate_i64, 1};
constinit const UnaryKernel exp = make_unary([](auto x) { return detail::exp(x); }, 4);
constinit const UnaryKernel log = make_unary([](auto x) { return detail::log(x); }, 6);
constinit const UnaryKernel sqrt = make_unary([](auto x) { return detail::sqrt(x); }, 3);
constinit const UnaryKernel tanh = make_unary([](auto x) { return detail::tanh(x); }, 6);
constinit const UnaryKernel sigmoid = make_unary([](auto x) { return detail::sigmoid(x); }, 6);
constinit const UnaryKernel relu = make_unary(
    [](auto x) {
      using B = decltype(x);
      return detail::select(x <= constant<B>(0), constant<B>(0), x);  // not max: keeps NaN
    },
    1);

constinit const BinaryKernel add = make_binary_i64([](auto a, auto b) { return a + b; }, 1);
constinit const BinaryKernel sub = make_binary_i64([](auto a, auto b) { return a - b; }, 1);
constinit const BinaryKernel mul = make_binary_i64([](auto a, auto b) { return a * b; }, 1);
constinit const BinaryKernel div = make_binary([](auto a, auto b) { return a / b; }, 3);

constinit const BinaryKernel mul_vjp =
    make_binary_past_caches([](auto g, auto b) { return unless_zero(g, g * b); }, 1);
constinit const BinaryKernel exp_vjp =
    make_binary([](auto g, auto y) { return unless_zero(g, g * y); }, 2);
constinit const BinaryKernel log_vjp =
    make_binary([](auto g, auto x) { return unless_zero(g, g / x); }, 3);
constinit const BinaryKernel sqrt_vjp =
    make_binary([](auto g, auto y) { return unless_zero(g, g / (y + y)); }, 3);
constinit const BinaryKernel tanh_vjp = make_binary(
    [](auto g, auto y) {
      const auto one = constant<decltype(y)>(1);
      // 1 - y^2 would lose digits where |y| is near 1.
      return unless_zero(g, g * ((one - y) * (one + y)));
    },
    2);
constinit const BinaryKernel sigmoid_vjp = make_binary(
    [](auto g, auto y) { return unless_zero(g, g * (y * (constant<decltype(y)>(1) - y))); }, 2);
constinit const BinaryKernel relu_vjp = make_binary(
    [](auto g, auto y) {
      const auto zero = constant<decltype(y)>(0);
      const auto not_above = detail::select(y <= zero, zero, y);  // else NaN
      return unless_zero(g, detail::select(y > zero, g, not_above));
    },
    2);
constinit const BinaryKernel div_vjp_a =
    make_binary([](auto g, auto b) { return unless_zero(g, g / b); }, 3);

constinit const TernaryKernel div_vjp_b =
    make_ternary([](auto g, auto y, auto b) { return unless_zero(g, -g * y / b); }, 4);

template <class T>
void run(const UnaryKernel& kernel, const T* x, T* y, int64_t n) {
  auto* f = function_of<T>(kernel);
  parallel_for(n, kernel.cost,
               [=](int64_t begin, int64_t end) { f(x + begin, y + begin, end - begin); });
}

template <class T>
void run(const SlopeKernel& kernel, const T* x, T* y, T* slope, int64_t n) {
  auto* f = function_of<T>(kernel);
  parallel_for(n, kernel.cost, [=](int64_t begin, int64_t end) {
    f(x + begin, y + begin, slope + begin, end - begin);
  });
}

template <class T>
void run(const BinaryKernel& kernel, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
         T* y, int64_t n) {
  auto* f = function_of<T>(kernel);
  if constexpr (!std::is_integral_v<T>) {
    constexpr int64_t large = int64_t{8} << 20;  // bytes; with the operands, three times as many
    const auto past_caches = [&] {
      if constexpr (std::is_same_v<T, float>)
        return kernel.large_f32;
      else
        return kernel.large_f64;
    }();
    if (past_caches && n >= large / int64_t{sizeof(T)} && y != a && y != b) f = past_caches;
  }
  parallel_for(n, kernel.cost, [=](int64_t begin, int64_t end) {
    f(a + begin * stride_a, stride_a, b + begin * stride_b, stride_b, y + begin, end - begin);
  });
}

template <class T>
void run(const TernaryKernel& kernel, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
         const T* c, int64_t stride_c, T* y, int64_t n) {
  auto* f = function_of<T>(kernel);
  parallel_for(n, kernel.cost, [=](int64_t begin, int64_t end) {
    f(a + begin * stride_a, stride_a, b + begin * stride_b, stride_b, c + begin * stride_c,
      stride_c, y + begin, end - begin);
  });
}

template void run(const UnaryKernel&, const float*, float*, int64_t);
template void run(const UnaryKernel&, const double*, double*, int64_t);
template void run(const UnaryKernel&, const int64_t*, int64_t*, int64_t);
template void run(const SlopeKernel&, const float*, float*, float*, int64_t);
template void run(const SlopeKernel&, const double*, double*, double*, int64_t);
template void run(const BinaryKernel&, const float*, int64_t, const float*, int64_t, float*,
                  int64_t);
template void run(const BinaryKernel&, const double*, int64_t, const double*, int64_t, double*,
                  int64_t);
template void run(const BinaryKernel&, const int64_t*, int64_t, const int64_t*, int64_t, int64_t*,
                  int64_t);
template void run(const TernaryKernel&, const float*, int64_t, const float*, int64_t, const float*,
                  int64_t, float*, int64_t);
template void run(const TernaryKernel&, const double*, int64_t, const double*, int64_t,
                  const double*, int64_t, double*, int64_t);

}  // namespace gradus::kernels
