#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace gradus::detail {

struct PatternOptions {
  bool unicode_classes = false;  ///< \s, \d, \w and \b are Unicode's too
  bool oniguruma = false;        ///< it is meant as Oniguruma reads it: see from_oniguruma()
};

/// A regular expression of PCRE2 on UTF-8 text, in which \p{P} and the like are Unicode's classes.
/// Threads can share one.
class Pattern {
 public:
  /// Throws ValueError for an expression that PCRE2 refuses.
  explicit Pattern(const std::string& expression, const PatternOptions& options = {});

  /// Calls found(begin, end) for each match in `text`, from left to right; some may be empty. Bytes
  /// that are not UTF-8 are matched by nothing. Throws ValueError if it takes too many steps.
  void find_all(std::string_view text,
                const std::function<void(std::size_t, std::size_t)>& found) const;

  /// `text`, which is UTF-8, with each match replaced, from left to right. In `replacement`, $1 is
  /// the first group, $0 the match, and $$ a dollar; \L makes what follows lower case.
  std::string replace_all(std::string_view text, const std::string& replacement) const;

 private:
  std::string expression_;
  std::shared_ptr<const void> code_;
};

}  // namespace gradus::detail
