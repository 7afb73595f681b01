#pragma once
#include <gradus/framework/base/export.h>

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// The words and punctuation marks of a UTF-8 text, in order. A word is a run of ASCII letters,
/// digits and characters beyond ASCII, symbols included. An apostrophe or a hyphen between two of
/// them belongs to it ("don't", "Beth-el"), and so do the marks that other scripts write inside of
/// words. ASCII letters become lower case, whatever the locale. Every other visible character is a
/// token of its own, the punctuation of all scripts included. White space and control characters
/// only separate. What is invisible without separating (soft hyphens, word joiners, marks of
/// direction, the byte order mark) is left out; zero-width joiners and variation selectors stay
/// with the word that they follow. Bytes that are not UTF-8 read as U+FFFD, a part of a word, so
/// that every token is valid UTF-8.
GRADUS_API std::vector<std::string> tokenize(std::string_view text);

}  // namespace gradus
