#include <gradus/framework/core/detail/profile_session.h>
#include <gradus/framework/core/profile.h>

#include <chrono>

namespace gradus {
namespace detail {

// What a thread is in the middle of.
struct ProfileSession::Thread {
  std::uint64_t session = 0;
  std::uint32_t number = 0;
  std::uint64_t call = 0;  // of the allocations since the last event; 0 for none
  std::int64_t start = 0;  // when this call began
  std::int64_t bytes = 0;  // that it took
  bool in_backward = false;
};

namespace {

thread_local constinit ProfileSession::Thread current{};

constinit std::uint64_t sessions = 0;
constinit std::uint64_t calls = 0;  // numbers given out by all sessions

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void forget_call(ProfileSession::Thread& thread) {
  thread.call = 0, thread.start = 0, thread.bytes = 0;
}

}  // namespace

// Never destroyed: tensors with static lifetime are freed late.
constinit std::mutex profile_mutex;
constinit ProfileSession* active_session = nullptr;

ProfileSession::ProfileSession(std::int64_t most_events)
    : max_events(most_events), number(++sessions), first_call(calls), begin(now()) {
  sums.emplace_back();  // 0: memory that belongs to nothing
  sums[0].name = "(no op)";
}

std::uint32_t ProfileSession::index_of(std::string_view name, bool is_scope) {
  const auto key = std::pair(std::string(name), is_scope);
  const auto [place, is_new] = names.try_emplace(key, static_cast<std::uint32_t>(sums.size()));
  if (is_new) {
    sums.emplace_back();
    sums.back().name = name;
    sums.back().is_scope = is_scope;
  }
  return place->second;
}

ProfileSession::Thread& ProfileSession::thread() {
  if (current.session != number) {
    current = Thread{};
    current.session = number;
    current.number = ++threads;
  }
  return current;
}

void ProfileSession::add_live(std::uint32_t name, std::int64_t bytes) {
  sums[name].live += bytes;
  live += bytes;
}

void ProfileSession::note_peak(std::uint64_t call, std::int64_t call_bytes) {
  if (live <= peak) return;
  peak = live;
  for (ProfileSums& s : sums) s.peak = s.live;
  peak_call = call;
  peak_call_bytes = call_bytes;
}

void ProfileSession::end_call(Thread& thread, std::uint32_t name, ProfileKind kind,
                              std::int64_t start, std::int64_t end) {
  const std::int64_t duration = end - start;
  ProfileSums& s = sums[name];
  s.allocated += thread.bytes;
  (kind == ProfileKind::backward ? s.backward_calls : s.calls) += 1;
  (kind == ProfileKind::backward ? s.backward : s.forward) += duration;
  if (const auto place = held.find(thread.call); place != held.end()) {
    sums[place->second.name].live -= place->second.bytes;
    s.live += place->second.bytes;
    place->second.name = name;
  }
  if (thread.call != 0 && thread.call == peak_call) {
    sums[0].peak -= peak_call_bytes;
    s.peak += peak_call_bytes;
    peak_call = 0;
  }
  if (static_cast<std::int64_t>(events.size()) < max_events) {
    events.push_back({name, thread.number, start, duration, thread.bytes, live, kind});
  } else {
    ++dropped;
  }
  forget_call(thread);
}

std::atomic<bool> profiler_on{false};

void profile_begin_op() {
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr) return;
  ProfileSession::Thread& state = active_session->thread();
  if (state.call != 0 || state.in_backward) return;
  state.call = ++calls;
  state.start = now();
}

std::uint64_t profile_allocate(std::int64_t bytes) {
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr) return 0;
  ProfileSession::Thread& state = active_session->thread();
  if (state.call == 0) {
    state.call = ++calls;
    state.start = now();
  }
  state.bytes += bytes;
  ProfileSession::Held& held = active_session->held[state.call];
  held.bytes += bytes;
  active_session->add_live(held.name, bytes);
  active_session->note_peak(state.call, held.bytes);
  return state.call;
}

void profile_release(std::uint64_t call, std::int64_t bytes) noexcept {
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr || call <= active_session->first_call) return;
  const auto place = active_session->held.find(call);
  if (place == active_session->held.end()) return;
  active_session->add_live(place->second.name, -bytes);
  place->second.bytes -= bytes;
  if (place->second.bytes == 0) active_session->held.erase(place);
}

void profile_op(const char* name, std::int64_t only_bytes) {
  const std::int64_t end = now();
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr) return;
  ProfileSession::Thread& state = active_session->thread();
  if (state.in_backward || (only_bytes >= 0 && state.bytes != only_bytes)) return;
  active_session->end_call(state, active_session->index_of(name, false), ProfileKind::forward,
                           state.call != 0 ? state.start : end, end);
}

void ProfiledBackward::begin() {
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr) return;
  ProfileSession::Thread& state = active_session->thread();
  state.in_backward = true;
  forget_call(state);
  start_ = now();
}

void ProfiledBackward::end() noexcept {
  const std::int64_t end = now();
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr || start_ < active_session->begin) return;
  ProfileSession::Thread& state = active_session->thread();
  active_session->end_call(state, active_session->index_of(name_, false), ProfileKind::backward,
                           start_, end);
  state.in_backward = false;
}

}  // namespace detail

void ProfilerScope::begin() {
  const std::lock_guard lock(detail::profile_mutex);
  if (detail::active_session == nullptr) return;
  detail::forget_call(detail::active_session->thread());
  start_ = detail::now();
}

void ProfilerScope::end() noexcept {
  const std::int64_t end = detail::now();
  const std::lock_guard lock(detail::profile_mutex);
  if (detail::active_session == nullptr || start_ < detail::active_session->begin) return;
  detail::active_session->end_call(detail::active_session->thread(),
                                   detail::active_session->index_of(name_, true),
                                   detail::ProfileKind::scope, start_, end);
}

}  // namespace gradus
