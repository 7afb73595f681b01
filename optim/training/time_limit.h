#pragma once
#include <gradus/framework/base/clock.h>

namespace gradus {

/// An end to a run by time, counted from construction by a clock that never jumps:
///   const TimeLimit limit(8 * 3600);
///   while (step < steps && !limit.expired()) { ... }
class GRADUS_API TimeLimit {
 public:
  /// Throws ValueError if `seconds` is negative or NaN. Infinity is no limit.
  explicit TimeLimit(double seconds, Clock clock = steady_seconds);

  bool expired() const { return elapsed() >= seconds_; }
  /// Seconds since construction.
  double elapsed() const { return clock_() - start_; }
  /// Seconds until the limit; 0 once it has expired.
  double left() const;

 private:
  double seconds_;
  Clock clock_;
  double start_;
};

}  // namespace gradus
