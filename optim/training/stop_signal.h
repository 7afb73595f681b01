#pragma once
#include <gradus/framework/base/export.h>

namespace gradus {

/// While it lives, SIGINT (Ctrl-C) and SIGTERM (kill, a batch system) do not end the program but
/// ask it to stop; the training loop answers when it is ready:
///   const StopSignal stop;
///   while (step < steps && !stop.requested()) { ... }
///   save_checkpoint(run, path);
/// A second signal of either kind ends the program at once, by the default action, whatever handler
/// was there before. The end of the scope restores the handlers that were there; then a signal acts
/// as ever.
///
/// Guards may be nested, and made by several threads in any order: all see the same signal, and the
/// last to end restores the handlers. A guard that is made after the signal, inside another, is
/// requested at once, so that inner loops end too. The signal may reach any thread. A signal that
/// the program was told to ignore (nohup) stays ignored. Blocking reads and writes are resumed
/// after the signal. A handler that is installed while a guard lives is replaced when it ends.
class GRADUS_API StopSignal {
 public:
  /// Throws Error with the system's reason.
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// True once a signal has come. Costs as much as reading an int.
  bool requested() const noexcept { return signal() != 0; }
  /// The signal that came first, SIGINT or SIGTERM, or 0: a program ends with 128 + signal().
  int signal() const noexcept;
};

}  // namespace gradus
