#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/tokenize.h>
#include <gradus/framework/text/vocabulary.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

namespace detail {
struct SplitRule;
}

struct SplitPatternOptions {
  bool keep_rest = false;  ///< what is between matches is a piece too, so that nothing is lost
};

/// A rule that splits a text into pieces, which a Vocabulary can count and a Tokenizer looks up:
///   const auto splitter = Splitter::words();
///   const Vocabulary vocabulary(splitter.count(texts), {.min_count = 2});
///   const Tokenizer tokenizer(splitter, vocabulary);
/// It never changes; copies share everything, and threads can use one at the same time.
class GRADUS_API Splitter {
 public:
  /// What is between white space, Unicode's too.
  static Splitter whitespace();
  /// Words and punctuation marks, as tokenize() finds them.
  static Splitter words(const TokenizeOptions& options = {});
  /// The matches of a regular expression, as a tokenizer.json has them: PCRE2's, in which \w, \d,
  /// \s and \b are Unicode's, and \h is a hexadecimal digit.
  /// Empty ones are left out. Throws ValueError for an expression that PCRE2 refuses.
  static Splitter pattern(const std::string& expression, const SplitPatternOptions& options = {});
  /// Characters of Unicode; a byte that is not UTF-8 is one of its own.
  static Splitter code_points();
  /// What people take for characters: see grapheme_clusters().
  static Splitter graphemes();

  /// The pieces of a text, in order.
  /// Throws ValueError for a text that the expression takes too many steps for.
  std::vector<std::string> split(std::string_view text) const;
  /// How often each piece occurs in all texts. To count texts as they come:
  ///   counter.add(splitter.split(text));
  WordCounter count(std::span<const std::string> texts) const;

 private:
  friend class Tokenizer;
  explicit Splitter(detail::SplitRule rule);

  std::shared_ptr<const detail::SplitRule> rule_;
};

}  // namespace gradus
