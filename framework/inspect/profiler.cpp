#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/profile_session.h>
#include <gradus/framework/inspect/profiler.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace gradus {
namespace {

using detail::ProfileSession;

std::vector<ProfileEntry> entries_of(const ProfileSession& session, bool scopes) {
  const auto ms = [](std::int64_t ns) { return static_cast<double>(ns) * 1e-6; };
  std::vector<ProfileEntry> result;
  for (const detail::ProfileSums& s : session.sums) {
    if (s.is_scope != scopes || (s.calls + s.backward_calls == 0 && s.peak == 0)) continue;
    result.push_back(
        {s.name, s.calls, s.backward_calls, ms(s.forward), ms(s.backward), s.allocated, s.peak});
  }
  std::sort(result.begin(), result.end(), [](const ProfileEntry& a, const ProfileEntry& b) {
    return a.total_ms() != b.total_ms() ? a.total_ms() > b.total_ms() : a.name < b.name;
  });
  return result;
}

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// As a JSON string, with its quotes.
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
    throw ValueError(
        fmt::format("profiler: max_events is {}, it must be at least 0", options.max_events));
  }
  const std::lock_guard lock(detail::profile_mutex);
  if (detail::active_session != nullptr) {
    throw ValueError("profiler: another one is recording: stop() it first, or end its scope");
  }
  session_ = std::make_shared<ProfileSession>(options.max_events);
  detail::active_session = session_.get();
  detail::profiler_on.store(true, std::memory_order_relaxed);
}

Profiler::~Profiler() { stop(); }

void Profiler::stop() {
  const std::lock_guard lock(detail::profile_mutex);
  if (detail::active_session != session_.get()) return;
  detail::active_session = nullptr;
  detail::profiler_on.store(false, std::memory_order_relaxed);
}

std::vector<ProfileEntry> Profiler::ops() const {
  const std::lock_guard lock(detail::profile_mutex);
  return entries_of(*session_, false);
}

std::vector<ProfileEntry> Profiler::scopes() const {
  const std::lock_guard lock(detail::profile_mutex);
  return entries_of(*session_, true);
}

std::int64_t Profiler::peak_bytes() const {
  const std::lock_guard lock(detail::profile_mutex);
  return session_->peak;
}

std::string Profiler::str() const {
  std::string text = op_table(ops());
  const std::vector<ProfileEntry> parts = scopes();
  if (!parts.empty()) text.append("\n").append(scope_table(parts));
  const std::lock_guard lock(detail::profile_mutex);
  text += fmt::format("\nat peak: {:.3f} MiB in tensors made since the start\n",
                      mebibytes(session_->peak));
  if (session_->dropped > 0) {
    text += fmt::format("the trace lacks the last {} events\n", session_->dropped);
  }
  return text;
}

std::string Profiler::trace() const {
  const std::lock_guard lock(detail::profile_mutex);
  const auto us = [](std::int64_t ns) { return static_cast<double>(ns) * 1e-3; };
  std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [";
  auto out = std::back_inserter(text);
  const char* separator = "\n";
  for (const detail::ProfileEvent& e : session_->events) {
    const char* kind = e.kind == detail::ProfileKind::forward    ? "forward"
                       : e.kind == detail::ProfileKind::backward ? "backward"
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
  AtomicFile file(path, "profiler");
  file.write(trace());
  file.commit();
}

}  // namespace gradus
