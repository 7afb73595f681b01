#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>

namespace gradus::detail {

/// A number for the name of a file, which no other call gives, in any program. It has nothing to do
/// with manual_seed().
GRADUS_API std::uint32_t file_token();

}  // namespace gradus::detail
