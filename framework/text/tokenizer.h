#pragma once
#include <gradus/framework/export.h>

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// The words and punctuation marks of a UTF-8 text, in order. A word is a run of ASCII letters,
/// digits and characters beyond ASCII; an apostrophe or a hyphen between two of them belongs to it
/// ("don't", "Beth-el"). ASCII letters become lower case, whatever the locale. Every other visible
/// character is a token of its own; white space, control characters and their Unicode counterparts
/// (no-break space, line separator, byte order mark) only separate. Bytes that are not UTF-8 read
/// as U+FFFD, a part of a word, so that every token is valid UTF-8.
GRADUS_API std::vector<std::string> tokenize(std::string_view text);

}  // namespace gradus
