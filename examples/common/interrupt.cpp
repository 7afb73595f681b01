#include <gradus/examples/common/interrupt.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is POSIX

#include <csignal>

namespace gradus::examples {
namespace {

volatile std::sig_atomic_t pressed = 0;

void note(int) { pressed = 1; }

void handle(void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;  // no SA_RESTART: a program that waits for a line wakes up
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  pressed = 0;
  handle(note, static_cast<int>(SA_RESETHAND));
}

InterruptGuard::~InterruptGuard() { handle(SIG_DFL, 0); }

bool interrupted() { return pressed != 0; }

}  // namespace gradus::examples
