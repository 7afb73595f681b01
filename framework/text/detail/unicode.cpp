#include <gradus/framework/text/detail/unicode.h>
#include <utf8proc.h>

#include <array>
#include <cstddef>

namespace gradus::detail {
namespace {

constexpr std::uint32_t last_code = 0x10FFFF;

constexpr std::array<Category, 30> groups = [] {
  std::array<Category, 30> result{};
  result.fill(Category::other);
  const auto set = [&](int first, int last, Category group) {
    for (int c = first; c <= last; ++c) result[static_cast<std::size_t>(c)] = group;
  };
  set(UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO, Category::letter);
  set(UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MN, Category::nonspacing_mark);
  set(UTF8PROC_CATEGORY_MC, UTF8PROC_CATEGORY_ME, Category::other_mark);
  set(UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO, Category::number);
  set(UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO, Category::punctuation);
  set(UTF8PROC_CATEGORY_SM, UTF8PROC_CATEGORY_SO, Category::symbol);
  set(UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP, Category::separator);
  set(UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CC, Category::control);
  set(UTF8PROC_CATEGORY_CN, UTF8PROC_CATEGORY_CN, Category::unassigned);
  return result;
}();

const utf8proc_property_t& property(std::uint32_t code) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
}

void append_mapped(std::uint32_t code, int options, std::string& out) {
  std::array<utf8proc_int32_t, 16> mapped{};
  int boundary = 0;
  const auto n =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), mapped.data(), mapped.size(),
                              static_cast<utf8proc_option_t>(options), &boundary);
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    append_utf8(static_cast<std::uint32_t>(mapped[i]), out);
}

}  // namespace

Category category(std::uint32_t code) {
  if (code > last_code) return Category::unassigned;
  return groups[static_cast<std::size_t>(property(code).category)];
}

bool is_word_character(std::uint32_t code) {
  const auto in = [code](std::uint32_t first, std::uint32_t last) {
    return first <= code && code <= last;
  };
  if (code > last_code) return false;
  if (in(0x24B6, 0x24E9) || in(0x1F130, 0x1F149) || in(0x1F150, 0x1F169) || in(0x1F170, 0x1F189)) {
    return true;  // letters in circles and squares
  }
  if (code == 0x200C || code == 0x200D) return true;  // joiners
  const auto own = property(code).category;
  const Category group = groups[static_cast<std::size_t>(own)];
  return group == Category::letter || group == Category::nonspacing_mark ||
         group == Category::other_mark || own == UTF8PROC_CATEGORY_ND ||
         own == UTF8PROC_CATEGORY_NL || own == UTF8PROC_CATEGORY_PC;
}

bool is_white_space(std::uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return code == 0x85 ||
         (code >= 0xA0 && code <= last_code && category(code) == Category::separator);
}

void append_lowercase(std::uint32_t code, std::string& out) {
  append_utf8(code > last_code ? code
                               : static_cast<std::uint32_t>(
                                     utf8proc_tolower(static_cast<utf8proc_int32_t>(code))),
              out);
  if (code == 0x130) append_utf8(0x307, out);  // the only one that becomes two (SpecialCasing.txt)
}

void append_case_fold(std::uint32_t code, std::string& out) {
  append_mapped(code, UTF8PROC_CASEFOLD, out);
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  const auto rest = [&](unsigned shift) { byte(0x80U | (code >> shift & 0x3FU)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0U | code >> 6U);
    rest(0);
  } else if (code < 0x10000) {
    byte(0xE0U | code >> 12U);
    rest(6);
    rest(0);
  } else {
    byte(0xF0U | code >> 18U);
    rest(12);
    rest(6);
    rest(0);
  }
}

void decompose(std::uint32_t code, bool compatibility, std::vector<std::uint32_t>& out) {
  std::array<utf8proc_int32_t, 32> parts{};  // the longest has 18
  int boundary = 0;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0));
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts.data(),
                                         parts.size(), options, &boundary);
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    out.push_back(static_cast<std::uint32_t>(parts[i]));
}

std::uint32_t composed(std::uint32_t first, std::uint32_t second) {
  std::array<utf8proc_int32_t, 2> pair{static_cast<utf8proc_int32_t>(first),
                                       static_cast<utf8proc_int32_t>(second)};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  return utf8proc_normalize_utf32(pair.data(), 2, options) == 1
             ? static_cast<std::uint32_t>(pair[0])
             : 0;
}

int combining_class(std::uint32_t code) {
  return code > last_code ? 0 : property(code).combining_class;
}

bool GraphemeBreaks::operator()(std::uint32_t code) {
  const bool known = code <= last_code && last_ <= last_code;
  const bool begins =
      !started_ || !known ||
      utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last_),
                                       static_cast<utf8proc_int32_t>(code), &state_);
  if (!known) state_ = 0;
  started_ = true;
  last_ = code;
  return begins;
}

}  // namespace gradus::detail
