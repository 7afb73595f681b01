#pragma once
#include <cstdint>
#include <type_traits>

namespace gradus::kernels {

// The functions of a kernel work on one chunk, on the calling thread; run() is the parallel loop
// over the chunks. `y` may be one of the inputs; pointers need no alignment. An input with stride 0
// is one value repeated; with stride 1 it has n elements. An element has the same bits at any
// position.

/// y = f(x). `cost` is the work per element, in additions of one float.
struct UnaryKernel {
  void (*f32)(const float* x, float* y, int64_t n);
  void (*f64)(const double* x, double* y, int64_t n);
  void (*i64)(const int64_t* x, int64_t* y, int64_t n);  ///< nullptr: not for integers
  int64_t cost;
};

/// y = f(x), and slope = f'(x), which backward then only has to multiply by.
struct SlopeKernel {
  void (*f32)(const float* x, float* y, float* slope, int64_t n);
  void (*f64)(const double* x, double* y, double* slope, int64_t n);
  int64_t cost;
};

/// y = f(a, b).
struct BinaryKernel {
  template <class T>
  using Function = void (*)(const T* a, int64_t stride_a, const T* b, int64_t stride_b, T* y,
                            int64_t n);
  Function<float> f32;
  Function<double> f64;
  Function<int64_t> i64;  ///< nullptr: not for integers
  int64_t cost;
  Function<float> large_f32 = nullptr;  ///< if not nullptr: for results larger than the caches
  Function<double> large_f64 = nullptr;
};

/// y = f(a, b, c).
struct TernaryKernel {
  template <class T>
  using Function = void (*)(const T* a, int64_t stride_a, const T* b, int64_t stride_b, const T* c,
                            int64_t stride_c, T* y, int64_t n);
  Function<float> f32;
  Function<double> f64;
  int64_t cost;
};

/// y = a OP b; false where a or b is NaN, except for not_equal.
struct CompareKernel {
  template <class T>
  using Function = void (*)(const T* a, int64_t stride_a, const T* b, int64_t stride_b, bool* y,
                            int64_t n);
  Function<float> f32;
  Function<double> f64;
  Function<int64_t> i64;
  int64_t cost;
};

/// The function of a kernel for T.
template <class T, class Kernel>
auto* function_of(const Kernel& kernel) {
  if constexpr (std::is_same_v<T, float>)
    return kernel.f32;
  else if constexpr (std::is_same_v<T, double>)
    return kernel.f64;
  else
    return kernel.i64;
}

/// Integers wrap around. relu(NaN) is NaN. sigmoid does not overflow. Within 4 units in the last
/// place of the exact value, subnormal results included.
extern const UnaryKernel negate, exp, log, sqrt, tanh, sigmoid, relu;

extern const BinaryKernel add, sub, mul, div;

// Derivatives: dx from g and from the result y or the input x. 0 where g is 0, even where the
// derivative is infinite or NaN (exp, log, sqrt, div).

extern const BinaryKernel mul_vjp;      ///< (g, b) -> g b
extern const BinaryKernel exp_vjp;      ///< (g, y) -> g y
extern const BinaryKernel log_vjp;      ///< (g, x) -> g / x
extern const BinaryKernel sqrt_vjp;     ///< (g, y) -> g / (2 y)
extern const BinaryKernel tanh_vjp;     ///< (g, y) -> g (1 - y^2)
extern const BinaryKernel sigmoid_vjp;  ///< (g, y) -> g y (1 - y)
extern const BinaryKernel relu_vjp;     ///< (g, y) -> g where y > 0, else 0; NaN where y is NaN
extern const BinaryKernel div_vjp_a;    ///< (g, b) -> g / b
extern const TernaryKernel div_vjp_b;   ///< (g, y, b) -> -g y / b, where y = a / b

extern const CompareKernel equal, not_equal, less, less_equal, greater, greater_equal;

/// y = f(x), in parallel. T: float, double, int64_t where the kernel has it.
template <class T>
void run(const UnaryKernel& kernel, const T* x, T* y, int64_t n);

/// T: float, double. `y` may be x, `slope` is neither.
template <class T>
void run(const SlopeKernel& kernel, const T* x, T* y, T* slope, int64_t n);

template <class T>
void run(const BinaryKernel& kernel, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
         T* y, int64_t n);

/// T: float, double.
template <class T>
void run(const TernaryKernel& kernel, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
         const T* c, int64_t stride_c, T* y, int64_t n);

template <class T>
void run(const CompareKernel& kernel, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
         bool* y, int64_t n);

/// y = value. T: float, double, int64_t, bool.
template <class T>
void fill(T* y, T value, int64_t n);

/// y += alpha x. T: float, double, int64_t, which wraps around.
template <class T>
void axpy(T alpha, const T* x, T* y, int64_t n);

/// y += x. T: float, double, int64_t.
template <class T>
void add_to(const T* x, T* y, int64_t n);

/// y *= alpha. T: float, double, int64_t, which wraps around.
template <class T>
void scale(T alpha, T* y, int64_t n);

/// y = x in another type; From, To: float, double, int64_t, bool. To bool: x != 0. To int64_t:
/// towards zero; what NaN or a value outside its range becomes is not specified.
template <class From, class To>
void convert(const From* x, To* y, int64_t n);

/// Position of the first NaN or infinity, -1 if there is none. T: float, double.
template <class T>
int64_t first_nonfinite(const T* x, int64_t n);

}  // namespace gradus::kernels
