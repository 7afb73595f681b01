#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Texts are UTF-8. A byte that is not is kept as it is, and counts as a character of its own.
namespace gradus {

/// The normal forms of Unicode. Source: UAX 15.
enum class NormalForm : std::uint8_t {
  nfc,   ///< composed
  nfd,   ///< decomposed
  nfkc,  ///< composed, characters of compatibility replaced
  nfkd,  ///< decomposed, characters of compatibility replaced
};

/// The text in a normal form: "e" and an accent become one character (nfc), or one becomes both.
GRADUS_API std::string unicode_normalize(std::string_view text, NormalForm form = NormalForm::nfc);

/// The text in lower case, whatever the locale. A character may become several.
GRADUS_API std::string lowercase(std::string_view text);

/// The text with differences of case removed, for comparing: "Straße" and "STRASSE" become the
/// same. Source: Unicode's full case folding (CaseFolding.txt, C and F).
GRADUS_API std::string case_fold(std::string_view text);

/// The text without accents: decomposed, and without nonspacing marks.
GRADUS_API std::string strip_accents(std::string_view text);

/// The characters (code points) of a text.
GRADUS_API std::vector<std::string> code_points(std::string_view text);

/// What people take for the characters of a text: letters with their accents, emojis of several
/// code points. Source: UAX 29, extended grapheme clusters.
GRADUS_API std::vector<std::string> grapheme_clusters(std::string_view text);

}  // namespace gradus
