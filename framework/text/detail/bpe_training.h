#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/bpe.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gradus::detail {

/// Words as the tokens of their characters, and how often each occurs.
class GRADUS_API SymbolWords {
 public:
  void begin_word(std::int64_t count) { counts_.push_back(count); }
  void add(std::int32_t token) { symbols_.push_back(token); }
  void end_word() { symbols_.push_back(-1); }

  /// Of all words, each with a -1 at its end.
  const std::vector<std::int32_t>& symbols() const { return symbols_; }
  const std::vector<std::int64_t>& counts() const { return counts_; }

 private:
  std::vector<std::int32_t> symbols_;
  std::vector<std::int64_t> counts_;
};

struct MergeOptions {
  std::int64_t vocabulary_size = 0;   ///< the most tokens
  std::int64_t min_frequency = 0;     ///< of a pair that is merged
  std::int64_t max_token_length = 0;  ///< in characters; 0 for any
  std::string continuing_subword_prefix{};
  std::int64_t reserved = 0;  ///< the first tokens, which merges never make
};

/// Tokens by id, and the merges that make them.
struct LearnedTokens {
  std::vector<std::string> tokens;
  Bpe::Merges merges;
};

/// Merges the most frequent pair of neighbours again and again; of those that are equally frequent,
/// the one with the smallest id at the left, then at the right. A token that is there already is
/// not added again. The counts of all words, times their lengths, are below 2^63 together.
/// Source: Sennrich et al. 2016, "Neural machine translation of rare words with subword units",
/// algorithm 1.
GRADUS_API LearnedTokens learn_merges(const std::vector<std::string>& tokens,
                                      const SymbolWords& words, const MergeOptions& options);

}  // namespace gradus::detail
