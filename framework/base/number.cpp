#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/number.h>

#include <cmath>
#include <string>

namespace gradus::detail {
namespace {

[[noreturn]] void refuse(const char* operation, const Number& value, const char* problem) {
  const std::string text =
      value.is_integer() ? fmt::to_string(value.integer()) : fmt::to_string(value.real());
  throw DTypeError(fmt::format("{}: the number {} is not {}", operation, text, problem));
}

}  // namespace

std::int64_t to_int64(const char* operation, const Number& value) {
  if (value.is_integer()) return value.integer();
  const double real = value.real();
  const bool fits = real == std::trunc(real) && real >= -0x1p63 && real < 0x1p63;
  if (!fits) refuse(operation, value, "an int64: use a float dtype");
  return static_cast<std::int64_t>(real);
}

bool to_boolean(const char* operation, const Number& value) {
  if (value.real() != 0 && value.real() != 1) {
    refuse(operation, value, "a boolean: use 0, 1 or another dtype");
  }
  return value.real() == 1;
}

}  // namespace gradus::detail
