#pragma once
#include <gradus/framework/module/module.h>

namespace gradus::detail {

/// Throws ValueError, naming the operation and the parameter, if its gradient is mapped from a file
/// and therefore cannot be changed in place.
void require_writable_gradient(const char* operation, const NamedParameter& target);

}  // namespace gradus::detail
