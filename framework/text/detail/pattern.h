#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace gradus::detail {

/// A regular expression of PCRE2 on UTF-8 text, in which \p{P} and the like are Unicode's classes.
/// Threads can share one.
class Pattern {
 public:
  /// Throws ValueError for an expression that PCRE2 refuses.
  explicit Pattern(const std::string& expression);

  /// `text`, which is UTF-8, with each match replaced, from left to right. In `replacement`, $1 is
  /// the first group, $0 the match, and $$ a dollar; \L makes what follows lower case.
  std::string replace_all(std::string_view text, const std::string& replacement) const;

 private:
  std::string expression_;
  std::shared_ptr<const void> code_;
};

}  // namespace gradus::detail
