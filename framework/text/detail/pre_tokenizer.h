#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/aligned_text.h>
#include <gradus/framework/text/detail/text_pattern.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// The pre-tokenizers of Hugging Face's tokenizers, by their names and options there, and some that
/// are Split there (CodePoints, GraphemeClusters) or missing (TokenizeWords).
namespace gradus::detail {

/// A text, and the words of it that tokens do not cross.
struct Words {
  AlignedText text;
  std::vector<Span> spans;
};

/// What becomes of the matches that a text is split at.
enum class SplitBehavior : std::uint8_t {
  removed,
  isolated,
  merged_with_previous,
  merged_with_next,
  contiguous,  ///< isolated, neighbours together
};

struct ByteLevel {
  bool add_prefix_space = true;
  bool trim_offsets = true;  ///< for the post-processor of the same name
  bool use_regex = true;     ///< splits as GPT-2 does
};
struct Metaspace {
  enum class Prepend : std::uint8_t { first, never, always };
  std::string replacement = "\xE2\x96\x81";  ///< U+2581
  Prepend prepend_scheme = Prepend::always;
  bool split = true;
};
struct Split {
  TextPattern pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;
};
struct BertPreTokenizer {};
struct Whitespace {};  ///< runs of word characters, and of others that are not white space
struct WhitespaceSplit {};
struct Punctuation {
  SplitBehavior behavior = SplitBehavior::isolated;
};
struct Digits {
  bool individual_digits = false;
};
struct CodePoints {};
struct GraphemeClusters {};
struct TokenizeWords {  ///< what tokenize() finds
  bool lowercase = true;
};

using PreTokenizer =
    std::variant<ByteLevel, Metaspace, Split, BertPreTokenizer, Whitespace, WhitespaceSplit,
                 Punctuation, Digits, CodePoints, GraphemeClusters, TokenizeWords>;

/// Splits each word further. `is_start` is true for the words at the beginning of a text.
void pre_tokenize(Words& words, const Metaspace& options, bool is_start);
void pre_tokenize(Words& words, const Split& options);
void pre_tokenize(Words& words, const BertPreTokenizer&);
void pre_tokenize(Words& words, const Whitespace&);
void pre_tokenize(Words& words, const WhitespaceSplit&);
void pre_tokenize(Words& words, const Punctuation& options);
void pre_tokenize(Words& words, const Digits& options);
void pre_tokenize(Words& words, const CodePoints&);
void pre_tokenize(Words& words, const GraphemeClusters&);
void pre_tokenize(Words& words, const TokenizeWords& options);
/// With `keep_bytes`, the text is not written in the alphabet of bytes: for a model that takes
/// bytes, if nothing follows.
void pre_tokenize(Words& words, const ByteLevel& options, bool keep_bytes);

}  // namespace gradus::detail
