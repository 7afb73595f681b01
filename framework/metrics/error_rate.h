#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

/// The least number of substitutions, insertions and deletions that make one sequence the other
/// (Levenshtein).
GRADUS_API std::int64_t edit_distance(std::span<const std::int64_t> a,
                                      std::span<const std::int64_t> b);
GRADUS_API std::int64_t edit_distance(std::span<const std::string> a,
                                      std::span<const std::string> b);

/// The edits that make the hypotheses the references, divided by the number of words in the
/// references: 0 if all are right, and above 1 where the hypotheses have many words too many. White
/// space of any kind separates words, where jiwer has spaces only; nothing else is changed, so
/// remove punctuation and case first if they do not matter.
class GRADUS_API WordErrorRate {
 public:
  /// Throws FormatError for a text that is not UTF-8.
  void add(std::string_view hypothesis, std::string_view reference);
  /// Words, or ids of tokens.
  void add(std::span<const std::string> hypothesis, std::span<const std::string> reference);
  void add(std::span<const std::int64_t> hypothesis, std::span<const std::int64_t> reference);
  void merge(const WordErrorRate& other);

  /// Throws ValueError if nothing was added. Where no reference has a word, the number of edits, as
  /// in jiwer.
  double result() const;
  std::int64_t edits() const { return edits_; }
  std::int64_t reference_length() const { return length_; }

 private:
  std::int64_t edits_ = 0, length_ = 0, examples_ = 0;
};

/// The same of the characters (code points) of the texts, without the white space around them.
class GRADUS_API CharacterErrorRate {
 public:
  /// Throws FormatError for a text that is not UTF-8.
  void add(std::string_view hypothesis, std::string_view reference);
  void merge(const CharacterErrorRate& other);

  /// Throws ValueError if nothing was added. Where no reference has a character, the number of
  /// edits, as in jiwer.
  double result() const;
  std::int64_t edits() const { return edits_; }
  std::int64_t reference_length() const { return length_; }

 private:
  std::int64_t edits_ = 0, length_ = 0, examples_ = 0;
};

}  // namespace gradus
