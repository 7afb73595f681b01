#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/chars_map.h>

#include <cstring>

namespace gradus::detail {
namespace {

std::string decode_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t value = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = digits.find(text[i]);
    if (digit == std::string_view::npos)
      throw ValueError(fmt::format("character {} is not of base64", i));
    value = value << 6U | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(value >> bits & 0xFFU);
  }
  return bytes;
}

// What a unit of the trie says.
bool has_leaf(std::uint32_t unit) { return (unit >> 8U & 1U) != 0; }
std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FFU; }
std::uint32_t offset(std::uint32_t unit) { return unit >> 10U << ((unit & 0x200U) >> 6U); }

}  // namespace

CharsMap CharsMap::from_base64(std::string_view text) { return from_bytes(decode_base64(text)); }

CharsMap CharsMap::from_bytes(std::string_view bytes) {
  std::uint32_t size = 0;
  if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  if (bytes.size() < sizeof size || size > bytes.size() - sizeof size || size % sizeof size != 0 ||
      size == 0) {
    throw ValueError(
        fmt::format("a table of {} bytes has no trie of {} bytes", bytes.size(), size));
  }
  CharsMap map;
  map.units_.resize(size / sizeof size);
  std::memcpy(map.units_.data(), bytes.data() + sizeof size, size);
  map.texts_ = bytes.substr(sizeof size + size);
  map.texts_ += '\0';
  return map;
}

// Calls found(match) for each beginning of a text that the table has, shorter ones first, until it
// returns false.
template <class F>
void CharsMap::walk(std::string_view text, F&& found) const {
  std::size_t node = offset(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint32_t byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label(units_[node]) != byte) return;
    const bool leaf = has_leaf(units_[node]);
    node ^= offset(units_[node]);
    if (node >= units_.size()) return;
    if (!leaf) continue;
    const std::size_t place = value(units_[node]);
    if (place >= texts_.size()) return;
    if (!found(Match{texts_.c_str() + place, i + 1})) return;
  }
}

std::optional<std::string_view> CharsMap::shortest(std::string_view text) const {
  std::optional<std::string_view> result;
  walk(text, [&](const Match& match) {
    result = match.replacement;
    return false;
  });
  return result;
}

std::optional<CharsMap::Match> CharsMap::longest(std::string_view text) const {
  std::optional<Match> result;
  walk(text, [&](const Match& match) {
    result = match;
    return true;
  });
  return result;
}

}  // namespace gradus::detail
