#pragma once
// What the engine and programs report to a profiler. Each call costs one relaxed load while there
// is no profiler.
#include <gradus/framework/base/export.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace gradus {
namespace detail {

GRADUS_API extern std::atomic<bool> profiler_on;
inline bool profiling() { return profiler_on.load(std::memory_order_relaxed); }

GRADUS_API void profile_op(const char* name, std::int64_t only_bytes);

/// Reports the end of an op, which began when this thread first allocated a tensor after the last
/// end reported. record() calls this; ops without a derivative call it themselves. Ignored inside
/// backward.
inline void note_op(const char* name) {
  if (profiling()) profile_op(name, -1);
}

/// Reports the end of a function that fills a new tensor of `bytes` bytes. Ignored inside an op
/// that has allocated other memory.
inline void note_creation(const char* name, std::int64_t bytes) {
  if (profiling()) profile_op(name, bytes);
}

/// Reports the beginning of an op that allocates nothing.
void profile_begin_op();

/// Reports that this thread has allocated a tensor. Returns the number to pass to
/// profile_release().
std::uint64_t profile_allocate(std::int64_t bytes);
void profile_release(std::uint64_t call, std::int64_t bytes) noexcept;

/// Reports the backward of one op, from its construction to its destruction.
class ProfiledBackward {
 public:
  explicit ProfiledBackward(const char* name) : name_(profiling() ? name : nullptr) {
    if (name_ != nullptr) begin();
  }
  ~ProfiledBackward() {
    if (name_ != nullptr) end();
  }
  ProfiledBackward(const ProfiledBackward&) = delete;
  ProfiledBackward& operator=(const ProfiledBackward&) = delete;

 private:
  void begin();
  void end() noexcept;

  const char* name_;
  std::int64_t start_ = 0;
};

}  // namespace detail

/// A named part of a program, for a Profiler: `const ProfilerScope scope("load a batch");`. Costs
/// one read of a flag if there is no Profiler. The name must stay valid while the scope is alive.
class GRADUS_API ProfilerScope {
 public:
  explicit ProfilerScope(std::string_view name) : name_(name), on_(detail::profiling()) {
    if (on_) begin();
  }
  ~ProfilerScope() {
    if (on_) end();
  }
  ProfilerScope(const ProfilerScope&) = delete;
  ProfilerScope& operator=(const ProfilerScope&) = delete;

 private:
  void begin();
  void end() noexcept;

  std::string_view name_;
  bool on_;
  std::int64_t start_ = 0;
};

}  // namespace gradus
