#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/aligned_text.h>
#include <gradus/framework/text/detail/pattern.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// A text to be found as it is, or a regular expression.
class GRADUS_API TextPattern {
 public:
  /// An empty one is a regular expression, which matches between any two characters.
  static TextPattern literal(std::string text);
  /// Throws ValueError for an expression that PCRE2 refuses.
  static TextPattern regex(const std::string& expression);

  const std::string& text() const { return text_; }
  bool is_regex() const { return regex_.has_value(); }
  /// Appends the matches in a text, from left to right. A regular expression can match between two
  /// characters too, but not where another match ends, nor in an empty text. Throws ValueError
  /// where matching takes too many steps.
  void find_all(std::string_view text, std::vector<Span>& matches) const;

 private:
  std::string text_;
  std::optional<Pattern> regex_;
};

}  // namespace gradus::detail
