#pragma once
#include <gradus/framework/data/read_options.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {

/// What follows the last word of each line, a word like the others.
inline constexpr const char* end_of_line = "<eos>";

/// The lines of a text, without blank ones.
std::vector<std::string> read_lines(const std::string& path, TextEncoding encoding);

struct CodingOptions {
  std::int64_t min_count = 3;       ///< rarer words are unknown
  std::int64_t max_words = 50'000;  ///< only the most frequent are known
  bool tokenized = false;           ///< words are what is between blanks, not what tokenize() finds
};

/// Turns a text into the ids of its words. Unknown words are one word, "<unk>".
struct WordCoding {
  Vocabulary words;
  bool tokenized = false;

  /// The words of a text to learn from.
  static WordCoding of(std::span<const std::string> lines, const CodingOptions& options);

  std::int64_t line_id() const { return words.id(end_of_line); }
  std::vector<std::string> split(std::string_view line) const;
  /// "<eos>", then the words of each line, with "<eos>" after it.
  std::vector<std::int64_t> ids(std::span<const std::string> lines) const;
  /// The words as they are written, without blanks before commas.
  std::string text(std::span<const std::int64_t> ids) const;
};

/// The perplexity, for ids[1], ids[2], ..., of a model that only knows how often each word is:
/// (count + 1) / (N + V).
double unigram_perplexity(const Vocabulary& words, std::span<const std::int64_t> ids);

}  // namespace gradus::examples
