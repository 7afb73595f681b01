#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/metrics/analogy_rule.h>
#include <gradus/framework/metrics/neighbors.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gradus {

/// A word and how close it is to what was asked for.
struct ScoredWord {
  std::string word;
  double score = 0;
  bool operator==(const ScoredWord&) const = default;
};

/// Words and their vectors, for questions about similarity. Scores are cosines. Words that are
/// asked for are looked up as they are written; of a word that is listed twice the first row
/// counts. Functions throw IndexError for a word that is not there.
class GRADUS_API WordIndex {
 public:
  /// Throws ShapeError unless there is a row for each word, and what NeighborIndex throws.
  explicit WordIndex(const WordVectors& vectors);
  /// Row i of the matrix is for word i of the vocabulary.
  WordIndex(const Vocabulary& vocabulary, const Tensor& matrix);

  std::int64_t size() const { return static_cast<std::int64_t>(words_.size()); }
  const std::vector<std::string>& words() const { return words_; }
  const NeighborIndex& neighbors() const { return index_; }
  bool contains(std::string_view word) const { return row_.find(word) >= 0; }
  /// The row of a word.
  std::int64_t row(std::string_view word) const;

  /// The cosine of two words' vectors.
  double similarity(std::string_view a, std::string_view b) const;

  /// The k words closest to a word, without itself (and its other rows).
  std::vector<ScoredWord> most_similar(std::string_view word, std::int64_t k = 10) const;
  /// The k words closest to a vector [D].
  std::vector<ScoredWord> most_similar(const Tensor& vector, std::int64_t k = 10) const;
  /// The k words closest to the sum of the unit vectors of some words, less those of others;
  /// without all of these. Throws ValueError if there are none.
  std::vector<ScoredWord> most_similar(const std::vector<std::string>& positive,
                                       const std::vector<std::string>& negative,
                                       std::int64_t k = 10) const;

  /// The k best words x for "a is to b as c is to x", without a, b and c.
  std::vector<ScoredWord> analogy(std::string_view a, std::string_view b, std::string_view c,
                                  std::int64_t k = 1, AnalogyRule rule = AnalogyRule::add) const;

 private:
  Tensor excluding(std::vector<std::int64_t> rows) const;
  std::vector<ScoredWord> scored(const Neighbors& found) const;

  std::vector<std::string> words_;
  detail::TextIndex row_;
  std::vector<std::int64_t> row_of_number_;  // the row of each distinct word
  std::unordered_map<std::int64_t, std::vector<std::int64_t>>
      repeated_;  // other rows, by the first
  NeighborIndex index_;
};

}  // namespace gradus
