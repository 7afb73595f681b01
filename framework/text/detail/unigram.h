#pragma once
#include <gradus/framework/text/detail/token_table.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {

/// Texts that are found by their beginnings.
class GRADUS_API ByteTrie {
 public:
  /// The key is not empty.
  void add(std::string_view key, std::int32_t value);

  /// Calls found(length, value) for each key that the text begins with, shorter ones first.
  template <class F>
  void prefixes(std::string_view text, F&& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (values_[node] >= 0) found(i + 1, values_[node]);
    }
  }

 private:
  struct Edge {
    std::uint64_t key = 0;  // of a node and a byte, 0 for none
    std::uint32_t child = 0;
  };

  static std::uint64_t key_of(std::uint32_t node, unsigned char byte) {
    return (std::uint64_t{node} << 8U | byte) + 1;
  }
  std::size_t slot_of(std::uint64_t key) const;
  std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    return edges_.empty() ? 0 : edges_[slot_of(key_of(node, byte))].child;
  }
  std::uint32_t add_child(std::uint32_t node, unsigned char byte);
  void grow();

  std::vector<Edge> edges_;                  // at most half are taken
  std::vector<std::int32_t> values_ = {-1};  // by node; -1 for none
};

/// A language model of single pieces: a word becomes the pieces whose scores (log-probabilities)
/// have the greatest sum. Source: Kudo 2018, "Subword regularization", section 3.2.
class GRADUS_API Unigram {
 public:
  /// The id of a piece is its position. Without an unknown piece, `unknown_id` is -1. Throws
  /// ValueError for a piece that is there twice or empty, a score that is not finite, and an
  /// unknown_id that is none.
  Unigram(std::vector<std::pair<std::string, double>> pieces, std::int64_t unknown_id,
          bool byte_fallback);

  const TokenTable& tokens() const { return tokens_; }
  const std::vector<double>& scores() const { return scores_; }
  std::int64_t unknown_id() const { return unknown_; }
  bool byte_fallback() const { return byte_fallback_; }
  /// Throws ValueError for a character that is in no piece, unless there is an unknown piece.
  void encode(std::string_view word, std::vector<Piece>& pieces) const;

 private:
  void add_unknown(std::string_view word, Span span, std::vector<Piece>& pieces) const;

  TokenTable tokens_;
  std::vector<double> scores_;
  std::int64_t unknown_;
  bool byte_fallback_;
  double unknown_score_ = 0;
  std::array<std::int64_t, 256> bytes_{};  // the pieces <0x00> to <0xFF>, or -1
  ByteTrie trie_;
};

}  // namespace gradus::detail
