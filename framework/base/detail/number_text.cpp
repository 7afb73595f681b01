#include <gradus/framework/base/detail/number_text.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale is POSIX
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): so is strtod_l

#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <system_error>

namespace gradus::detail {
namespace {

// The nearest value to a number that from_chars() found out of range, without saying on which side.
template <std::floating_point T>
T nearest(const std::string& text) {
  static const locale_t c = newlocale(LC_ALL_MASK, "C", nullptr);
  if constexpr (std::same_as<T, float>) return strtof_l(text.c_str(), nullptr, c);
  return static_cast<T>(strtod_l(text.c_str(), nullptr, c));
}

}  // namespace

template <class Number>
NumberText parse_number(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem == std::errc::invalid_argument || stop != end) return NumberText::no_number;
  if (problem == std::errc()) return NumberText::number;
  if constexpr (std::floating_point<Number>) {
    value = nearest<Number>(std::string(text));
    if (std::isfinite(value)) return NumberText::number;
  }
  return NumberText::too_large;
}

template NumberText parse_number(std::string_view, float&);
template NumberText parse_number(std::string_view, double&);
template NumberText parse_number(std::string_view, std::int64_t&);
template NumberText parse_number(std::string_view, std::uint64_t&);

}  // namespace gradus::detail
