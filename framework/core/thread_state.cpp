#include <gradus/framework/base/numerics.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/thread_state.h>

namespace gradus {

ThreadState::ThreadState() : recording_(grad_enabled()), flush_denormal_(flush_denormal()) {}

ThreadStateGuard::ThreadStateGuard(const ThreadState& state) { set(state); }
ThreadStateGuard::~ThreadStateGuard() { set(before_); }

void ThreadStateGuard::set(const ThreadState& state) {
  detail::set_recording(state.recording_);
  set_flush_denormal(state.flush_denormal_);
}

}  // namespace gradus
