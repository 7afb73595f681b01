#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/aligned_text.h>
#include <gradus/framework/text/detail/normalizer.h>
#include <gradus/framework/text/detail/unicode.h>
#include <gradus/framework/text/unicode.h>

namespace gradus {
namespace {

// Each character through f(code, out); a byte that is not UTF-8 as it is.
template <class F>
std::string by_character(std::string_view text, F&& f) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const detail::Character c = detail::decode_utf8(text, i);
    if (c.code == detail::not_utf8) {
      result += text[i];
    } else {
      f(c.code, result);
    }
    i += c.length;
  }
  return result;
}

}  // namespace

std::string unicode_normalize(std::string_view text, NormalForm form) {
  detail::AlignedText result(text);
  detail::normalize(result, form);
  return result.text();
}

std::string lowercase(std::string_view text) {
  return by_character(text, detail::append_lowercase);
}

std::string case_fold(std::string_view text) {
  return by_character(text, detail::append_case_fold);
}

std::string strip_accents(std::string_view text) {
  return by_character(unicode_normalize(text, NormalForm::nfd),
                      [](std::uint32_t code, std::string& out) {
                        if (detail::category(code) != detail::Category::nonspacing_mark)
                          detail::append_utf8(code, out);
                      });
}

std::vector<std::string> code_points(std::string_view text) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = detail::decode_utf8(text, i).length;
    result.emplace_back(text.substr(i, length));
    i += length;
  }
  return result;
}

std::vector<std::string> grapheme_clusters(std::string_view text) {
  std::vector<std::string> result;
  detail::GraphemeBreaks breaks;
  for (std::size_t i = 0; i < text.size();) {
    const detail::Character c = detail::decode_utf8(text, i);
    if (breaks(c.code)) result.emplace_back();
    result.back() += text.substr(i, c.length);
    i += c.length;
  }
  return result;
}

}  // namespace gradus
