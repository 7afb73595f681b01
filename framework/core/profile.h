#pragma once
// What the engine and programs tell a profiler. Each of these is one relaxed load while none lives.
#include <gradus/framework/base/export.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace gradus {
namespace detail {

GRADUS_API extern std::atomic<bool> profiler_on;
inline bool profiling() { return profiler_on.load(std::memory_order_relaxed); }

GRADUS_API void profile_op(const char* name, std::int64_t only_bytes);

/// The end of an op: it ran since this thread first took memory for a tensor after what ended
/// before. record() calls it; ops without a derivative call it themselves. Ignored inside backward.
inline void note_op(const char* name) {
  if (profiling()) profile_op(name, -1);
}

/// The end of a function that fills a new tensor of so many bytes. Ignored inside of an op that has
/// taken other memory.
inline void note_creation(const char* name, std::int64_t bytes) {
  if (profiling()) profile_op(name, bytes);
}

/// An op begins that takes no memory.
void profile_begin_op();

/// This thread has taken memory for a tensor. Returns a number for profile_release().
std::uint64_t profile_allocate(std::int64_t bytes);
void profile_release(std::uint64_t call, std::int64_t bytes) noexcept;

/// The backward of one op, while it lives.
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

/// A part of a program with a name, for a Profiler: `const ProfilerScope scope("load a batch");`.
/// Costs one read of a flag without one. The name has to stay valid while the scope lives.
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
