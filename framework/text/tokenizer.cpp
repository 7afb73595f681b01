#include <gradus/framework/detail/utf8.h>
#include <gradus/framework/text/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace gradus {
namespace {

enum class Kind : std::uint8_t { word, mark, space };

using detail::Character;

constexpr std::uint32_t replacement = 0xFFFD;

bool between(std::uint32_t code, std::uint32_t first, std::uint32_t last) {
  return first <= code && code <= last;
}

/// The character at text[i]; a byte that is not UTF-8 is a replacement character.
Character decode(std::string_view text, std::size_t i) {
  const Character found = detail::decode_utf8(text, i);
  return found.code == detail::not_utf8 ? Character{replacement, 1} : found;
}

Kind kind_of(std::uint32_t code) {
  if (code <= ' ' || code == 0x7F) return Kind::space;
  if (code < 0x80) {
    const bool word = between(code, '0', '9') || between(code | 0x20U, 'a', 'z');
    return word ? Kind::word : Kind::mark;
  }
  if (between(code, 0x80, 0xA0) || code == 0xAD || code == 0xFEFF || code == 0x3000) {
    return Kind::space;  // C1 controls, no-break space, soft hyphen, byte order mark, wide space
  }
  if (between(code, 0x2000, 0x200B) || between(code, 0x2028, 0x202F) || code == 0x205F) {
    return Kind::space;
  }
  const bool latin_mark = code == 0xA1 || code == 0xA7 || code == 0xAB || code == 0xB6 ||
                          code == 0xB7 || code == 0xBB || code == 0xBF;
  const bool mark = latin_mark || between(code, 0x2010, 0x2027) || between(code, 0x2030, 0x205E) ||
                    between(code, 0x3001, 0x3003) || between(code, 0x3008, 0x3011);
  return mark ? Kind::mark : Kind::word;
}

/// Apostrophes and hyphens, which between two word characters belong to the word.
bool joins(std::uint32_t code) {
  return code == '\'' || code == '-' || code == 0x2019 || code == 0x2010 || code == 0x2011;
}

void append(std::string& token, std::string_view bytes, std::uint32_t code) {
  if (code == replacement) {
    token += "\xEF\xBF\xBD";
  } else if (between(code, 'A', 'Z')) {
    token += static_cast<char>(code | 0x20U);
  } else {
    token += bytes;
  }
}

}  // namespace

std::vector<std::string> tokenize(std::string_view text) {
  std::vector<std::string> tokens;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) tokens.push_back(std::exchange(word, {}));
  };
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text, i);
    const std::string_view bytes = text.substr(i, c.length);
    i += c.length;
    const Kind kind = kind_of(c.code);
    const bool inside = joins(c.code) && !word.empty() && i < text.size() &&
                        kind_of(decode(text, i).code) == Kind::word;
    if (kind == Kind::word || inside) {
      append(word, bytes, c.code);
      continue;
    }
    end_word();
    if (kind == Kind::mark) tokens.emplace_back(bytes);
  }
  end_word();
  return tokens;
}

}  // namespace gradus
