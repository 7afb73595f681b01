#pragma once
#include <gradus/framework/module/module.h>

#include <vector>

namespace gradus {

/// Throws ValueError naming the first thing that is not finite: the loss, or the parameter whose
/// gradient has NaN or an infinity, with its row or element and value. Frozen parameters are left
/// out.
GRADUS_API void check_finite(const Tensor& loss, const std::vector<NamedParameter>& parameters);

}  // namespace gradus
