#include <gradus/framework/text/detail/text_pattern.h>

#include <utility>

namespace gradus::detail {

TextPattern TextPattern::literal(std::string text) {
  if (text.empty()) return regex(text);
  TextPattern result;
  result.text_ = std::move(text);
  return result;
}

TextPattern TextPattern::regex(const std::string& expression) {
  TextPattern result;
  result.text_ = expression;
  result.regex_.emplace(expression, PatternOptions{.unicode_classes = true, .oniguruma = true});
  return result;
}

void TextPattern::find_all(std::string_view text, std::vector<Span>& matches) const {
  if (regex_) {
    if (text.empty()) return;
    const std::size_t first = matches.size();
    regex_->find_all(text, [&](std::size_t begin, std::size_t end) {
      const bool again = begin == end && matches.size() > first && matches.back().end == begin;
      if (!again) matches.push_back({begin, end});
    });
    return;
  }
  for (std::size_t i = text.find(text_); i != std::string_view::npos;
       i = text.find(text_, i + text_.size())) {
    matches.push_back({i, i + text_.size()});
  }
}

}  // namespace gradus::detail
