#include <gradus/framework/core/detail/profile_session.h>
#include <gradus/framework/core/profile.h>

namespace gradus {
namespace detail {

std::atomic<bool> profiler_on{false};

void profile_begin_op() {
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr) return;
  ProfileSession::Thread& state = active_session->thread();
  if (state.call != 0 || state.in_backward) return;
  state.call = ProfileSession::next_call();
  state.start = ProfileSession::now();
}

std::uint64_t profile_allocate(std::int64_t bytes) {
  const std::lock_guard lock(profile_mutex);
  if (active_session == nullptr) return 0;
  ProfileSession::Thread& state = active_session->thread();
  if (state.call == 0) {
    state.call = ProfileSession::next_call();
    state.start = ProfileSession::now();
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
  const std::int64_t end = ProfileSession::now();
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
  state.forget_call();
  start_ = ProfileSession::now();
}

void ProfiledBackward::end() noexcept {
  const std::int64_t end = ProfileSession::now();
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
  detail::active_session->thread().forget_call();
  start_ = detail::ProfileSession::now();
}

void ProfilerScope::end() noexcept {
  const std::int64_t end = detail::ProfileSession::now();
  const std::lock_guard lock(detail::profile_mutex);
  if (detail::active_session == nullptr || start_ < detail::active_session->begin) return;
  detail::active_session->end_call(detail::active_session->thread(),
                                   detail::active_session->index_of(name_, true),
                                   detail::ProfileKind::scope, start_, end);
}

}  // namespace gradus
