#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/io/word_tests.h>
#include <gradus/framework/metrics/word_index.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace gradus {

/// How words of a test are looked up, by default as gensim does.
struct WordTestOptions {
  /// Only the first words of the index count, the most frequent ones of most files.
  std::int64_t most_words = 300'000;
  /// Letters match in either case (see case_fold()); of words that differ only in it the first
  /// counts.
  bool fold_case = true;
  /// Pairs and analogies with a missing word count, with a similarity of 0 and as wrong.
  bool count_missing = false;
};

struct WordPairScores {
  double spearman, pearson;  ///< -1 to 1; NaN if either list of scores is constant
  std::int64_t pairs;        ///< that count
  std::int64_t missing;      ///< that have a word which is not in the index
};

/// How well the cosines of word pairs agree with the scores that people gave them. Throws
/// ValueError if no pair counts, and for most_words below 1.
GRADUS_API WordPairScores evaluate_word_pairs(const WordIndex& index,
                                              std::span<const WordPair> pairs,
                                              const WordTestOptions& options = {});

struct AnalogyScore {
  std::string section;
  std::int64_t correct, total;  ///< of those that count
  std::int64_t missing;         ///< analogies that have a word which is not in the index
  /// correct / total; NaN if that is 0.
  double accuracy() const {
    return total > 0 ? static_cast<double>(correct) / static_cast<double>(total)
                     : std::numeric_limits<double>::quiet_NaN();
  }
  bool operator==(const AnalogyScore&) const = default;
};

struct AnalogyScores {
  std::vector<AnalogyScore> sections;
  AnalogyScore total;  ///< of all sections
};

/// How many analogies a vocabulary solves: the best word that is none of a, b and c, in any case if
/// that is folded, is d. Throws ValueError for most_words below 1.
GRADUS_API AnalogyScores evaluate_analogies(const WordIndex& index,
                                            std::span<const AnalogySection> sections,
                                            AnalogyRule rule = AnalogyRule::add,
                                            const WordTestOptions& options = {});

}  // namespace gradus
