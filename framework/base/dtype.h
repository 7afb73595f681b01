#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace gradus {

/// Element type of a tensor. The float types carry gradients; int64 holds ids, labels and lengths,
/// boolean holds masks.
enum class DType : std::uint8_t { float32, float64, int64, boolean };

/// The name of a dtype, as errors and printed tensors show it: "float32", "int64", ...
GRADUS_API std::string_view name(DType dtype);

/// Bytes of one element.
constexpr std::int64_t item_size(DType dtype) {
  return dtype == DType::float32 ? 4 : dtype == DType::boolean ? 1 : 8;
}

/// True for float32 and float64.
constexpr bool is_floating(DType dtype) {
  return dtype == DType::float32 || dtype == DType::float64;
}

/// True for the four C++ types that tensors store: float, double, std::int64_t, bool.
template <class T>
inline constexpr bool is_element_v = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                     std::is_same_v<T, std::int64_t> || std::is_same_v<T, bool>;

/// The dtype that stores the C++ type T.
template <class T>
requires is_element_v<T>
inline constexpr DType dtype_of = std::is_same_v<T, float>    ? DType::float32
                                  : std::is_same_v<T, double> ? DType::float64
                                  : std::is_same_v<T, bool>   ? DType::boolean
                                                              : DType::int64;

}  // namespace gradus
