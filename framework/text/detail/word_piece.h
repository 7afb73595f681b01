#pragma once
#include <gradus/framework/text/detail/token_table.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// As Hugging Face's WordPiece has them.
struct WordPieceOptions {
  std::string unknown_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::int64_t max_input_chars_per_word = 100;  ///< a longer word is unknown
};

/// The lengths of texts by how they begin, so that few have to be looked up.
class GRADUS_API LengthsByBeginning {
 public:
  /// The text has a byte or more.
  void add(std::string_view text) { slot(text) |= bit(text.size()); }
  /// If a text of `length` bytes that begins as `text` does may have been added. The text has so
  /// many bytes or more.
  bool may_have(std::string_view text, std::size_t length) const {
    return length == 1 || (slots_[slot_of(text)] & bit(length)) != 0;
  }

 private:
  static std::uint64_t bit(std::size_t length) {
    return std::uint64_t{1} << std::min<std::size_t>(length, 63);
  }
  static std::size_t slot_of(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    return (byte(0) * 37U + (text.size() > 1 ? byte(1) : 0U)) % slots;
  }
  std::uint64_t& slot(std::string_view text) { return slots_[slot_of(text)]; }

  static constexpr std::size_t slots = 2048;
  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(slots);
};

/// Each time the longest token that the rest of a word begins with; unknown as a whole if there is
/// none. Source: Wu et al. 2016, "Google's neural machine translation system", section 4.1.
class GRADUS_API WordPiece {
 public:
  /// Throws ValueError if the unknown token is not in the vocabulary.
  WordPiece(TokenTable tokens, WordPieceOptions options);

  const TokenTable& tokens() const { return tokens_; }
  const WordPieceOptions& options() const { return options_; }
  void encode(std::string_view word, std::vector<Piece>& pieces) const;

 private:
  bool is_long(std::string_view word) const;
  Piece longest(std::string_view word, std::size_t begin, std::string& buffer) const;

  TokenTable tokens_;
  WordPieceOptions options_;
  std::int64_t unknown_;
  std::size_t longest_ = 0;             // token, in bytes
  LengthsByBeginning first_, further_;  // of tokens; of those with the prefix, without it
};

/// A word is a token, or unknown.
class GRADUS_API WordLevel {
 public:
  /// An empty unknown token is none.
  WordLevel(TokenTable tokens, std::string unknown_token);

  const TokenTable& tokens() const { return tokens_; }
  const std::string& unknown_token() const { return unknown_token_; }
  /// Throws for an unknown word, unless there is an unknown token: ValueError if the vocabulary
  /// lacks that, IndexError if it is none.
  void encode(std::string_view word, std::vector<Piece>& pieces) const;

 private:
  TokenTable tokens_;
  std::string unknown_token_;
  std::int64_t unknown_;
};

}  // namespace gradus::detail
