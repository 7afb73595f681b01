#pragma once
#include <gradus/framework/base/export.h>

#include <functional>

namespace gradus {

/// A clock: seconds since a moment of its own. What measures time takes one, so that tests need not
/// wait.
using Clock = std::function<double()>;

/// Seconds of a clock that never jumps, for durations.
GRADUS_API double steady_seconds();
/// Seconds since 1970, for dates.
GRADUS_API double unix_seconds();

}  // namespace gradus
