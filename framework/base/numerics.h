#pragma once
#include <gradus/framework/base/export.h>

namespace gradus {

/// Makes this thread count denormal numbers (below 1.2e-38 in float, 2.2e-308 in double) as zero,
/// in what it reads and writes, or keep them, which is the default. Arithmetic on them is many
/// times slower on most processors. The parallel loops that this thread starts use its mode in
/// every worker, and leave no mode behind; other threads keep theirs. Returns false, and changes
/// nothing, where the processor cannot.
GRADUS_API bool set_flush_denormal(bool flush);

/// True if this thread counts denormal numbers as zero.
GRADUS_API bool flush_denormal();

/// Flushes denormals while it lives, and restores what was set before.
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
