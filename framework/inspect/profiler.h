#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/profile.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gradus {

namespace detail {
class ProfileSession;
}

/// How a Profiler records.
struct ProfilerOptions {
  /// Most events that are kept for the trace; those after it are counted in the sums only.
  std::int64_t max_events = 1'000'000;
};

/// What a Profiler knows of all calls of one op, or of one ProfilerScope.
struct ProfileEntry {
  std::string name;
  std::int64_t calls = 0;           ///< forward
  std::int64_t backward_calls = 0;  ///< 0 for a scope
  double forward_ms = 0;            ///< for a scope, the time that it lived
  double backward_ms = 0;
  std::int64_t allocated_bytes = 0;  ///< tensors that it made, forward and backward
  std::int64_t peak_bytes = 0;       ///< how many of them were alive when most bytes were

  double total_ms() const { return forward_ms + backward_ms; }
};

/// While one lives, the ops of all threads are timed:
///
///   Profiler profiler;
///   train();
///   std::cout << profiler.str();
///   profiler.save_trace("trace.json");  // for chrome://tracing or ui.perfetto.dev
///
/// What is measured, by the clock on the wall:
/// - Forward: from the first memory for a tensor that the thread takes after what was measured
///   before, to the end of the op. What your program does between ops is in no op; the checks of an
///   op's arguments are not either. An op that takes no memory, such as reshape, counts as a call
///   of no time.
/// - Backward: the whole backward of the op, the addition to what was gathered before included.
/// - Memory: of tensors that were made while the profiler lived, without what kernels use for
///   themselves and without the nodes of the graph. Memory that an op took is the op's until it is
///   freed, wherever that is.
/// - Scopes: `backward`, the steps of optimizers (`Adam`), and your own (ProfilerScope). Their
///   times contain those of the ops in them.
///
/// Without a profiler each op pays for one read of a flag. One profiler lives at a time.
class GRADUS_API Profiler {
 public:
  /// Throws ValueError while another one records, and for a negative option.
  explicit Profiler(const ProfilerOptions& options = {});
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  /// Ends the recording; what was recorded stays. The destructor does the same.
  void stop();

  /// The ops, those that took the most time first.
  std::vector<ProfileEntry> ops() const;
  /// The scopes, in the same order.
  std::vector<ProfileEntry> scopes() const;
  /// Bytes of the tensors made since the start when they were most.
  std::int64_t peak_bytes() const;

  /// A table of the ops and one of the scopes.
  std::string str() const;
  /// All events in the format of Chrome's trace viewer.
  std::string trace() const;
  /// Writes trace(). Throws Error if the file cannot be written.
  void save_trace(const std::string& path) const;

 private:
  std::shared_ptr<detail::ProfileSession> session_;
};

}  // namespace gradus
