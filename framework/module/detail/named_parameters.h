#pragma once
#include <gradus/framework/module/module.h>

#include <vector>

namespace gradus::detail {

/// Throws Error, naming the operation and the path, if a parameter is undefined.
GRADUS_API void check_defined(const char* operation, const std::vector<NamedParameter>& parameters);

}  // namespace gradus::detail
