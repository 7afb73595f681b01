#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <vector>

/// Properties of characters, by utf8proc. A code beyond U+10FFFF has none of them.
namespace gradus::detail {

/// Groups of Unicode's general categories.
enum class Category : std::uint8_t {
  letter,
  nonspacing_mark,
  other_mark,
  number,
  punctuation,
  symbol,
  separator,
  control,
  other,  ///< formats, surrogates, private use
  unassigned,
};

GRADUS_API Category category(std::uint32_t code);
/// \w of regular expressions. Source: UTS 18, annex C.
GRADUS_API bool is_word_character(std::uint32_t code);
/// White_Space of Unicode.
GRADUS_API bool is_white_space(std::uint32_t code);

/// What a character becomes in lower case, one or two characters, whatever stands beside it.
GRADUS_API void append_lowercase(std::uint32_t code, std::string& out);
/// Full case folding.
GRADUS_API void append_case_fold(std::uint32_t code, std::string& out);
GRADUS_API void append_utf8(std::uint32_t code, std::string& out);

/// Appends what a character is made of, canonically or, too, by compatibility.
GRADUS_API void decompose(std::uint32_t code, bool compatibility, std::vector<std::uint32_t>& out);
/// The canonical composition of two characters, or 0.
GRADUS_API std::uint32_t composed(std::uint32_t first, std::uint32_t second);
GRADUS_API int combining_class(std::uint32_t code);

/// Finds where clusters of characters begin that people take for one character (UAX 29).
class GRADUS_API GraphemeBreaks {
 public:
  /// True if a cluster begins with this character, which follows the one of the call before.
  bool operator()(std::uint32_t code);

 private:
  std::int32_t state_ = 0;
  std::uint32_t last_ = 0;
  bool started_ = false;
};

}  // namespace gradus::detail
