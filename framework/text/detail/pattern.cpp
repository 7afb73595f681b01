#include <fmt/format.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/oniguruma.h>
#include <gradus/framework/text/detail/pattern.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus::detail {
namespace {

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

constexpr const char* too_many_ways =
    ": there are too many ways to match a part of the text. Write it without a repetition within a "
    "repetition, or make the inner one possessive, as in (?:a++)+";

[[noreturn]] void fail(const std::string& expression, int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  throw ValueError(fmt::format("regular expression '{}': {}{}", expression,
                               reinterpret_cast<const char*>(text.data()),
                               code == PCRE2_ERROR_MATCHLIMIT ? too_many_ways : ""));
}

}  // namespace

Pattern::Pattern(const std::string& expression, const PatternOptions& options)
    : expression_(expression) {
  int error = 0;
  PCRE2_SIZE place = 0;
  const std::uint32_t flags =
      PCRE2_UTF | (options.unicode_classes ? PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0U) |
      (options.oniguruma ? PCRE2_MULTILINE : 0U);  // its ^ and $ are those of each line
  const std::string source = options.oniguruma ? from_oniguruma(expression) : expression;
  pcre2_code* code = pcre2_compile(units(source), source.size(), flags, &error, &place, nullptr);
  if (code == nullptr) fail(expression, error);
  code_ = std::shared_ptr<const void>(code, [code](const void*) { pcre2_code_free(code); });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it cannot, matching only takes longer
}

std::string Pattern::replace_all(std::string_view text, const std::string& replacement) const {
  constexpr auto options =
      PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  std::string result(2 * text.size() + 64, '\0');
  for (;;) {
    PCRE2_SIZE size = result.size();  // in: room for a final zero included; out: without it
    const int status = pcre2_substitute(code, units(text), text.size(), 0, options, nullptr,
                                        nullptr, units(replacement), replacement.size(),
                                        reinterpret_cast<PCRE2_UCHAR*>(result.data()), &size);
    if (status == PCRE2_ERROR_NOMEMORY && size > result.size()) {
      result.resize(size);
      continue;
    }
    if (status < 0) fail(expression_, status);
    result.resize(size);
    return result;
  }
}

void Pattern::find_all(std::string_view text,
                       const std::function<void(std::size_t, std::size_t)>& found) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
  const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(data.get());
  for (std::size_t from = 0; from <= text.size();) {
    const int status = pcre2_match(code, units(text), text.size(), from, 0, data.get(), nullptr);
    if (status == PCRE2_ERROR_NOMATCH) return;
    if (status < 0) fail(expression_, status);
    const std::size_t begin = ends[0], end = ends[1];
    found(begin, end);
    from = end;
    if (begin == end) from += from < text.size() ? decode_utf8(text, from).length : 1;
  }
}

}  // namespace gradus::detail
