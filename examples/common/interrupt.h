#pragma once

namespace gradus::examples {

/// While a guard exists, the first Ctrl-C (or SIGTERM) only makes interrupted() true, so that a
/// training loop can stop and save what it has; the second ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

/// True once Ctrl-C has been pressed.
bool interrupted();

/// The exit code of a program that Ctrl-C stopped.
inline constexpr int interrupted_exit = 130;

}  // namespace gradus::examples
