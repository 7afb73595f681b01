#pragma once
#include <gradus/framework/module/state_dict.h>
#include <gradus/framework/text/tokenizer.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {

/// Cuts texts into the pieces of a tokenizer: without special tokens, and whatever their length.
class TextPieces {
 public:
  explicit TextPieces(Tokenizer tokenizer);
  /// Reads what --tokenizer names: a tokenizer.json, BERT's vocab.txt, or one of GPT-2's two files,
  /// the other one being beside it. A vocab.txt without capital letters is one of small letters.
  /// Throws Error saying what to change.
  static TextPieces load(const std::string& path);

  std::vector<std::int64_t> ids(std::string_view text) const;
  std::vector<std::string> of_text(std::string_view text) const;
  /// The pieces of a word by itself. If pieces have the blanks before them, as GPT-2's, one goes
  /// before the word, as within a text. A word of characters that the tokenizer removes has none.
  std::vector<std::string> of_word(const std::string& word) const;

  const Tokenizer& tokenizer() const { return tokenizer_; }
  /// The tokenizer as one number, by which a run that goes on knows it.
  std::uint64_t hash() const;

  /// Keeps a tokenizer, if there is one, in what a model is saved as.
  static void save(const std::optional<TextPieces>& pieces, StateDict& state);
  /// What save() kept. Throws FormatError naming the file of the model for one that is broken.
  static std::optional<TextPieces> saved_in(const StateDict& state, const std::string& path);

 private:
  Tokenizer tokenizer_;
  bool has_blanks_;  // in its pieces
};

/// Keeps the tokenizer of a run that begins in its folder.
void keep_tokenizer(const std::string& folder, const TextPieces& pieces);
/// The tokenizer of a run that goes on. Throws Error if it is not the one that the checkpoint has
/// the hash of, as "tokenizer".
TextPieces kept_tokenizer(const std::string& folder);

}  // namespace gradus::examples
