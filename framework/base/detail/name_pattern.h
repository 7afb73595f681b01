#pragma once
#include <gradus/framework/base/export.h>

#include <optional>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// The wildcards of a pattern of names: `*` stands for any characters, `?` for one.
inline constexpr std::string_view wildcards = "*?";

/// What the wildcards of a pattern stand for in a name, in order, or nothing if the pattern does
/// not match the whole name. Each `*` is as short as those before it let it be.
GRADUS_API std::optional<std::vector<std::string_view>> match_name(std::string_view name,
                                                                   std::string_view pattern);

}  // namespace gradus::detail
