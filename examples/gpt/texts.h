#pragma once
#include <gradus/examples/gpt/coding.h>
#include <gradus/examples/gpt/options.h>
#include <gradus/framework/core/tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace gradus::examples {

/// Pieces of a text side by side.
struct CharacterBatch {
  Tensor inputs;   ///< int64 [B, T]
  Tensor targets;  ///< int64 [B, T]: the characters that follow the inputs; -100 after the end
};

/// A text that is read in pieces of up to `block_size` characters and what follows each, or in
/// documents: lines, of which each begins after the end of the one before.
class CharacterText {
 public:
  /// Throws ValueError for fewer than two ids.
  CharacterText(std::vector<std::int64_t> ids, std::int64_t block_size);
  /// `ids` begins and ends with `end`, which follows each document.
  static CharacterText of_documents(std::vector<std::int64_t> ids, std::int64_t end);

  const std::vector<std::int64_t>& ids() const { return ids_; }
  /// How many pieces make up the text.
  std::int64_t size() const { return std::ssize(begins_); }
  /// Pieces first, ..., last - 1.
  CharacterBatch pieces(std::int64_t first, std::int64_t last) const;
  /// Pieces drawn by default_generator(): from any place, or documents.
  CharacterBatch draw(std::int64_t count) const;
  /// The length of the longest piece.
  std::int64_t longest() const { return longest_; }
  /// The text as one number, by which a run that goes on knows it.
  std::uint64_t hash() const;

 private:
  CharacterBatch batch(const std::vector<std::int64_t>& begins,
                       const std::vector<std::int64_t>& lengths) const;

  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> begins_, lengths_;  // of the pieces
  std::int64_t longest_ = 0;
  bool documents_ = false;
};

/// What a model learns from, and what it is tried on.
struct CharacterTexts {
  CharacterCoding coding;
  CharacterText train, valid;

  /// The length of the longest piece of both.
  std::int64_t longest() const { return std::max(train.longest(), valid.longest()); }
};

/// The texts that the options name. Throws Error saying what to change if they are too short.
CharacterTexts load_character_texts(const GptOptions& options);

}  // namespace gradus::examples
