#include <fmt/format.h>
#include <gradus/framework/error.h>
#include <gradus/framework/profiler.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace gradus {
namespace {

enum class Kind : std::uint8_t { forward, backward, scope };

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Event {
  std::uint32_t name;
  std::uint32_t thread;
  std::int64_t start, duration;  // in ns
  std::int64_t bytes;            // taken by it
  std::int64_t live;             // of all tensors, at its end
  Kind kind;
};

struct Sums {
  std::string name;
  bool is_scope = false;
  std::int64_t calls = 0, backward_calls = 0, forward = 0, backward = 0;
  std::int64_t allocated = 0, live = 0, peak = 0;
};

// The memory of one call of an op that is alive.
struct Held {
  std::uint32_t name = 0;
  std::int64_t bytes = 0;
};

// What this thread is in the middle of.
struct ThreadState {
  std::uint64_t session = 0;
  std::uint32_t number = 0;
  std::uint64_t call = 0;  // of the allocations since the last event; 0 for none
  std::int64_t start = 0;  // when this call began
  std::int64_t bytes = 0;  // that it took
  bool in_backward = false;
};

thread_local constinit ThreadState thread{};

// Guards what follows. Never destroyed: tensors with static lifetime are freed late.
constinit std::mutex profiler_mutex;
constinit Profiler::Session* active = nullptr;
constinit std::uint64_t sessions = 0;
constinit std::uint64_t calls = 0;  // numbers given out by all sessions

}  // namespace

struct Profiler::Session {
  explicit Session(std::int64_t most) : max_events(most), number(++sessions), first_call(calls) {
    sums.emplace_back();  // 0: memory that belongs to nothing
    sums[0].name = "(no op)";
  }

  std::uint32_t index_of(std::string_view name, bool is_scope) {
    const auto key = std::pair(std::string(name), is_scope);
    const auto [place, is_new] = names.try_emplace(key, static_cast<std::uint32_t>(sums.size()));
    if (is_new) {
      sums.emplace_back();
      sums.back().name = name;
      sums.back().is_scope = is_scope;
    }
    return place->second;
  }

  // The state of this thread, made anew for each session.
  ThreadState& state() {
    if (thread.session != number) {
      thread = ThreadState{};
      thread.session = number;
      thread.number = ++threads;
    }
    return thread;
  }

  void add_live(std::uint32_t name, std::int64_t bytes) {
    sums[name].live += bytes;
    live += bytes;
  }

  // To be called when a call has taken memory.
  void note_peak(std::uint64_t call, std::int64_t call_bytes) {
    if (live <= peak) return;
    peak = live;
    for (Sums& s : sums) s.peak = s.live;
    peak_call = call;
    peak_call_bytes = call_bytes;
  }

  // Says what the call that this thread is in the middle of was.
  void end_call(ThreadState& state, std::uint32_t name, Kind kind, std::int64_t start,
                std::int64_t end) {
    const std::int64_t duration = end - start;
    Sums& s = sums[name];
    s.allocated += state.bytes;
    (kind == Kind::backward ? s.backward_calls : s.calls) += 1;
    (kind == Kind::backward ? s.backward : s.forward) += duration;
    if (const auto place = held.find(state.call); place != held.end()) {
      sums[place->second.name].live -= place->second.bytes;
      s.live += place->second.bytes;
      place->second.name = name;
    }
    if (state.call != 0 && state.call == peak_call) {
      sums[0].peak -= peak_call_bytes;
      s.peak += peak_call_bytes;
      peak_call = 0;
    }
    if (static_cast<std::int64_t>(events.size()) < max_events) {
      events.push_back({name, state.number, start, duration, state.bytes, live, kind});
    } else {
      ++dropped;
    }
    forget_call(state);
  }

  static void forget_call(ThreadState& state) { state.call = 0, state.start = 0, state.bytes = 0; }

  std::vector<ProfileEntry> entries(bool scopes) const;

  std::int64_t max_events;
  std::uint64_t number;
  std::uint64_t first_call;  // numbers above are of this session
  std::int64_t begin = now();
  std::uint32_t threads = 0;
  std::vector<Sums> sums;
  std::map<std::pair<std::string, bool>, std::uint32_t> names;
  std::unordered_map<std::uint64_t, Held> held;
  std::int64_t live = 0, peak = 0;
  std::uint64_t peak_call = 0;  // what was in the middle at the peak, and its memory then
  std::int64_t peak_call_bytes = 0;
  std::vector<Event> events;
  std::int64_t dropped = 0;
};

namespace detail {

std::atomic<bool> profiler_on{false};

void profile_begin_op() {
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr) return;
  ThreadState& state = active->state();
  if (state.call != 0 || state.in_backward) return;
  state.call = ++calls;
  state.start = now();
}

std::uint64_t profile_allocate(std::int64_t bytes) {
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr) return 0;
  ThreadState& state = active->state();
  if (state.call == 0) {
    state.call = ++calls;
    state.start = now();
  }
  state.bytes += bytes;
  Held& held = active->held[state.call];
  held.bytes += bytes;
  active->add_live(held.name, bytes);
  active->note_peak(state.call, held.bytes);
  return state.call;
}

void profile_release(std::uint64_t call, std::int64_t bytes) noexcept {
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr || call <= active->first_call) return;
  const auto place = active->held.find(call);
  if (place == active->held.end()) return;
  active->add_live(place->second.name, -bytes);
  place->second.bytes -= bytes;
  if (place->second.bytes == 0) active->held.erase(place);
}

void profile_op(const char* name, std::int64_t only_bytes) {
  const std::int64_t end = now();
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr) return;
  ThreadState& state = active->state();
  if (state.in_backward || (only_bytes >= 0 && state.bytes != only_bytes)) return;
  active->end_call(state, active->index_of(name, false), Kind::forward,
                   state.call != 0 ? state.start : end, end);
}

void ProfiledBackward::begin() {
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr) return;
  ThreadState& state = active->state();
  state.in_backward = true;
  Profiler::Session::forget_call(state);
  start_ = now();
}

void ProfiledBackward::end() noexcept {
  const std::int64_t end = now();
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr || start_ < active->begin) return;
  ThreadState& state = active->state();
  active->end_call(state, active->index_of(name_, false), Kind::backward, start_, end);
  state.in_backward = false;
}

}  // namespace detail

void ProfilerScope::begin() {
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr) return;
  Profiler::Session::forget_call(active->state());
  start_ = now();
}

void ProfilerScope::end() noexcept {
  const std::int64_t end = now();
  const std::lock_guard lock(profiler_mutex);
  if (active == nullptr || start_ < active->begin) return;
  active->end_call(active->state(), active->index_of(name_, true), Kind::scope, start_, end);
}

std::vector<ProfileEntry> Profiler::Session::entries(bool scopes) const {
  const auto ms = [](std::int64_t ns) { return static_cast<double>(ns) * 1e-6; };
  std::vector<ProfileEntry> result;
  for (const Sums& s : sums) {
    if (s.is_scope != scopes || (s.calls + s.backward_calls == 0 && s.peak == 0)) continue;
    result.push_back(
        {s.name, s.calls, s.backward_calls, ms(s.forward), ms(s.backward), s.allocated, s.peak});
  }
  std::sort(result.begin(), result.end(), [](const ProfileEntry& a, const ProfileEntry& b) {
    return a.total_ms() != b.total_ms() ? a.total_ms() > b.total_ms() : a.name < b.name;
  });
  return result;
}

namespace {

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// As a text of JSON, with its quotes.
std::string json_text(std::string_view text) {
  using nlohmann::json;
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string op_table(const std::vector<ProfileEntry>& entries) {
  double total = 0;
  for (const ProfileEntry& e : entries) total += e.total_ms();
  std::string text = fmt::format("{:<24}{:>10}{:>12}{:>10}{:>12}{:>12}{:>7}{:>14}{:>12}\n", "op",
                                 "calls", "forward ms", "backward", "backward ms", "total ms", "%",
                                 "allocated MiB", "at peak MiB");
  for (const ProfileEntry& e : entries) {
    text += fmt::format("{:<24}{:>10}{:>12.3f}{:>10}{:>12.3f}{:>12.3f}{:>7.1f}{:>14.3f}{:>12.3f}\n",
                        e.name, e.calls, e.forward_ms, e.backward_calls, e.backward_ms,
                        e.total_ms(), total > 0 ? 100 * e.total_ms() / total : 0.0,
                        mebibytes(e.allocated_bytes), mebibytes(e.peak_bytes));
  }
  return text;
}

std::string scope_table(const std::vector<ProfileEntry>& entries) {
  std::string text = fmt::format("{:<24}{:>10}{:>12}{:>14}{:>12}\n", "scope", "times", "ms",
                                 "allocated MiB", "at peak MiB");
  for (const ProfileEntry& e : entries) {
    text += fmt::format("{:<24}{:>10}{:>12.3f}{:>14.3f}{:>12.3f}\n", e.name, e.calls, e.forward_ms,
                        mebibytes(e.allocated_bytes), mebibytes(e.peak_bytes));
  }
  return text;
}

}  // namespace

Profiler::Profiler(const ProfilerOptions& options) {
  if (options.max_events < 0) {
    throw ValueError(fmt::format("profiler: max_events is {}, below 0", options.max_events));
  }
  const std::lock_guard lock(profiler_mutex);
  if (active != nullptr) {
    throw ValueError("profiler: another one records: stop() it first, or let its scope end");
  }
  session_ = detail::Shared<Session>::make(options.max_events);
  active = session_.get();
  detail::profiler_on.store(true, std::memory_order_relaxed);
}

Profiler::~Profiler() { stop(); }

void Profiler::stop() {
  const std::lock_guard lock(profiler_mutex);
  if (active != session_.get()) return;
  active = nullptr;
  detail::profiler_on.store(false, std::memory_order_relaxed);
}

std::vector<ProfileEntry> Profiler::ops() const {
  const std::lock_guard lock(profiler_mutex);
  return session_->entries(false);
}

std::vector<ProfileEntry> Profiler::scopes() const {
  const std::lock_guard lock(profiler_mutex);
  return session_->entries(true);
}

std::int64_t Profiler::peak_bytes() const {
  const std::lock_guard lock(profiler_mutex);
  return session_->peak;
}

std::string Profiler::str() const {
  std::string text = op_table(ops());
  const std::vector<ProfileEntry> parts = scopes();
  if (!parts.empty()) text += "\n" + scope_table(parts);
  const std::lock_guard lock(profiler_mutex);
  text += fmt::format("\nat peak: {:.3f} MiB in tensors made since the start\n",
                      mebibytes(session_->peak));
  if (session_->dropped > 0) {
    text += fmt::format("the trace lacks the last {} events\n", session_->dropped);
  }
  return text;
}

std::string Profiler::trace() const {
  const std::lock_guard lock(profiler_mutex);
  const auto us = [](std::int64_t ns) { return static_cast<double>(ns) * 1e-3; };
  std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [";
  auto out = std::back_inserter(text);
  const char* separator = "\n";
  for (const Event& e : session_->events) {
    const char* kind = e.kind == Kind::forward    ? "forward"
                       : e.kind == Kind::backward ? "backward"
                                                  : "scope";
    const double start = us(e.start - session_->begin);
    fmt::format_to(out,
                   R"({}{{"name": {}, "cat": "{}", "ph": "X", "pid": 1, "tid": {}, "ts": {:.3f}, )"
                   R"("dur": {:.3f}, "args": {{"bytes": {}}}}},)"
                   "\n"
                   R"({{"name": "tensors", "ph": "C", "pid": 1, "ts": {:.3f}, )"
                   R"("args": {{"bytes": {}}}}})",
                   separator, json_text(session_->sums[e.name].name), kind, e.thread, start,
                   us(e.duration), e.bytes, start + us(e.duration), e.live);
    separator = ",\n";
  }
  return text + "\n]}\n";
}

void Profiler::save_trace(const std::string& path) const {
  const std::string text = trace();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file == nullptr || std::fclose(file) != 0 || !written) {
    throw Error(fmt::format("profiler: cannot write '{}'", path));
  }
}

}  // namespace gradus
