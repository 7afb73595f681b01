#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/text/detail/normalizer.h>
#include <gradus/framework/text/detail/token_table.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// A token that is found in a text before anything else happens to it, as Hugging Face has them.
struct AddedToken {
  std::int64_t id = 0;
  std::string content;
  bool single_word = false;  ///< not within a word
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool normalized = false;   ///< found in the normalized text
  bool special = false;      ///< left out in decoding
  bool in_text = true;       ///< else no text has it: it is only decoded
};

/// Finds some added tokens in a text: from left to right, of several at one place the longest.
class GRADUS_API AddedTokenFinder {
 public:
  /// `contents[i]` is what `tokens[i]` looks like in the text.
  AddedTokenFinder(const std::vector<AddedToken>& tokens, const std::vector<std::string>& contents);

  /// Appends the parts of a text, in order: tokens, and what is between them with an id of -1.
  void split(std::string_view text, std::vector<Piece>& parts) const;

 private:
  const AddedToken* at(std::string_view text, std::size_t i, std::size_t& length) const;

  std::vector<AddedToken> tokens_;
  TextIndex index_;
  std::vector<std::size_t> lengths_;  // decreasing
  std::array<bool, 256> begins_{};    // a token begins with this byte
};

/// All added tokens of a tokenizer.
class GRADUS_API AddedTokens {
 public:
  AddedTokens(std::vector<AddedToken> tokens, const std::vector<Normalizer>& normalizers);

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  const AddedToken* find(std::int64_t id) const;
  const AddedToken* find(std::string_view content) const;
  const AddedTokenFinder& in_source() const { return in_source_; }
  const AddedTokenFinder& in_normalized() const { return in_normalized_; }

 private:
  std::vector<AddedToken> tokens_;  // by id
  TextIndex contents_;
  AddedTokenFinder in_source_, in_normalized_;
};

}  // namespace gradus::detail
