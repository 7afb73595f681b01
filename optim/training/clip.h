#pragma once
#include <gradus/framework/module/module.h>

#include <vector>

namespace gradus {

struct ClipOptions {
  double norm_type = 2;             ///< order p of the norm, in (0, inf]
  bool error_if_nonfinite = false;  ///< throw if the norm is NaN or infinite
};

/// Scales all gradients by max_norm / (norm + 1e-6) if that is below 1, and returns the norm: that
/// of all gradients taken as one vector, accumulated in double. A sparse gradient is replaced by
/// its coalesced form. Parameters that are frozen or have no gradient are left out.
/// If the norm is NaN or infinite, gradients are unchanged.
/// Throws ValueError if max_norm is negative or NaN or norm_type is not above 0, and, with
/// error_if_nonfinite, naming the parameter whose gradient is not finite.
GRADUS_API double clip_grad_norm(const std::vector<NamedParameter>& parameters, double max_norm,
                                 const ClipOptions& options = {});

/// Clamps each element of every gradient to [-limit, limit]; NaN stays NaN. A sparse gradient is
/// replaced by its coalesced form. Parameters that are frozen are left out.
/// Throws ValueError if limit is negative or NaN.
GRADUS_API void clip_grad_value(const std::vector<NamedParameter>& parameters, double limit);

}  // namespace gradus
