#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/aligned_text.h>
#include <gradus/framework/text/detail/chars_map.h>
#include <gradus/framework/text/detail/sentencepiece_normalizer.h>
#include <gradus/framework/text/detail/text_pattern.h>
#include <gradus/framework/text/unicode.h>

#include <optional>
#include <string>
#include <variant>

/// The normalizers of Hugging Face's tokenizers, by their names and options there.
namespace gradus::detail {

struct BertNormalizer {
  bool clean_text = true, handle_chinese_chars = true;
  std::optional<bool> strip_accents{};  ///< as `lowercase`, if there is none
  bool lowercase = true;
};
struct Lowercase {};
struct StripAccents {};
struct Strip {
  bool left = true, right = true;
};
struct Replace {
  TextPattern pattern;
  std::string content;
};
struct Prepend {
  std::string prepend;
};
struct Precompiled {
  std::string base64;  ///< of the table
  CharsMap map;
};

using Normalizer = std::variant<NormalForm, BertNormalizer, Lowercase, StripAccents, Strip, Replace,
                                Prepend, Precompiled, SentencePieceNormalizer>;

GRADUS_API void normalize(AlignedText& text, NormalForm form);
GRADUS_API void normalize(AlignedText& text, const BertNormalizer& options);
void normalize(AlignedText& text, const Lowercase&);
void normalize(AlignedText& text, const StripAccents&);
void normalize(AlignedText& text, const Strip& options);
void normalize(AlignedText& text, const Replace& options);
void normalize(AlignedText& text, const Prepend& options);
/// Characters are looked up as Hugging Face's library does it, not as SentencePiece: a cluster of
/// fewer than six bytes becomes what its shortest beginning in the table does.
void normalize(AlignedText& text, const Precompiled& options);

}  // namespace gradus::detail
