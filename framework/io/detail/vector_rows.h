#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/io/detail/growing_matrix.h>
#include <gradus/framework/io/word_vectors.h>

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace gradus::detail {

/// What is kept of a file of vectors.
enum class KeptRows : std::uint8_t {
  vectors,  ///< words and their vectors
  words,    ///< words alone
};

/// The words and vectors that load_word_vectors() keeps of a file.
class VectorRows {
 public:
  /// vocabulary: whose words are kept, or nullptr for all. expected: about how many rows there will
  /// be, or 0.
  VectorRows(std::int64_t columns, const Vocabulary* vocabulary, std::int64_t expected,
             KeptRows kept = KeptRows::vectors);

  bool keeps_all() const { return vocabulary_ == nullptr; }
  /// False for a word that is not to be kept: it is not in the vocabulary, or has come before.
  bool wants(std::string_view word);
  /// The memory of the next row, good until the next call of keep().
  float* free_row() { return matrix_.free_row(); }
  /// Keeps the row that was written there, if its word is of the vocabulary and has not come
  /// before.
  void keep(std::string_view word);

  /// Moves them into the result.
  void finish(WordVectors& result);

 private:
  void note_duplicate(std::int64_t row);

  const Vocabulary* vocabulary_;
  KeptRows kept_;
  std::vector<std::int64_t> row_of_;  // of a word of the vocabulary, or -1
  TextIndex words_;
  GrowingMatrix matrix_;
  std::int64_t duplicates_ = 0;
  std::unordered_set<std::int64_t> repeated_;  // rows
};

}  // namespace gradus::detail
