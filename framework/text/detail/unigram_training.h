#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/seed_pieces.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus::detail {

struct PieceOptions {
  std::int64_t size = 0;              ///< the most pieces; at least one for each character
  std::int64_t max_piece_length = 0;  ///< in characters
  std::int64_t seed_size = 0;         ///< how many pieces of more than one character to begin with
  double shrinking_factor = 0.75;     ///< what is left of the pieces in each round
  std::int64_t sub_iterations = 2;    ///< of expectation and maximization in a round
};

/// Pieces and their log-probabilities, by decreasing score, equal ones in byte order: all the
/// characters of the words, and the parts of words that make the words most likely. Words are
/// UTF-8. Source: Kudo 2018, "Subword regularization: improving neural network translation models
/// with multiple subword candidates", section 3.2.
GRADUS_API std::vector<ScoredPiece> learn_pieces(std::span<const CountedWord> words,
                                                 const PieceOptions& options);

}  // namespace gradus::detail
