#pragma once
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace gradus {

/// Calls save(1), save(2), ... in a child process, and kills it at a random moment, less than
/// `within` microseconds after the first.
template <class Save>
void kill_while_saving(std::mt19937& random, unsigned within, const Save& save) {
  int saved[2];
  ASSERT_EQ(pipe(saved), 0);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 1;; ++i) {
      save(i);
      if (i == 1) (void)!write(saved[1], "", 1);
    }
  }
  char byte;
  ASSERT_EQ(read(saved[0], &byte, 1), 1);
  for (const int end : saved) close(end);
  usleep(static_cast<useconds_t>(random() % within));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

/// Calls f() in a child process that is killed when it returns.
template <class F>
void run_and_kill(const F& f) {
  const pid_t child = fork();
  if (child == 0) {
    f();
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
}

}  // namespace gradus
