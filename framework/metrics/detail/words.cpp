#include <fmt/format.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/words.h>
#include <gradus/framework/text/detail/pattern.h>

#include <algorithm>
#include <iterator>

namespace gradus::detail {
namespace {

/// What Python's str.isspace() is true for.
bool is_space(std::uint32_t code) {
  constexpr std::uint32_t others[] = {' ',    0x85,   0xA0,   0x1680, 0x2028,
                                      0x2029, 0x202F, 0x205F, 0x3000};
  return (0x09 <= code && code <= 0x0D) || (0x1C <= code && code <= 0x1F) ||
         (0x2000 <= code && code <= 0x200A) ||
         std::find(std::begin(others), std::end(others), code) != std::end(others);
}

}  // namespace

void check_utf8(const char* metric, const char* what, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode_utf8(text, i);
    if (c.code == not_utf8) {
      throw FormatError(
          fmt::format("{}: {} is not UTF-8 at byte {}: convert it first", metric, what, i));
    }
    i += c.length;
  }
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode_utf8(text, i);
    if (is_space(c.code)) {
      if (i > begin) words.push_back(text.substr(begin, i - begin));
      begin = i + c.length;
    }
    i += c.length;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

std::string join_words(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string join_words(std::string_view text) { return join_words(split_words(text)); }

std::string_view strip_end(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode_utf8(text, i);
    i += c.length;
    if (!is_space(c.code)) end = i;
  }
  return text.substr(0, end);
}

std::string_view strip(std::string_view text) {
  text = strip_end(text);
  std::size_t begin = 0;
  while (begin < text.size()) {
    const Character c = decode_utf8(text, begin);
    if (!is_space(c.code)) break;
    begin += c.length;
  }
  return text.substr(begin);
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = decode_utf8(text, i).length;
    characters.push_back(text.substr(i, length));
    i += length;
  }
  return characters;
}

std::string lower_case(std::string_view text) {
  // What Unicode calls case-ignorable: marks, modifiers, and what is written inside words.
  const std::string between =
      "[\\p{Mn}\\p{Me}\\p{Cf}\\p{Lm}\\p{Sk}'.:\u00B7\u2018\u2019\u2024\u2027]*+";
  static const Pattern dotted("\u0130");
  static const Pattern final_sigma("(\\p{L&}" + between + ")\u03A3(?!" + between + "\\p{L&})");
  static const Pattern upper("[\\p{Lu}\\p{Lt}]+");
  std::string result = dotted.replace_all(text, "i\u0307");
  result = final_sigma.replace_all(result, "$1\u03C2");
  return upper.replace_all(result, "\\L$0");
}

}  // namespace gradus::detail
