#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/aligned_text.h>
#include <gradus/framework/text/detail/byte_trie.h>
#include <gradus/framework/text/detail/chars_map.h>

#include <memory>
#include <optional>
#include <string_view>

namespace gradus::detail {

/// U+2581, which stands for a blank in pieces.
inline constexpr std::string_view space_symbol = "\xE2\x96\x81";

/// What SentencePiece does to a text before it is split into pieces: the table's replacements (of
/// several at one place the longest beginning), and blanks. Bytes that are not UTF-8 become U+FFFD.
/// Source: google/sentencepiece, normalizer.cc.
struct SentencePieceNormalizer {
  std::optional<CharsMap> map;
  std::shared_ptr<const ByteTrie> symbols;  ///< that are kept as they are
  bool add_dummy_prefix = true;             ///< a blank before the text
  bool remove_extra_whitespaces = true;     ///< those around the text, and all but one of several
  bool escape_whitespaces = true;           ///< U+2581 for a blank
  bool whitespace_as_suffix = false;        ///< the blank of add_dummy_prefix follows the text
};

GRADUS_API void normalize(AlignedText& text, const SentencePieceNormalizer& rules);

}  // namespace gradus::detail
