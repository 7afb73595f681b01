#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What a file contains, as error messages show it.
namespace gradus::detail {

/// Text as a terminal can show it: control characters, invisible blanks and marks, and bytes that
/// are not UTF-8 become \xNN. Truncated to about `limit` characters, with "..." at the end.
GRADUS_API std::string printable(std::string_view text, std::size_t limit = 60);
/// Names in full, separated by commas.
GRADUS_API std::string printable_names(const std::vector<std::string>& names);

/// ": it looks like a gzip file: unpack it first", judging by the first bytes of a file (64 are
/// enough), or an empty string.
GRADUS_API std::string looks_like(std::string_view head);

/// ": it looks like word vectors: load_word_vectors() reads them" if the first 64 bytes of a file
/// are those of such a text (or of word2vec's binary form), or an empty string.
GRADUS_API std::string looks_like_vectors(std::string_view head);

/// True if all of the text is UTF-8.
GRADUS_API bool is_utf8(std::string_view text);

}  // namespace gradus::detail
