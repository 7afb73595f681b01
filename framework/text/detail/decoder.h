#pragma once
#include <gradus/framework/text/detail/pre_tokenizer.h>
#include <gradus/framework/text/detail/text_pattern.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// The decoders of Hugging Face's tokenizers: each changes the texts of tokens, which are put
/// together at the end. Bytes that are not UTF-8 stay as they are.
namespace gradus::detail {

struct ByteLevelDecoder {};
struct WordPieceDecoder {
  std::string prefix = "##";
  bool cleanup = true;
};
struct MetaspaceDecoder {
  std::string replacement = "\xE2\x96\x81";
  Metaspace::Prepend prepend_scheme = Metaspace::Prepend::always;
};
struct BpeDecoder {
  std::string suffix = "</w>";
};
struct ByteFallback {};
struct Fuse {};
struct StripDecoder {
  std::string content;
  std::int64_t start = 0, stop = 0;
};
struct ReplaceDecoder {
  TextPattern pattern;
  std::string content;
};

/// SentencePiece's own, of pieces without control symbols.
struct SentencePieceDecoder {
  bool strip_blank = true;   ///< the first piece loses the blank that it begins with
  bool strip_blanks = true;  ///< and so do others, until there is some text
  bool byte_fallback = false;
  std::string unknown_piece, unknown_surface;  ///< and what is written for it
};

using Decoder =
    std::variant<ByteLevelDecoder, WordPieceDecoder, MetaspaceDecoder, BpeDecoder, ByteFallback,
                 Fuse, StripDecoder, ReplaceDecoder, SentencePieceDecoder>;

void decode(std::vector<std::string>& tokens, const ByteLevelDecoder&);
void decode(std::vector<std::string>& tokens, const WordPieceDecoder& options);
void decode(std::vector<std::string>& tokens, const MetaspaceDecoder& options);
void decode(std::vector<std::string>& tokens, const BpeDecoder& options);
void decode(std::vector<std::string>& tokens, const ByteFallback&);
void decode(std::vector<std::string>& tokens, const Fuse&);
void decode(std::vector<std::string>& tokens, const StripDecoder& options);
void decode(std::vector<std::string>& tokens, const ReplaceDecoder& options);
void decode(std::vector<std::string>& tokens, const SentencePieceDecoder& options);

}  // namespace gradus::detail
