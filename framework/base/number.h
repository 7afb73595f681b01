#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <limits>
#include <type_traits>

namespace gradus {

/// A built-in number or bool.
template <class T>
concept Arithmetic = std::is_arithmetic_v<T>;

/// A C++ number to be converted to the dtype of a tensor. An integer stays an integer, so that it
/// loses no digits on its way into an int64 tensor.
class Number {
 public:
  template <Arithmetic T>
  Number(T value)  // NOLINT(google-explicit-constructor): as T
      : real_(static_cast<double>(value)), is_integer_(is_int64(value)) {
    if (is_integer_) integer_ = static_cast<std::int64_t>(value);
  }

  /// True for an integer that fits int64; integer() is then its value.
  bool is_integer() const { return is_integer_; }
  std::int64_t integer() const { return integer_; }
  /// The number as a double, rounded.
  double real() const { return real_; }

 private:
  template <class T>
  static constexpr bool is_int64(T value) {
    using Range = std::numeric_limits<std::int64_t>;
    if constexpr (std::is_same_v<T, long double>) {  // only if double cannot hold it
      if (!(value >= -0x1p63L && value < 0x1p63L)) return false;
      return value == static_cast<T>(static_cast<std::int64_t>(value)) &&
             value != static_cast<T>(static_cast<double>(value));
    } else if constexpr (!std::is_integral_v<T>) {
      return false;
    } else if constexpr (sizeof(T) > 8) {  // __int128, where the compiler treats it as integral
      return value <= static_cast<T>(Range::max()) &&
             (T(-1) > T(0) || value >= static_cast<T>(Range::min()));
    } else if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
      return value <= static_cast<T>(Range::max());
    } else {
      return true;
    }
  }

  double real_;
  std::int64_t integer_ = 0;
  bool is_integer_;
};

namespace detail {

/// The number as an int64 or a boolean. Both throw DTypeError, naming `operation`, for a number
/// that the dtype cannot hold: a fraction, NaN or a number outside the range of int64; anything but
/// 0 and 1 for boolean.
GRADUS_API std::int64_t to_int64(const char* operation, const Number& value);
GRADUS_API bool to_boolean(const char* operation, const Number& value);

/// A number as an element of a tensor; the float types round it. Throws as above.
template <class T>
T to_element(const char* operation, const Number& value) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    return to_int64(operation, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return to_boolean(operation, value);
  } else {
    return value.is_integer() ? static_cast<T>(value.integer()) : static_cast<T>(value.real());
  }
}

}  // namespace detail
}  // namespace gradus
