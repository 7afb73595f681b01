#pragma once
#include <gradus/framework/module/module.h>

#include <vector>

namespace gradus {

/// Throws ValueError naming what is not finite first: the loss, or the parameter with a gradient
/// that has NaN or an infinity, its row or element and value. Frozen parameters are left out.
GRADUS_API void check_finite(const Tensor& loss, const std::vector<NamedParameter>& parameters);

}  // namespace gradus
