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
  /// Most events that are kept for the trace; later ones are only counted in the sums.
  std::int64_t max_events = 1'000'000;
};

/// What a Profiler knows about all calls of one op, or of one ProfilerScope.
struct ProfileEntry {
  std::string name;
  std::int64_t calls = 0;           ///< forward
  std::int64_t backward_calls = 0;  ///< 0 for a scope
  double forward_ms = 0;            ///< for a scope, the time it was alive
  double backward_ms = 0;
  std::int64_t allocated_bytes = 0;  ///< tensors that it made, forward and backward
  std::int64_t peak_bytes = 0;       ///< how many of these were alive at the overall peak

  double total_ms() const { return forward_ms + backward_ms; }
};

/// While one is alive, the ops of all threads are timed:
///
///   Profiler profiler;
///   train();
///   std::cout << profiler.str();
///   profiler.save_trace("trace.json");  // for chrome://tracing or ui.perfetto.dev
///
/// What is measured, in wall-clock time:
/// - Forward: from the first tensor that the thread allocates after the previous measurement to the
///   end of the op. What your program does between ops belongs to no op; nor do the checks of an
///   op's arguments. An op that allocates nothing, such as reshape, counts as a call that takes no
///   time.
/// - Backward: the whole backward of the op, including the addition to what was gathered before.
/// - Memory: of tensors made while the profiler is alive, without what kernels use internally and
///   without the nodes of the graph. Memory that an op allocated belongs to that op until it is
///   freed, wherever that happens.
/// - Scopes: `backward`, the steps of optimizers (`Adam`), and your own (ProfilerScope). Their
///   times include those of the ops in them.
///
/// Without a profiler, each op costs one read of a flag. Only one profiler records at a time.
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
  /// The most bytes that tensors made since the start occupied at one time.
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
