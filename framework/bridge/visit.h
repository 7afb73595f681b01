#pragma once
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/core/tensor.h>

#include <utility>

namespace gradus {

/// Calls `f(T{})`, where T is the element type of `dtype` (float or double), and returns its
/// result, so that an op is written once for both: `visit_float("ricker", x, [&]<class T>(T) {
/// return forward<T>(x); })`. Throws DTypeError naming `operation` for other dtypes.
template <class F>
decltype(auto) visit_float(const char* operation, DType dtype, F&& f) {
  return detail::dispatch_float(operation, dtype, std::forward<F>(f));
}
/// The same for the dtype of a tensor.
template <class F>
decltype(auto) visit_float(const char* operation, const Tensor& tensor, F&& f) {
  return visit_float(operation, tensor.dtype(), std::forward<F>(f));
}

}  // namespace gradus
