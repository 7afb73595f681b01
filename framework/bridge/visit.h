#pragma once
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/core/tensor.h>

#include <utility>

namespace gradus {

/// Calls `f(T{})` with T the element type of the tensor, float or double, so that an op is written
/// once for both, and returns what it returns: `visit_float(x, [&](auto zero) { return
/// forward<decltype(zero)>(x); }, "ricker")`. Throws DTypeError naming `operation` for other
/// dtypes.
template <class F>
decltype(auto) visit_float(const Tensor& tensor, F&& f, const char* operation = "visit_float") {
  return detail::dispatch_float(tensor.dtype(), operation, std::forward<F>(f));
}

}  // namespace gradus
