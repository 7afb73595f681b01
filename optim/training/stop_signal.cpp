#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/training/stop_signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <mutex>

namespace gradus {
namespace {

constexpr std::array<int, 2> signals{SIGINT, SIGTERM};

// What the handler touches: an atomic that is free of locks, as a handler requires.
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

// What the guards of all threads share.
struct Guards {
  std::mutex mutex;
  int count = 0;
  std::array<struct sigaction, signals.size()> before{};
};

Guards& guards() {
  static Guards all;
  return all;
}

// Notes the first signal. The second gets the default action: raise() takes effect at the return
// from here, where the signal is no longer blocked.
void on_signal(int signal) {
  const int code = errno;
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    raise(signal);
  }
  errno = code;
}

void restore(const Guards& all, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sigaction(signals[i], &all.before[i], nullptr);
}

void install(Guards& all) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : signals) sigaddset(&action.sa_mask, signal);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    const bool known = sigaction(signals[i], nullptr, &all.before[i]) == 0;
    const bool ignored = known && all.before[i].sa_handler == SIG_IGN;
    if (known && (ignored || sigaction(signals[i], &action, nullptr) == 0)) continue;
    const int code = errno;
    restore(all, i);
    throw Error(
        fmt::format("StopSignal: cannot handle signal {}: {}", signals[i], std::strerror(code)));
  }
}

}  // namespace

StopSignal::StopSignal() {
  Guards& all = guards();
  const std::scoped_lock lock(all.mutex);
  if (all.count == 0) {
    first_signal = 0;
    install(all);
  }
  ++all.count;
}

StopSignal::~StopSignal() {
  Guards& all = guards();
  const std::scoped_lock lock(all.mutex);
  if (--all.count == 0) restore(all, signals.size());
}

int StopSignal::signal() const noexcept { return first_signal; }

}  // namespace gradus
