#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/word_spans.h>
#include <gradus/framework/text/tokenize.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

namespace gradus {
namespace {

enum class Kind : std::uint8_t { word, mark, space, invisible, shaper };

using detail::Character;

constexpr std::uint32_t replacement = 0xFFFD;

bool between(std::uint32_t code, std::uint32_t first, std::uint32_t last) {
  return first <= code && code <= last;
}

/// The character at text[i]; a byte that is not UTF-8 becomes a replacement character.
Character decode(std::string_view text, std::size_t i) {
  const Character found = detail::decode_utf8(text, i);
  return found.code == detail::not_utf8 ? Character{replacement, 1} : found;
}

struct Range {
  std::uint32_t first, last;
};

/// The punctuation (categories P of Unicode 14) beyond ASCII, plus U+2044, U+2052 and the fullwidth
/// forms of ASCII's symbols.
constexpr Range punctuation[] = {
    {0xA1, 0xA1},       {0xA7, 0xA7},       {0xAB, 0xAB},       {0xB6, 0xB7},
    {0xBB, 0xBB},       {0xBF, 0xBF},       {0x37E, 0x37E},     {0x387, 0x387},
    {0x55A, 0x55F},     {0x589, 0x58A},     {0x5BE, 0x5BE},     {0x5C0, 0x5C0},
    {0x5C3, 0x5C3},     {0x5C6, 0x5C6},     {0x5F3, 0x5F4},     {0x609, 0x60A},
    {0x60C, 0x60D},     {0x61B, 0x61B},     {0x61D, 0x61F},     {0x66A, 0x66D},
    {0x6D4, 0x6D4},     {0x700, 0x70D},     {0x7F7, 0x7F9},     {0x830, 0x83E},
    {0x85E, 0x85E},     {0x964, 0x965},     {0x970, 0x970},     {0x9FD, 0x9FD},
    {0xA76, 0xA76},     {0xAF0, 0xAF0},     {0xC77, 0xC77},     {0xC84, 0xC84},
    {0xDF4, 0xDF4},     {0xE4F, 0xE4F},     {0xE5A, 0xE5B},     {0xF04, 0xF12},
    {0xF14, 0xF14},     {0xF3A, 0xF3D},     {0xF85, 0xF85},     {0xFD0, 0xFD4},
    {0xFD9, 0xFDA},     {0x104A, 0x104F},   {0x10FB, 0x10FB},   {0x1360, 0x1368},
    {0x1400, 0x1400},   {0x166E, 0x166E},   {0x169B, 0x169C},   {0x16EB, 0x16ED},
    {0x1735, 0x1736},   {0x17D4, 0x17D6},   {0x17D8, 0x17DA},   {0x1800, 0x180A},
    {0x1944, 0x1945},   {0x1A1E, 0x1A1F},   {0x1AA0, 0x1AA6},   {0x1AA8, 0x1AAD},
    {0x1B5A, 0x1B60},   {0x1B7D, 0x1B7E},   {0x1BFC, 0x1BFF},   {0x1C3B, 0x1C3F},
    {0x1C7E, 0x1C7F},   {0x1CC0, 0x1CC7},   {0x1CD3, 0x1CD3},   {0x2010, 0x2027},
    {0x2030, 0x205E},   {0x207D, 0x207E},   {0x208D, 0x208E},   {0x2308, 0x230B},
    {0x2329, 0x232A},   {0x2768, 0x2775},   {0x27C5, 0x27C6},   {0x27E6, 0x27EF},
    {0x2983, 0x2998},   {0x29D8, 0x29DB},   {0x29FC, 0x29FD},   {0x2CF9, 0x2CFC},
    {0x2CFE, 0x2CFF},   {0x2D70, 0x2D70},   {0x2E00, 0x2E2E},   {0x2E30, 0x2E4F},
    {0x2E52, 0x2E5D},   {0x3001, 0x3003},   {0x3008, 0x3011},   {0x3014, 0x301F},
    {0x3030, 0x3030},   {0x303D, 0x303D},   {0x30A0, 0x30A0},   {0x30FB, 0x30FB},
    {0xA4FE, 0xA4FF},   {0xA60D, 0xA60F},   {0xA673, 0xA673},   {0xA67E, 0xA67E},
    {0xA6F2, 0xA6F7},   {0xA874, 0xA877},   {0xA8CE, 0xA8CF},   {0xA8F8, 0xA8FA},
    {0xA8FC, 0xA8FC},   {0xA92E, 0xA92F},   {0xA95F, 0xA95F},   {0xA9C1, 0xA9CD},
    {0xA9DE, 0xA9DF},   {0xAA5C, 0xAA5F},   {0xAADE, 0xAADF},   {0xAAF0, 0xAAF1},
    {0xABEB, 0xABEB},   {0xFD3E, 0xFD3F},   {0xFE10, 0xFE19},   {0xFE30, 0xFE52},
    {0xFE54, 0xFE61},   {0xFE63, 0xFE63},   {0xFE68, 0xFE68},   {0xFE6A, 0xFE6B},
    {0xFF01, 0xFF0F},   {0xFF1A, 0xFF20},   {0xFF3B, 0xFF40},   {0xFF5B, 0xFF65},
    {0x10100, 0x10102}, {0x1039F, 0x1039F}, {0x103D0, 0x103D0}, {0x1056F, 0x1056F},
    {0x10857, 0x10857}, {0x1091F, 0x1091F}, {0x1093F, 0x1093F}, {0x10A50, 0x10A58},
    {0x10A7F, 0x10A7F}, {0x10AF0, 0x10AF6}, {0x10B39, 0x10B3F}, {0x10B99, 0x10B9C},
    {0x10EAD, 0x10EAD}, {0x10F55, 0x10F59}, {0x10F86, 0x10F89}, {0x11047, 0x1104D},
    {0x110BB, 0x110BC}, {0x110BE, 0x110C1}, {0x11140, 0x11143}, {0x11174, 0x11175},
    {0x111C5, 0x111C8}, {0x111CD, 0x111CD}, {0x111DB, 0x111DB}, {0x111DD, 0x111DF},
    {0x11238, 0x1123D}, {0x112A9, 0x112A9}, {0x1144B, 0x1144F}, {0x1145A, 0x1145B},
    {0x1145D, 0x1145D}, {0x114C6, 0x114C6}, {0x115C1, 0x115D7}, {0x11641, 0x11643},
    {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1173C, 0x1173E}, {0x1183B, 0x1183B},
    {0x11944, 0x11946}, {0x119E2, 0x119E2}, {0x11A3F, 0x11A46}, {0x11A9A, 0x11A9C},
    {0x11A9E, 0x11AA2}, {0x11C41, 0x11C45}, {0x11C70, 0x11C71}, {0x11EF7, 0x11EF8},
    {0x11FFF, 0x11FFF}, {0x12470, 0x12474}, {0x12FF1, 0x12FF2}, {0x16A6E, 0x16A6F},
    {0x16AF5, 0x16AF5}, {0x16B37, 0x16B3B}, {0x16B44, 0x16B44}, {0x16E97, 0x16E9A},
    {0x16FE2, 0x16FE2}, {0x1BC9F, 0x1BC9F}, {0x1DA87, 0x1DA8B}, {0x1E95E, 0x1E95F}};

/// Characters without a shape of their own, which only say how the text around them is broken,
/// ordered or shown.
constexpr Range invisible[] = {
    {0xAD, 0xAD},     {0x34F, 0x34F},   {0x61C, 0x61C},     {0x115F, 0x1160},  {0x17B4, 0x17B5},
    {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F},   {0x3164, 0x3164},  {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}};

/// Characters that change the shape of the one before them: joiners, variation selectors, tags.
constexpr Range shapers[] = {
    {0x180B, 0x180F}, {0x200C, 0x200D}, {0xFE00, 0xFE0F}, {0xE0000, 0xE0FFF}};

constexpr Range spaces[] = {{0x80, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200B}, {0x2028, 0x2029},
                            {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};

constexpr bool before(const Range& a, const Range& b) { return a.last < b.first; }
static_assert(std::is_sorted(std::begin(punctuation), std::end(punctuation), before));
static_assert(std::is_sorted(std::begin(invisible), std::end(invisible), before));

bool is_in(std::span<const Range> ranges, std::uint32_t code) {
  return std::binary_search(ranges.begin(), ranges.end(), Range{code, code}, before);
}

Kind kind_of(std::uint32_t code) {
  if (code <= ' ' || code == 0x7F) return Kind::space;
  if (code < 0x80) {
    const bool word = between(code, '0', '9') || between(code | 0x20U, 'a', 'z');
    return word ? Kind::word : Kind::mark;
  }
  if (is_in(punctuation, code)) return Kind::mark;
  if (is_in(spaces, code)) return Kind::space;
  if (is_in(invisible, code)) return Kind::invisible;
  return is_in(shapers, code) ? Kind::shaper : Kind::word;
}

/// Apostrophes, hyphens and other marks that belong to the word when between two word characters:
/// the Catalan middle dot, Armenian tone marks, the marks of Hebrew abbreviations, the Tibetan
/// tsheg.
bool joins(std::uint32_t code) {
  constexpr std::uint32_t joiners[] = {'\'',   '-',    0xB7,   0x387,  0x55A,  0x55B,  0x55C,
                                       0x55E,  0x55F,  0x58A,  0x5BE,  0x5F3,  0x5F4,  0xF0B,
                                       0xF0C,  0x1400, 0x1806, 0x1807, 0x180A, 0x2010, 0x2011,
                                       0x2019, 0x2027, 0x30A0, 0xFE63, 0xFF07, 0xFF0D};
  return std::find(std::begin(joiners), std::end(joiners), code) != std::end(joiners);
}

/// True if the next visible character from text[i] on is a word character.
bool word_follows(std::string_view text, std::size_t i) {
  while (i < text.size()) {
    const Character c = decode(text, i);
    const Kind kind = kind_of(c.code);
    if (kind != Kind::invisible) return kind == Kind::word;
    i += c.length;
  }
  return false;
}

void append(std::string& token, std::string_view bytes, std::uint32_t code, bool lowercase) {
  if (code == replacement) {
    token += "\xEF\xBF\xBD";
  } else if (lowercase && between(code, 'A', 'Z')) {
    token += static_cast<char>(code | 0x20U);
  } else {
    token += bytes;
  }
}

}  // namespace

namespace detail {

std::vector<Span> word_spans(std::string_view text) {
  std::vector<Span> spans;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text, i);
    const Span span{i, i + c.length};
    i = span.end;
    const Kind kind = kind_of(c.code);
    if (kind == Kind::invisible || (kind == Kind::shaper && !in_word)) continue;
    const bool joiner = kind == Kind::mark && in_word && joins(c.code) && word_follows(text, i);
    if (kind == Kind::word || kind == Kind::shaper || joiner) {
      if (!in_word) spans.push_back(span);
      spans.back().end = span.end;
      in_word = true;
      continue;
    }
    in_word = false;
    if (kind == Kind::mark) spans.push_back(span);
  }
  return spans;
}

std::string word_of(std::string_view bytes, bool lowercase) {
  std::string word;
  for (std::size_t i = 0; i < bytes.size();) {
    const Character c = decode(bytes, i);
    if (c.code < 0x80 || kind_of(c.code) != Kind::invisible)
      append(word, bytes.substr(i, c.length), c.code, lowercase);
    i += c.length;
  }
  return word;
}

}  // namespace detail

std::vector<std::string> tokenize(std::string_view text, const TokenizeOptions& options) {
  std::vector<std::string> tokens;
  for (const detail::Span span : detail::word_spans(text)) {
    tokens.push_back(detail::word_of(text.substr(span.begin, span.size()), options.lowercase));
  }
  return tokens;
}

std::vector<std::string> split_words(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || ('\t' <= c && c <= '\r'); };
  std::vector<std::string> words;
  for (const char *c = text.data(), *end = c + text.size();;) {
    c = std::find_if_not(c, end, is_blank);
    if (c == end) return words;
    const char* begin = std::exchange(c, std::find_if(c, end, is_blank));
    words.emplace_back(begin, c);
  }
}

}  // namespace gradus
