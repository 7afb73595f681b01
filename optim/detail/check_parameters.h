#pragma once
#include <gradus/framework/module/module.h>

#include <vector>

namespace gradus::detail {

/// Throws ValueError for a parameter or path that is listed twice, DTypeError for one that is not a
/// float tensor, AutogradError for one that an op made.
void check_parameters(const char* optimizer, const std::vector<NamedParameter>& parameters);

}  // namespace gradus::detail
