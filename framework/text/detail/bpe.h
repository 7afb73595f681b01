#pragma once
#include <gradus/framework/text/detail/packed_texts.h>
#include <gradus/framework/text/detail/pair_merges.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {

/// As Hugging Face's BPE has them.
struct BpeOptions {
  std::string unknown_token;              ///< empty: what is unknown is left out
  std::string continuing_subword_prefix;  ///< of tokens that do not begin a word
  std::string end_of_word_suffix;         ///< of tokens that end a word
  bool fuse_unknown = false;              ///< one unknown token for several characters
  bool byte_fallback = false;             ///< an unknown character becomes <0x00> to <0xFF>
  bool ignore_merges = false;             ///< a word that is a token needs no merges
};

/// Pairs of tokens, those first that were merged first in training.
class Merges {
 public:
  void emplace_back(std::string_view left, std::string_view right) {
    texts_.add(left);
    texts_.add(right);
  }
  std::pair<std::string_view, std::string_view> operator[](std::size_t i) const {
    return {texts_[2 * i], texts_[2 * i + 1]};
  }
  std::size_t size() const { return texts_.size() / 2; }

 private:
  PackedTexts texts_;
};

/// Byte-pair encoding: neighbours are merged, those first that were merged first in training.
/// Source: Sennrich et al. 2016, "Neural machine translation of rare words with subword units".
class GRADUS_API Bpe {
 public:
  using Merges = detail::Merges;

  /// With `byte_level`, tokens are written in GPT-2's alphabet of bytes, and words are given as
  /// they are. Of a pair that is there twice, the last one counts. Throws ValueError for a merge
  /// whose parts or result are not tokens.
  Bpe(TokenTable tokens, const Merges& merges, BpeOptions options, bool byte_level);

  const TokenTable& tokens() const { return tokens_; }
  Merges merges() const;
  const BpeOptions& options() const { return options_; }

  /// Appends the tokens of a word, with their places in it. Takes O(n log b) steps for n bytes, and
  /// beside the tokens memory for blocks of b.
  void encode(std::string_view word, std::vector<Piece>& pieces) const;

 private:
  // Within, tokens go by their places in the table, which take half of the memory of ids.
  struct Slot {
    std::int32_t left = -1, right = -1;
    PairMerge merge;
  };

  void add_merge(const Merges& merges, std::size_t rank);
  void find_words();
  std::size_t slot_of(std::int64_t left, std::int64_t right) const;
  const PairMerge* find(std::int64_t left, std::int64_t right) const;
  std::int64_t find_symbol(std::string_view symbol, bool first, bool last) const;
  void split(std::string_view word, Span part, std::vector<Piece>& pieces) const;
  void split_unknown(std::string_view word, Span span, std::vector<Piece>& pieces) const;
  bool has_bytes(std::string_view unknown) const;
  std::size_t end_of_block(std::string_view word, std::size_t place) const;
  void merge_all(std::vector<Piece>& pieces, std::size_t first) const;
  std::int64_t whole(std::string_view word) const;

  TokenTable tokens_;
  BpeOptions options_;
  bool byte_level_;
  std::int64_t unknown_ = -1;
  std::array<std::int64_t, 256>
      bytes_{};  // the tokens of bytes: of the alphabet, or of the fallback
  std::vector<Slot> slots_;
  PackedIndex words_;  // words that are one token
  std::vector<std::int32_t> word_places_;
};

/// A text in GPT-2's alphabet: each byte is a visible character, those of ASCII are themselves.
/// Source: openai/gpt-2, encoder.py, bytes_to_unicode.
GRADUS_API std::string to_byte_alphabet(std::string_view bytes);
/// Back, or none if a character is not of the alphabet.
GRADUS_API std::optional<std::string> from_byte_alphabet(std::string_view text);
/// The code of the character of a byte.
GRADUS_API std::uint32_t byte_character(unsigned char byte);

}  // namespace gradus::detail
