#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// SentencePiece's table of characters and what they become: a double-array trie, and the texts.
/// Source: google/sentencepiece, normalizer.cc, and darts-clone's format of units.
class GRADUS_API CharsMap {
 public:
  /// Throws ValueError if it is not base64 or not such a table.
  static CharsMap from_base64(std::string_view text);
  /// Of the bytes of the table.
  static CharsMap from_bytes(std::string_view bytes);

  /// What the shortest beginning of a text that the table has becomes, or nullopt.
  std::optional<std::string_view> shortest(std::string_view text) const;

  /// What a beginning of a text becomes.
  struct Match {
    std::string_view replacement;
    std::size_t length;  ///< of the beginning
  };
  /// The same of the longest beginning that the table has.
  std::optional<Match> longest(std::string_view text) const;

 private:
  template <class F>
  void walk(std::string_view text, F&& found) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;  // each ends in a zero
};

}  // namespace gradus::detail
