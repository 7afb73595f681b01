#pragma once
#include <gradus/framework/text/detail/byte_trie.h>
#include <gradus/framework/text/detail/unknown_pieces.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {

struct SentencePieceFile;

/// A language model of single pieces: a word becomes the pieces whose scores (log-probabilities)
/// have the greatest sum. Source: Kudo 2018, "Subword regularization", section 3.2.
class GRADUS_API Unigram {
 public:
  /// The id of a piece is its position; of one that is there several times, the last one is found
  /// in texts. Without an unknown piece, `unknown_id` is -1. Throws ValueError for a piece that is
  /// empty or longer than 65,535 bytes, a score that is not finite, and an unknown_id that is none.
  Unigram(std::vector<std::pair<std::string, double>> pieces, std::int64_t unknown_id,
          bool byte_fallback);
  /// As SentencePiece does it: sums in single precision, user-defined pieces win, and only they and
  /// normal ones are found in a text.
  explicit Unigram(const SentencePieceFile& file);

  const TokenTable& tokens() const { return tokens_; }
  /// As the file has them.
  const std::vector<double>& scores() const { return scores_; }
  std::int64_t unknown_id() const { return unknown_.id(); }
  bool byte_fallback() const { return unknown_.byte_fallback(); }

  /// Appends the pieces of a word, with their places in it. Beside them it holds two bytes for each
  /// byte of the word since the last place that all best ways to what was read have in common.
  /// Returns the greatest number of bytes that was. Throws ValueError for a character that is in no
  /// piece, unless there is an unknown piece.
  std::size_t encode(std::string_view word, std::vector<Piece>& pieces) const;

 private:
  void add(std::size_t id, const std::string& piece, double score);
  template <class Score>
  std::size_t find_best(std::string_view word, std::vector<Piece>& pieces) const;

  TokenTable tokens_;
  std::vector<double> scores_;
  UnknownPieces unknown_;
  bool single_precision_ = false;
  std::vector<double> found_scores_;  // of pieces that are found in a text, as they are added up
  double unknown_score_ = 0;
  ByteTrie trie_;
  std::size_t longest_ = 0;  // piece of the trie, in bytes
};

}  // namespace gradus::detail
