#pragma once
#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace gradus::kernels {

/// An unsigned integer in the order that values have in sorting and searching: -0 equals 0, and all
/// NaNs are one value, the greatest.
template <class T>
auto order_key(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == sizeof(uint32_t), uint32_t, uint64_t>;
    constexpr Bits sign = Bits{1} << (8 * sizeof(T) - 1);
    constexpr Bits infinite = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
    const Bits bits = std::bit_cast<Bits>(x), magnitude = bits & ~sign;
    const Bits key = bits > sign ? ~bits : magnitude | sign;
    return magnitude > infinite ? ~Bits{0} : key;
  } else if constexpr (std::is_same_v<T, bool>) {
    return static_cast<uint32_t>(x);
  } else {
    return static_cast<uint64_t>(x) ^ uint64_t { 1 } << 63;
  }
}

}  // namespace gradus::kernels
