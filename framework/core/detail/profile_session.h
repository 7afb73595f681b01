#pragma once
// What a profiler records. The hooks of core/profile.h write it; a Profiler creates and reads it.
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gradus::detail {

enum class ProfileKind : std::uint8_t { forward, backward, scope };

/// One op, backward of an op, or scope.
struct ProfileEvent {
  std::uint32_t name;
  std::uint32_t thread;
  std::int64_t start, duration;  // in ns
  std::int64_t bytes;            // allocated by it
  std::int64_t live;             // of all tensors, at its end
  ProfileKind kind;
};

/// The totals of all calls of one op, or of one scope.
struct ProfileSums {
  std::string name;
  bool is_scope = false;
  std::int64_t calls = 0, backward_calls = 0, forward = 0, backward = 0;
  std::int64_t allocated = 0, live = 0, peak = 0;
};

/// The recording of one Profiler, guarded by profile_mutex.
class ProfileSession {
 public:
  /// The call that a thread is in the middle of.
  struct Thread {
    std::uint64_t session = 0;
    std::uint32_t number = 0;
    std::uint64_t call = 0;  // of the allocations since the last event; 0 for none
    std::int64_t start = 0;  // when this call began
    std::int64_t bytes = 0;  // that it allocated
    bool in_backward = false;

    void forget_call() { call = 0, start = 0, bytes = 0; }
  };

  explicit ProfileSession(std::int64_t most_events);

  /// Nanoseconds on a clock that never goes back.
  static std::int64_t now();
  /// A new call number, not used before by any session.
  static std::uint64_t next_call();

  std::uint32_t index_of(std::string_view name, bool is_scope);
  /// The state of this thread, reset for each session.
  Thread& thread();
  void add_live(std::uint32_t name, std::int64_t bytes);
  /// Updates the peak; call it when a call has allocated memory.
  void note_peak(std::uint64_t call, std::int64_t call_bytes);
  /// Ends the call that this thread is in the middle of, and says what it was.
  void end_call(Thread& thread, std::uint32_t name, ProfileKind kind, std::int64_t start,
                std::int64_t end);

  /// The live memory of one call of an op.
  struct Held {
    std::uint32_t name = 0;
    std::int64_t bytes = 0;
  };

  std::int64_t max_events;
  std::uint64_t number;
  std::uint64_t first_call;  // higher numbers belong to this session
  std::int64_t begin;
  std::uint32_t threads = 0;
  std::vector<ProfileSums> sums;
  std::map<std::pair<std::string, bool>, std::uint32_t> names;
  std::unordered_map<std::uint64_t, Held> held;
  std::int64_t live = 0, peak = 0;
  std::uint64_t peak_call = 0;  // the call that was running at the peak, and its memory then
  std::int64_t peak_call_bytes = 0;
  std::vector<ProfileEvent> events;
  std::int64_t dropped = 0;
};

extern std::mutex profile_mutex;        ///< guards active_session and all sessions
extern ProfileSession* active_session;  ///< nullptr: nothing records

}  // namespace gradus::detail
