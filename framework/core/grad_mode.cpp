#include <gradus/framework/core/grad_mode.h>

#include <atomic>

namespace gradus {
namespace {

thread_local bool recording = true;
std::atomic<int> anomaly_guards{0};

}  // namespace

bool grad_enabled() { return recording; }

NoGradGuard::NoGradGuard() : before_(recording) { recording = false; }
NoGradGuard::~NoGradGuard() { recording = before_; }

AnomalyGuard::AnomalyGuard() { anomaly_guards.fetch_add(1); }
AnomalyGuard::~AnomalyGuard() { anomaly_guards.fetch_sub(1); }

void detail::set_recording(bool on) { recording = on; }

bool detail::anomaly_mode() { return anomaly_guards.load(std::memory_order_relaxed) > 0; }

}  // namespace gradus
