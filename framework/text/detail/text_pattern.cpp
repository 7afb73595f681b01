#include <gradus/framework/text/detail/text_pattern.h>

#include <utility>

namespace gradus::detail {
namespace {

// \s as White_Space of Unicode, and \S as all else: PCRE2's \s has U+180E as well.
std::string with_white_space(const std::string& expression) {
  std::string result;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    if (expression[i] != '\\' || i + 1 == expression.size()) {
      result += expression[i];
      continue;
    }
    const char escaped = expression[++i];
    if (escaped == 's' || escaped == 'S') {
      result += escaped == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
    } else {
      result += {'\\', escaped};
    }
  }
  return result;
}

}  // namespace

TextPattern TextPattern::literal(std::string text) {
  TextPattern result;
  result.text_ = std::move(text);
  return result;
}

TextPattern TextPattern::regex(const std::string& expression) {
  TextPattern result;
  result.text_ = expression;
  result.regex_.emplace(with_white_space(expression), PatternOptions{.unicode_classes = true});
  return result;
}

void TextPattern::find_all(std::string_view text, std::vector<Span>& matches) const {
  if (regex_) {
    regex_->find_all(text, [&](std::size_t begin, std::size_t end) {
      if (begin < end) matches.push_back({begin, end});
    });
    return;
  }
  if (text_.empty()) return;
  for (std::size_t i = text.find(text_); i != std::string_view::npos;
       i = text.find(text_, i + text_.size())) {
    matches.push_back({i, i + text_.size()});
  }
}

}  // namespace gradus::detail
