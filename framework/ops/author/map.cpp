#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/author/broadcast.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/same_dtype.h>

#include <array>

namespace gradus::detail {
namespace {

// Calls f(T{}) if the kernel has a function for this dtype.
template <class Kernel, class F>
void dispatch_kernel(const char* operation, DType dtype, const Kernel& kernel, F&& f) {
  if (dtype == DType::float32) return f(float{});
  if (dtype == DType::float64) return f(double{});
  if constexpr (requires { kernel.i64; }) {
    if (dtype == DType::int64 && kernel.i64 != nullptr) return f(std::int64_t{});
  }
  throw DTypeError(fmt::format("{}: not defined for {} tensors", operation, name(dtype)));
}

template <class T>
const T* values(const Tensor& x) {
  return static_cast<const T*>(data(x));
}

template <class T, class Out, class Kernel>
void run_binary(const Kernel& kernel, const Tensor& a, const Tensor& b, Tensor& y) {
  Out* out = static_cast<Out*>(raw(y));
  if (y.numel() == 0) return;
  const bool full_a = a.numel() == y.numel();
  const bool full_b = b.numel() == y.numel();
  if ((full_a || a.numel() == 1) && (full_b || b.numel() == 1)) {
    kernels::run(kernel, values<T>(a), full_a ? 1 : 0, values<T>(b), full_b ? 1 : 0, out,
                 y.numel());
    return;
  }
  const Broadcast<2> loop(y.shape(), {&a.shape(), &b.shape()});
  const std::array<std::int64_t, 2> stride = loop.run_strides();
  const std::int64_t n = loop.run();
  auto* function = kernels::function_of<T>(kernel);
  parallel_for_each(y.numel() / n, n * kernel.cost, [&](std::int64_t i) {
    const std::array<std::int64_t, 2> at = loop.offsets(i);
    function(values<T>(a) + at[0], stride[0], values<T>(b) + at[1], stride[1], out + i * n, n);
  });
}

}  // namespace

Tensor number_like(const char* operation, Number value, const Tensor& x) {
  Tensor y = empty({}, x.dtype());
  dispatch(x.dtype(),
           [&]<class T>(T) { *static_cast<T*>(raw(y)) = to_element<T>(operation, value); });
  return y;
}

void check_same_dtype(const char* operation, const Tensor& a, const Tensor& b) {
  check_same_dtype(operation, "a", a, "b", b);
}

void check_same_dtype(const char* operation, const char* name_a, const Tensor& a,
                      const char* name_b, const Tensor& b) {
  check_defined(operation, {{name_a, a}, {name_b, b}});
  if (a.dtype() == b.dtype()) return;
  throw DTypeError(fmt::format("{}: dtypes differ: {} is {} {}, {} is {} {}: convert one with to()",
                               operation, name_a, name(a.dtype()), a.shape().str(), name_b,
                               name(b.dtype()), b.shape().str()));
}

const Tensor& check_boolean(const char* operation, const char* argument, const Tensor& tensor) {
  check_defined(operation, argument, tensor);
  if (tensor.dtype() == DType::boolean) return tensor;
  throw DTypeError(fmt::format(
      "{}: a tensor of dtype {} where boolean is needed: compare it first, as in not_equal(x, 0)",
      operation, name(tensor.dtype())));
}

Tensor map(const char* operation, const Tensor& x, const kernels::UnaryKernel& kernel) {
  check_defined(operation, "x", x);
  Tensor y;
  dispatch_kernel(operation, x.dtype(), kernel, [&]<class T>(T) {
    y = empty_like(x);
    kernels::run(kernel, values<T>(x), static_cast<T*>(raw(y)), x.numel());
  });
  return y;
}

Tensor map(const char* operation, const Tensor& a, const Tensor& b,
           const kernels::BinaryKernel& kernel) {
  check_same_dtype(operation, a, b);
  Tensor y;
  dispatch_kernel(operation, a.dtype(), kernel, [&]<class T>(T) {
    y = a.shape() == b.shape()
            ? empty(a.shape(), a.dtype())
            : empty_sized(operation, broadcast_shapes(a.shape(), b.shape(), operation), a.dtype());
    run_binary<T, T>(kernel, a, b, y);
  });
  return y;
}

Tensor map_over(const char* operation, const Tensor& a, const Tensor& b,
                const kernels::BinaryKernel& kernel) {
  check_defined(operation, {{"a", a}, {"b", b}});
  const bool fits = Access::sole_owner(a) && !a.trainable() && a.dtype() == b.dtype() &&
                    (a.shape() == b.shape() || broadcasts_to(b.shape(), a.shape()));
  if (!fits) return map(operation, a, b, kernel);
  if (profiling()) profile_begin_op();
  Tensor y = Access::view(a, 0, a.shape());
  dispatch_kernel(operation, a.dtype(), kernel,
                  [&]<class T>(T) { run_binary<T, T>(kernel, a, b, y); });
  return y;
}

Tensor map(const char* operation, const Tensor& a, Number scalar,
           const kernels::BinaryKernel& kernel) {
  check_defined(operation, "a", a);
  Tensor y;
  dispatch_kernel(operation, a.dtype(), kernel, [&]<class T>(T) {
    const T value = to_element<T>(operation, scalar);
    y = empty_like(a);
    kernels::run(kernel, values<T>(a), 1, &value, 0, static_cast<T*>(raw(y)), a.numel());
  });
  return y;
}

Tensor map(const char* operation, Number scalar, const Tensor& b,
           const kernels::BinaryKernel& kernel) {
  check_defined(operation, "b", b);
  Tensor y;
  dispatch_kernel(operation, b.dtype(), kernel, [&]<class T>(T) {
    const T value = to_element<T>(operation, scalar);
    y = empty_like(b);
    kernels::run(kernel, &value, 0, values<T>(b), 1, static_cast<T*>(raw(y)), b.numel());
  });
  return y;
}

Tensor map(const char* operation, const Tensor& a, const Tensor& b, const Tensor& c,
           const kernels::TernaryKernel& kernel) {
  check_same_dtype(operation, a, b);
  check_same_dtype(operation, a, c);
  Tensor y;
  dispatch_kernel(operation, a.dtype(), kernel, [&]<class T>(T) {
    y = empty_like(a);
    if (y.numel() == 0) return;
    const Broadcast<3> loop(y.shape(), {&a.shape(), &b.shape(), &c.shape()});
    const std::array<std::int64_t, 3> stride = loop.run_strides();
    const std::int64_t n = loop.run();
    T* out = static_cast<T*>(raw(y));
    if (n == y.numel()) {
      kernels::run(kernel, values<T>(a), stride[0], values<T>(b), stride[1], values<T>(c),
                   stride[2], out, n);
      return;
    }
    auto* function = kernels::function_of<T>(kernel);
    parallel_for_each(y.numel() / n, n * kernel.cost, [&](std::int64_t i) {
      const std::array<std::int64_t, 3> at = loop.offsets(i);
      function(values<T>(a) + at[0], stride[0], values<T>(b) + at[1], stride[1],
               values<T>(c) + at[2], stride[2], out + i * n, n);
    });
  });
  return y;
}

Tensor map(const char* operation, const Tensor& a, const Tensor& b,
           const kernels::CompareKernel& kernel) {
  check_same_dtype(operation, a, b);
  Tensor y;
  dispatch_kernel(operation, a.dtype(), kernel, [&]<class T>(T) {
    y = empty(broadcast_shapes(a.shape(), b.shape(), operation), DType::boolean);
    run_binary<T, bool>(kernel, a, b, y);
  });
  note_op(operation);
  return y;
}

Tensor map(const char* operation, const Tensor& a, Number scalar,
           const kernels::CompareKernel& kernel) {
  check_defined(operation, "a", a);
  Tensor y;
  dispatch_kernel(operation, a.dtype(), kernel, [&]<class T>(T) {
    const T value = to_element<T>(operation, scalar);
    y = empty(a.shape(), DType::boolean);
    kernels::run(kernel, values<T>(a), 1, &value, 0, static_cast<bool*>(raw(y)), a.numel());
  });
  note_op(operation);
  return y;
}

}  // namespace gradus::detail
