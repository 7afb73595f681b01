#pragma once
// For authors of ops: kernels that take numbers as well as tensors. Nothing here is recorded in a
// graph.
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/tensor.h>

namespace gradus::detail {

/// A tensor y of the shape of x, filled by f(x values, y values, n). Throws DTypeError, naming
/// `operation`, unless x is a float tensor, Error if it is undefined.
template <class F>
Tensor map_float(const char* operation, const Tensor& x, const F& f) {
  check_defined(operation, "x", x);
  Tensor y;
  visit_float(operation, x, [&]<class T>(T) {
    y = empty_like(x);
    f(static_cast<const T*>(data(x)), static_cast<T*>(raw(y)), x.numel());
  });
  return y;
}

/// The same for two tensors of one shape and dtype: f(a values, b values, y values, n).
template <class F>
Tensor map_float(const char* operation, const Tensor& a, const Tensor& b, const F& f) {
  return map_float(operation, a, [&]<class T>(const T* from, T* y, std::int64_t n) {
    f(from, static_cast<const T*>(data(b)), y, n);
  });
}

}  // namespace gradus::detail
