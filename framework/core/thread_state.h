#pragma once
#include <gradus/framework/base/export.h>

#include <utility>

namespace gradus {

/// The modes that gradus keeps per thread, captured from the thread that constructs it: whether ops
/// are recorded (NoGradGuard) and whether denormals are flushed (FlushDenormalGuard).
class GRADUS_API ThreadState {
 public:
  ThreadState();

 private:
  friend class ThreadStateGuard;
  bool recording_;
  bool flush_denormal_;
};

/// Gives this thread the captured modes while it is alive, then restores the previous ones. For
/// thread pools: capture a ThreadState where work is submitted, make a guard where it runs.
class GRADUS_API ThreadStateGuard {
 public:
  explicit ThreadStateGuard(const ThreadState& state);
  ~ThreadStateGuard();
  ThreadStateGuard(const ThreadStateGuard&) = delete;
  ThreadStateGuard& operator=(const ThreadStateGuard&) = delete;

 private:
  static void set(const ThreadState& state);

  ThreadState before_;
};

/// Wraps `f` to run on another thread with the modes of this one: without it, a thread that is
/// started under a NoGradGuard records.
///
///   const NoGradGuard no_grad;
///   std::thread worker(with_thread_state([&] { evaluate(model, batches); }));
template <class F>
auto with_thread_state(F f) {
  return [state = ThreadState(), f = std::move(f)](auto&&... arguments) mutable -> decltype(auto) {
    const ThreadStateGuard guard(state);
    return f(std::forward<decltype(arguments)>(arguments)...);
  };
}

}  // namespace gradus
