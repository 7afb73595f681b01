#pragma once
#include <gradus/examples/common/text_pieces.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gradus::examples {

/// The characters of a UTF-8 text.
std::vector<std::string> characters_of(std::string_view text);

/// Turns a text into the ids of its characters, and back.
class CharacterCoding {
 public:
  /// The characters that occur in a text, in their order.
  explicit CharacterCoding(std::string_view text);

  std::int64_t size() const { return std::ssize(characters_); }
  /// All characters, the first first.
  std::string characters() const;
  /// Throws Error for a character that the coding does not have.
  std::vector<std::int64_t> ids(std::string_view text) const;
  std::string text(std::span<const std::int64_t> ids) const;

 private:
  std::vector<std::string> characters_;
  std::map<std::string, std::int64_t, std::less<>> ids_;
};

/// Turns a text into the ids of its characters, or of the tokens of a tokenizer, and back.
class TextCoding {
 public:
  TextCoding(CharacterCoding characters) : coding_(std::move(characters)) {}
  TextCoding(TextPieces tokens) : coding_(std::move(tokens)) {}

  std::int64_t size() const;
  /// Throws Error for a character that the coding does not have.
  std::vector<std::int64_t> ids(std::string_view text) const;
  std::string text(std::span<const std::int64_t> ids) const;
  /// What an id stands for: "characters" or "tokens".
  const char* unit() const { return characters() != nullptr ? "characters" : "tokens"; }

  const CharacterCoding* characters() const { return std::get_if<CharacterCoding>(&coding_); }
  const TextPieces* tokens() const { return std::get_if<TextPieces>(&coding_); }

 private:
  std::variant<CharacterCoding, TextPieces> coding_;
};

/// The text of ids that come one by one: what is new and complete.
class TextStream {
 public:
  explicit TextStream(const TextCoding& coding);
  std::string step(std::int64_t id);
  /// What step() has held back.
  std::string finish();

 private:
  const TextCoding& coding_;
  std::optional<DecodeStream> tokens_;
};

}  // namespace gradus::examples
