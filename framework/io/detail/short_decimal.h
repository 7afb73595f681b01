#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace gradus::detail {

inline constexpr std::array<double, 23> powers_of_ten{
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Sets `value` to digits * 10^exponent in double, rounded once, if both fit in the exact range.
/// Source: W. D. Clinger, "How to Read Floating Point Numbers Accurately", PLDI 1990.
inline bool scale_exactly(std::uint64_t digits, std::int64_t exponent, double& value) {
  if (digits > std::uint64_t{1} << 53U || exponent < -22 || exponent > 22) return false;
  const auto whole = static_cast<double>(digits);
  value = exponent < 0 ? whole / powers_of_ten[static_cast<std::size_t>(-exponent)]
                       : whole * powers_of_ten[static_cast<std::size_t>(exponent)];
  return true;
}

/// True if rounding a rounded double once more gives the float32 that is nearest to the number: not
/// where it may have been rounded to the midpoint of two floats, and not outside of their normal
/// range.
inline bool is_safe_as_float(double magnitude) {
  const auto low = std::bit_cast<std::uint64_t>(magnitude) & 0x1FFFFFFFU;
  return magnitude == 0 || (low != 0x10000000U && magnitude >= std::numeric_limits<float>::min() &&
                            magnitude <= std::numeric_limits<float>::max());
}

inline const char* read_digits(const char* at, const char* end, std::uint64_t& digits) {
  for (; at != end && static_cast<unsigned char>(*at - '0') < 10; ++at) {
    digits = 10 * digits + static_cast<std::uint64_t>(*at - '0');
  }
  return at;
}

/// Reads a decimal number such as -0.0123 or 4.5e-5 that begins at `at`, as the nearest float32.
/// Returns where it ends, or nullptr for anything that needs more care: long numbers, very large
/// and very small ones, and what is not a number.
inline const char* read_short_decimal(const char* at, const char* end, float& value) {
  const bool negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  std::uint64_t digits = 0;
  const char* first = at;
  at = read_digits(at, end, digits);
  std::int64_t count = at - first, exponent = 0;
  if (at != end && *at == '.') {
    const char* point = ++at;
    at = read_digits(at, end, digits);
    exponent = point - at;
    count += at - point;
  }
  if (count == 0 || count > 19) return nullptr;  // 19 digits fit in 64 bits
  if (at != end && (*at == 'e' || *at == 'E')) {
    const bool down = ++at != end && *at == '-';
    if (at != end && (*at == '-' || *at == '+')) ++at;
    std::uint64_t power = 0;
    first = at;
    at = read_digits(at, end, power);
    if (at == first || at - first > 4) return nullptr;
    exponent += down ? -static_cast<std::int64_t>(power) : static_cast<std::int64_t>(power);
  }
  double magnitude = 0;
  if (!scale_exactly(digits, exponent, magnitude) || !is_safe_as_float(magnitude)) return nullptr;
  value = static_cast<float>(negative ? -magnitude : magnitude);
  return at;
}

}  // namespace gradus::detail
