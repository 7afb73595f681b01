#pragma once
#include <gradus/examples/gpt/coding.h>
#include <gradus/examples/gpt/options.h>
#include <gradus/framework/core/tensor.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace gradus::examples {

/// Pieces of a text side by side.
struct TokenBatch {
  Tensor inputs;   ///< int64 [B, T]
  Tensor targets;  ///< int64 [B, T]: what follows the inputs; -100 after the end
};

/// A text as ids, which is read in pieces of up to `block_size` of them and what follows each, or
/// in documents: lines, of which each begins after the end of the one before.
class TokenText {
 public:
  /// Throws ValueError for fewer than two ids.
  TokenText(std::vector<std::int64_t> ids, std::int64_t block_size);
  /// `ids` begins and ends with `end`, which follows each document.
  static TokenText of_documents(std::vector<std::int64_t> ids, std::int64_t end);

  const std::vector<std::int64_t>& ids() const { return ids_; }
  /// How many pieces make up the text.
  std::int64_t size() const { return std::ssize(begins_); }
  /// Pieces first, ..., last - 1.
  TokenBatch pieces(std::int64_t first, std::int64_t last) const;
  /// Pieces drawn by default_generator(): from any place, or documents.
  TokenBatch draw(std::int64_t count) const;
  /// The length of the longest piece.
  std::int64_t longest() const { return longest_; }
  /// The text as one number, by which a run that goes on knows it.
  std::uint64_t hash() const;

 private:
  TokenBatch batch(const std::vector<std::int64_t>& begins,
                   const std::vector<std::int64_t>& lengths) const;

  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> begins_, lengths_;  // of the pieces
  std::int64_t longest_ = 0;
  bool documents_ = false;
};

/// What a model learns from, and what it is tried on.
struct GptTexts {
  TextCoding coding;
  TokenText train, valid;
  std::int64_t valid_bytes = 0;  ///< how many bytes the targets of `valid` stand for

  /// The length of the longest piece of both.
  std::int64_t longest() const { return std::max(train.longest(), valid.longest()); }
};

/// The texts that the options name, as the tokens of a tokenizer, of one that is made (--bpe), or
/// else as characters. Throws Error saying what to change if they are too short, and if tokens do
/// not give the text back.
GptTexts load_gpt_texts(const GptOptions& options,
                        const std::optional<TextPieces>& tokenizer = std::nullopt);

/// A mean of -log p over the targets of the held-out text, as bits for each of its bytes.
double bits_per_byte(double loss, const GptTexts& texts);

}  // namespace gradus::examples
