#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gradus::detail {

/// A code point of a text and the number of bytes it takes.
struct Character {
  std::uint32_t code;
  std::size_t length;
};

/// Stands for a byte that is not UTF-8; no character is beyond U+10FFFF.
inline constexpr std::uint32_t not_utf8 = 0x110000;

/// The character at text[i]. Where the text is not UTF-8 (a stray or missing continuation, an
/// overlong form, a surrogate, beyond U+10FFFF), returns `not_utf8` with a length of 1.
inline Character decode_utf8(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const std::uint32_t lead = byte(i);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - i < length) return {not_utf8, 1};
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t k = 1; k < length; ++k) {
    const std::uint32_t next = byte(i + k);
    if ((next & 0xC0U) != 0x80) return {not_utf8, 1};
    code = code << 6U | (next & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (0xD800 <= code && code <= 0xDFFF) || code > 0x10FFFF) return {not_utf8, 1};
  return {code, length};
}

}  // namespace gradus::detail
