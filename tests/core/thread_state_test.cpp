// The modes of a thread, and how they are carried to others.
#include <gradus/framework/base/numerics.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/thread_state.h>
#include <gradus/framework/ops/elementwise.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace gradus {
namespace {

// Runs f on a thread that was made while nothing was set.
class Worker {
 public:
  ~Worker() {
    if (thread_.joinable()) go_.set_value(), thread_.join();
  }
  template <class F>
  void run(F f) {
    work_ = std::packaged_task<void()>(std::move(f));
    auto done = work_.get_future();
    go_.set_value();
    thread_.join();
    done.get();
  }

 private:
  std::packaged_task<void()> work_;
  std::promise<void> go_;
  std::thread thread_{[this] {
    go_.get_future().wait();
    if (work_.valid()) work_();
  }};
};

struct Modes {
  bool recording = grad_enabled();
  bool flush = flush_denormal();
  bool operator==(const Modes&) const = default;
};

TEST(ThreadState, CarriesBothModesToAnotherThread) {
  Worker plain, carried;
  const NoGradGuard no_grad;
  const FlushDenormalGuard flush;
  Modes without, with;
  plain.run([&] { without = Modes(); });
  carried.run(with_thread_state([&] { with = Modes(); }));
  EXPECT_EQ(without, (Modes{true, false}));
  EXPECT_EQ(with, (Modes{false, flush_denormal()}));
  EXPECT_EQ(Modes(), (Modes{false, true}));
}

TEST(ThreadState, IsThatOfTheTimeWhenItWasMade) {
  std::optional<ThreadState> state;
  {
    const NoGradGuard no_grad;
    state.emplace();
  }
  EXPECT_TRUE(grad_enabled());
  {
    const ThreadStateGuard guard(*state);
    EXPECT_FALSE(grad_enabled());
  }
  EXPECT_TRUE(grad_enabled());
}

TEST(ThreadState, TurnsRecordingOnToo) {
  const Tensor x = ones({2}).set_trainable(true);
  const ThreadState recording;
  const NoGradGuard no_grad;
  {
    const ThreadStateGuard guard(recording);
    EXPECT_TRUE(exp(x).requires_grad());
  }
  EXPECT_FALSE(exp(x).requires_grad());
}

TEST(ThreadState, IsRestoredWhenAnExceptionLeaves) {
  Worker worker;
  Modes after;
  const NoGradGuard no_grad;
  auto work = with_thread_state([] { throw std::runtime_error("no"); });
  worker.run([&] {
    EXPECT_THROW(work(), std::runtime_error);
    after = Modes();
  });
  EXPECT_EQ(after, (Modes{true, false}));
}

TEST(ThreadState, PassesArgumentsResultsAndMoveOnlyFunctions) {
  auto f = with_thread_state(
      [p = std::make_unique<int>(3)](int a, std::unique_ptr<int> b) { return *p + a + *b; });
  EXPECT_EQ(f(4, std::make_unique<int>(5)), 12);
  int value = 1;
  auto reference = with_thread_state([&](int& x) -> int& { return x; });
  reference(value) = 2;
  EXPECT_EQ(value, 2);
}

TEST(ThreadState, CountsTheCallsOfAFunctionWithState) {
  auto counter = with_thread_state([n = 0]() mutable { return ++n; });
  counter();
  EXPECT_EQ(counter(), 2);
}

}  // namespace
}  // namespace gradus
