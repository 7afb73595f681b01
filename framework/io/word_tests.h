#pragma once
#include <gradus/framework/base/export.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

/// Two words and how similar people find them.
struct WordPair {
  std::string first, second;
  double score = 0;
  bool operator==(const WordPair&) const = default;
};

struct WordPairOptions {
  std::int64_t score_column = 2;  ///< counted from 0; 3 in SimLex-999.txt as published
};

/// Reads word pairs with scores, such as WordSim353, MEN and SimLex-999: the first two fields of a
/// line are the words. Fields are separated by tabs; by commas if the first line has no tab; by
/// spaces if it has neither. A first line without a number in the column of scores names the
/// columns. Blank lines and lines that begin with '#' are ignored. Throws FormatError with file and
/// line for one with other fields than the first, an empty word, or a score that is not a finite
/// number, and for a file without pairs; ValueError for a score_column below 2; Error if the file
/// cannot be read.
GRADUS_API std::vector<WordPair> read_word_pairs(const std::string& path,
                                                 const WordPairOptions& options = {});

/// Analogies of one kind: words a, b, c, d, where a is to b as c is to d.
struct AnalogySection {
  std::string name;
  std::vector<std::array<std::string, 4>> analogies = {};
  bool operator==(const AnalogySection&) const = default;
};

/// Reads analogies as word2vec's questions-words.txt has them: four words a line, separated by
/// blanks, in sections that lines ": name" begin. Blank lines and lines that begin with "//" are
/// ignored; lines before the first section are in one without a name. Throws FormatError with file
/// and line for one that has not four words, and for a file without analogies; Error if the file
/// cannot be read.
GRADUS_API std::vector<AnalogySection> read_analogies(const std::string& path);

}  // namespace gradus
