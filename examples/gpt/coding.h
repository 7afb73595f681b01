#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
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

}  // namespace gradus::examples
