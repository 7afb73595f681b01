#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/training/time_limit.h>

#include <algorithm>
#include <utility>

namespace gradus {

TimeLimit::TimeLimit(double seconds, Clock clock) : seconds_(seconds), clock_(std::move(clock)) {
  if (!(seconds >= 0)) {
    throw ValueError(fmt::format("TimeLimit: seconds is {}, it must not be negative", seconds));
  }
  if (!clock_) throw ValueError("TimeLimit: the clock is an empty function");
  start_ = clock_();
}

double TimeLimit::left() const { return std::max(seconds_ - elapsed(), 0.0); }

}  // namespace gradus
