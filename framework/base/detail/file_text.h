#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What a file holds, for an error message.
namespace gradus::detail {

/// Text as a terminal can show it: control characters, blanks and marks that cannot be seen, and
/// bytes that are not UTF-8 become \xNN. Cut to about `limit` characters, with "..." at its end.
GRADUS_API std::string printable(std::string_view text, std::size_t limit = 60);
/// Names, whole, with commas between them.
GRADUS_API std::string printable_names(const std::vector<std::string>& names);

/// ": it looks like a gzip file: unpack it first", by the first bytes of a file (64 are enough), or
/// nothing.
GRADUS_API std::string looks_like(std::string_view head);

/// True if all of the text is UTF-8.
GRADUS_API bool is_utf8(std::string_view text);

}  // namespace gradus::detail
