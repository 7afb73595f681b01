#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/seed_pieces.h>
#include <gradus/framework/text/detail/unigram.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// All ways to write a word in pieces, whose scores are log-probabilities. Characters that are no
/// piece are unknown pieces, numbered -1.
class GRADUS_API PieceLattice {
 public:
  explicit PieceLattice(std::span<const ScoredPiece> pieces);

  /// Where numbers are needed for one word; threads have one each.
  struct Scratch {
    struct Edge {
      std::size_t end;
      std::int32_t piece;
      double score;  ///< then the probability of going on with it
    };
    std::vector<Edge> edges;
    std::vector<std::size_t> begins;  ///< of characters, and the end
    std::vector<std::size_t> first;   ///< edge of each of them
    std::vector<double> values;       ///< by position
  };

  /// Adds to `expected` how often each piece is expected in a word that occurs `count` times.
  /// Returns the log-probability of the word. Source: Kudo 2018, section 3.2.
  double expect(const CountedWord& word, std::span<double> expected, Scratch& scratch) const;

  /// The best way, with its score. Without `whole`, the word itself is not among its pieces: then
  /// the way is empty if there is none.
  double best(std::string_view word, bool whole, std::vector<std::int32_t>& way,
              Scratch& scratch) const;

 private:
  void set_edges(std::string_view word, Scratch& scratch) const;

  ByteTrie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
};

}  // namespace gradus::detail
