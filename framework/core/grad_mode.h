#pragma once
#include <gradus/framework/base/export.h>

namespace gradus {

/// True unless this thread is inside a NoGradGuard scope or a backward pass.
GRADUS_API bool grad_enabled();

/// While one is alive, this thread records nothing. The mode is per thread: a new thread records.
class GRADUS_API NoGradGuard {
 public:
  NoGradGuard();
  ~NoGradGuard();
  NoGradGuard(const NoGradGuard&) = delete;
  NoGradGuard& operator=(const NoGradGuard&) = delete;

 private:
  bool before_;
};

/// While one is alive, every backward pass of the process checks each gradient that it computes and
/// throws an AutogradError naming the op whose backward produced the first NaN or infinity.
class GRADUS_API AnomalyGuard {
 public:
  AnomalyGuard();
  ~AnomalyGuard();
  AnomalyGuard(const AnomalyGuard&) = delete;
  AnomalyGuard& operator=(const AnomalyGuard&) = delete;
};

namespace detail {

/// Sets whether this thread records.
void set_recording(bool recording);

/// True while an AnomalyGuard is alive.
bool anomaly_mode();

}  // namespace detail
}  // namespace gradus
