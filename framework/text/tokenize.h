#pragma once
#include <gradus/framework/base/export.h>

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct TokenizeOptions {
  bool lowercase = true;  ///< ASCII letters become lower case
};

/// The words and punctuation marks of a UTF-8 text, in order. A word is a run of ASCII letters,
/// digits and characters beyond ASCII, including symbols. An apostrophe or a hyphen between two of
/// them belongs to it ("don't", "Beth-el"), and so do the marks that other scripts write inside
/// words. ASCII letters become lower case, whatever the locale, unless told otherwise. Every other
/// visible character is a token of its own, including the punctuation of all scripts. White space
/// and control characters only separate tokens. Invisible characters that do not separate (soft
/// hyphens, word joiners, direction marks, the byte order mark) are left out; zero-width joiners
/// and variation selectors stay with the word they follow. Bytes that are not UTF-8 are read as
/// U+FFFD, which is part of a word, so that every token is valid UTF-8.
GRADUS_API std::vector<std::string> tokenize(std::string_view text,
                                             const TokenizeOptions& options = {});

/// What is between the white space of ASCII, as it is: for texts that are tokenized already, which
/// fastText's command line reads.
GRADUS_API std::vector<std::string> split_words(std::string_view text);

}  // namespace gradus
