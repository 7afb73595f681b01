#pragma once
#include <cstdint>

namespace gradus {

/// What a reader does about lines that it cannot read. `refuse`: throws one FormatError that lists
/// each kind of fault, how often it occurs and the first line that has it. `skip`: leaves such
/// lines out, and warns with the same list.
enum class BadLines : std::uint8_t { refuse, skip };

}  // namespace gradus
