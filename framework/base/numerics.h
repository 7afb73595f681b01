#pragma once
#include <gradus/framework/base/export.h>

namespace gradus {

/// Makes this thread treat denormal numbers (below 1.2e-38 in float, 2.2e-308 in double) as zero,
/// both as operands and as results, or keep them, which is the default. Arithmetic on denormals is
/// many times slower on most processors. Parallel loops that this thread starts use its mode in
/// every worker and restore the worker's own afterwards; other threads keep theirs. Returns false,
/// and changes nothing, if the processor has no such mode.
GRADUS_API bool set_flush_denormal(bool flush);

/// True if this thread treats denormal numbers as zero.
GRADUS_API bool flush_denormal();

/// Flushes denormals while it is alive, then restores the previous mode.
class FlushDenormalGuard {
 public:
  FlushDenormalGuard() : before_(flush_denormal()) { set_flush_denormal(true); }
  ~FlushDenormalGuard() { set_flush_denormal(before_); }
  FlushDenormalGuard(const FlushDenormalGuard&) = delete;
  FlushDenormalGuard& operator=(const FlushDenormalGuard&) = delete;

 private:
  bool before_;
};

}  // namespace gradus
