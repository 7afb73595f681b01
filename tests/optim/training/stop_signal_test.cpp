#include <gradus/optim/training/stop_signal.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace gradus {
namespace {

int handled = 0;  // by the handler that was there before

void count_signal(int) { ++handled; }

using Handler = void (*)(int);

Handler handler_of(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

// Handlers of its own for each test, and the old ones after it.
class StopSignalTest : public testing::Test {
 protected:
  StopSignalTest() {
    handled = 0;
    before_[0] = std::signal(SIGINT, count_signal);
    before_[1] = std::signal(SIGTERM, count_signal);
  }
  ~StopSignalTest() override {
    (void)std::signal(SIGINT, before_[0]);
    (void)std::signal(SIGTERM, before_[1]);
  }

 private:
  Handler before_[2];
};

// How a child that calls f() ends: the signal that ends it, or 0.
int end_of(const std::function<void()>& f) {
  const pid_t child = fork();
  if (child == 0) {
    f();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_F(StopSignalTest, IsRequestedByEitherSignal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopSignal stop;
    EXPECT_FALSE(stop.requested());
    EXPECT_EQ(stop.signal(), 0);
    errno = EDOM;
    raise(signal);
    EXPECT_EQ(errno, EDOM);
    EXPECT_TRUE(stop.requested());
    EXPECT_EQ(stop.signal(), signal);
  }
  EXPECT_EQ(handled, 0);
}

TEST_F(StopSignalTest, RestoresTheHandlersAtTheEndOfTheScope) {
  {
    const StopSignal stop;
    EXPECT_NE(handler_of(SIGINT), count_signal);
    raise(SIGINT);
  }
  EXPECT_EQ(handler_of(SIGINT), count_signal);
  EXPECT_EQ(handler_of(SIGTERM), count_signal);
  raise(SIGINT);
  raise(SIGTERM);
  EXPECT_EQ(handled, 2);
}

TEST_F(StopSignalTest, RestoresThemAfterAnException) {
  try {
    const StopSignal stop;
    throw 1;
  } catch (int) {
    EXPECT_EQ(handler_of(SIGTERM), count_signal);
  }
}

TEST_F(StopSignalTest, ASecondSignalEndsTheProgramAtOnce) {
  for (const auto& [first, second] :
       {std::pair{SIGINT, SIGINT}, {SIGINT, SIGTERM}, {SIGTERM, SIGTERM}, {SIGTERM, SIGINT}}) {
    EXPECT_EQ(end_of([first = first, second = second] {
                const StopSignal stop;
                raise(first);
                if (stop.requested()) raise(second);
              }),
              second);
  }
  EXPECT_EQ(end_of([] {
              const StopSignal stop;
              raise(SIGINT);
            }),
            0);
}

TEST_F(StopSignalTest, TheNextGuardStartsAnew) {
  {
    const StopSignal stop;
    raise(SIGINT);
  }
  const StopSignal stop;
  EXPECT_FALSE(stop.requested());
}

TEST_F(StopSignalTest, NestedGuardsSeeOneSignalUntilTheOutermostEnds) {
  const StopSignal outer;
  {
    const StopSignal inner;
    raise(SIGTERM);
    EXPECT_TRUE(inner.requested());
  }
  EXPECT_TRUE(outer.requested());
  EXPECT_NE(handler_of(SIGINT), count_signal);
  const StopSignal late;
  EXPECT_TRUE(late.requested());
  EXPECT_EQ(end_of([] { raise(SIGTERM); }), SIGTERM);  // still the second
}

TEST_F(StopSignalTest, GuardsMayEndInAnyOrder) {
  auto first = std::make_unique<StopSignal>();
  auto second = std::make_unique<StopSignal>();
  first.reset();
  raise(SIGINT);
  EXPECT_TRUE(second->requested());
  second.reset();
  EXPECT_EQ(handler_of(SIGINT), count_signal);
}

TEST_F(StopSignalTest, LeavesASignalIgnoredThatWasIgnored) {
  (void)std::signal(SIGINT, SIG_IGN);
  {
    const StopSignal stop;
    raise(SIGINT);
    EXPECT_FALSE(stop.requested());
    raise(SIGTERM);
    EXPECT_EQ(stop.signal(), SIGTERM);
    raise(SIGINT);  // is not the second
  }
  EXPECT_EQ(handler_of(SIGINT), SIG_IGN);
}

TEST_F(StopSignalTest, IsSeenByEveryThread) {
  const StopSignal stop;
  std::atomic<int> saw{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&saw] {
      const StopSignal own;
      while (!own.requested()) std::this_thread::yield();
      ++saw;
    });
  }
  kill(getpid(), SIGINT);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(saw, 4);
  EXPECT_TRUE(stop.requested());
}

TEST_F(StopSignalTest, ABlockingReadIsResumed) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer may hold a signal back until the read has ended";
#endif
  const StopSignal stop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  char got = 0;
  const pthread_t reader = pthread_self();
  std::thread writer([&] {
    pthread_kill(reader, SIGINT);
    while (!stop.requested()) std::this_thread::yield();
    EXPECT_EQ(write(ends[1], "x", 1), 1);
  });
  EXPECT_EQ(read(ends[0], &got, 1), 1);
  EXPECT_EQ(got, 'x');
  writer.join();
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace gradus
