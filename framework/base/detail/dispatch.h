#pragma once
#include <gradus/framework/base/dtype.h>
#include <gradus/framework/base/export.h>

#include <cstdint>

namespace gradus::detail {

/// Throws DTypeError: `operation` takes float32 and float64 only.
[[noreturn]] GRADUS_API void throw_not_floating(const char* operation, DType dtype);

/// Calls f(T{}) with the element type of `dtype`.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  if (dtype == DType::boolean) return f(bool{});
  if (dtype == DType::int64) return f(std::int64_t{});
  return dtype == DType::float32 ? f(float{}) : f(double{});
}

/// Throws DTypeError: `operation` does not take booleans.
[[noreturn]] GRADUS_API void throw_boolean(const char* operation);

/// Calls f(T{}) with the element type of a dtype that has arithmetic; throws DTypeError for
/// booleans.
template <class F>
decltype(auto) dispatch_number(const char* operation, DType dtype, F&& f) {
  if (dtype == DType::boolean) throw_boolean(operation);
  if (dtype == DType::int64) return f(std::int64_t{});
  return dtype == DType::float32 ? f(float{}) : f(double{});
}

/// Calls f(T{}) with float or double; throws DTypeError for other dtypes.
template <class F>
decltype(auto) dispatch_float(const char* operation, DType dtype, F&& f) {
  if (!is_floating(dtype)) throw_not_floating(operation, dtype);
  return dtype == DType::float32 ? f(float{}) : f(double{});
}

}  // namespace gradus::detail
