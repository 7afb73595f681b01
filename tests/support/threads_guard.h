#pragma once
#include <gradus/framework/base/parallel.h>

#include <cstdint>

namespace gradus {

/// Restores the number of threads and the grain.
class ThreadsGuard {
 public:
  ThreadsGuard() = default;
  ~ThreadsGuard() {
    set_num_threads(threads_);
    set_parallel_grain(grain_);
  }
  ThreadsGuard(const ThreadsGuard&) = delete;
  ThreadsGuard& operator=(const ThreadsGuard&) = delete;

 private:
  int threads_ = num_threads();
  std::int64_t grain_ = detail::parallel_grain;
};

/// One thread for the scope, for tests of peak memory: each further one has scratch of its own.
class OneThread {
 public:
  OneThread() { set_num_threads(1); }

 private:
  ThreadsGuard guard_;
};

}  // namespace gradus
