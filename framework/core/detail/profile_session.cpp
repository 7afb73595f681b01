#include <gradus/framework/core/detail/profile_session.h>

#include <chrono>

namespace gradus::detail {
namespace {

thread_local constinit ProfileSession::Thread current{};

constinit std::uint64_t sessions = 0;
constinit std::uint64_t calls = 0;  // the last number given out, by any session

}  // namespace

// Never destroyed: tensors with static lifetime are freed late.
constinit std::mutex profile_mutex;
constinit ProfileSession* active_session = nullptr;

ProfileSession::ProfileSession(std::int64_t most_events)
    : max_events(most_events), number(++sessions), first_call(calls), begin(now()) {
  sums.emplace_back();  // 0: memory that belongs to no op
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
  thread.forget_call();
}

std::int64_t ProfileSession::now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::uint64_t ProfileSession::next_call() { return ++calls; }

}  // namespace gradus::detail
