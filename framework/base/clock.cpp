#include <gradus/framework/base/clock.h>

#include <chrono>

namespace gradus {
namespace {

template <class C>
double seconds() {
  return std::chrono::duration<double>(C::now().time_since_epoch()).count();
}

}  // namespace

double steady_seconds() { return seconds<std::chrono::steady_clock>(); }
double unix_seconds() { return seconds<std::chrono::system_clock>(); }

}  // namespace gradus
