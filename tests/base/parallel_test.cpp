#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace gradus {
namespace {

/// Restores the number of threads and the grain, which are global.
class Parallel : public ::testing::Test {
 protected:
  Parallel() { set_parallel_grain(detail::default_parallel_grain); }
  ~Parallel() override {
    set_num_threads(threads_);
    set_parallel_grain(grain_);
  }
  const int threads_ = num_threads();
  const int64_t grain_ = detail::parallel_grain;
};

std::set<std::pair<int64_t, int64_t>> ranges(int64_t n, int64_t cost) {
  std::mutex mutex;
  std::set<std::pair<int64_t, int64_t>> result;
  parallel_for(n, cost, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(result.emplace(begin, end).second);
  });
  return result;
}

TEST_F(Parallel, CoversEveryItemOnce) {
  set_num_threads(4);
  set_parallel_grain(100);
  for (const int64_t n : {1, 2, 99, 100, 101, 199, 200, 201, 1000, 100001}) {
    for (const int64_t cost : {1, 3, 99, 100, 101, 5000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
      parallel_for(n, cost, [&](int64_t begin, int64_t end) {
        ASSERT_LT(begin, end);
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      });
      for (const auto& count : visits) ASSERT_EQ(count, 1) << n << " " << cost;
    }
  }
}

TEST_F(Parallel, CallsForEachItemOnce) {
  set_num_threads(4);
  set_parallel_grain(100);
  for (const int64_t n : {0, 1, 99, 100, 101, 1000, 100001}) {
    std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
    parallel_for_each(n, 3, [&](int64_t i) { ++visits[static_cast<size_t>(i)]; });
    for (const auto& count : visits) ASSERT_EQ(count, 1) << n;
  }
}

TEST_F(Parallel, DoesNothingForNoItems) {
  parallel_for(0, 1, [](int64_t, int64_t) { FAIL(); });
  parallel_for(-1, 1, [](int64_t, int64_t) { FAIL(); });
}

TEST_F(Parallel, RangesDoNotDependOnTheNumberOfThreads) {
  for (const int64_t n : {32768, 32769, 100000, 1 << 22}) {
    set_num_threads(1);
    const auto expected = ranges(n, 1);
    EXPECT_EQ(expected.size() > 1, n > 32768) << n;
    for (const int threads : {2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_EQ(ranges(n, 1), expected) << n << " " << threads;
    }
  }
}

TEST_F(Parallel, RunsOneChunkOnTheCallingThread) {
  set_num_threads(4);
  std::thread::id id;
  parallel_for(32768, 1, [&](int64_t, int64_t) { id = std::this_thread::get_id(); });
  EXPECT_EQ(id, std::this_thread::get_id());
}

TEST_F(Parallel, UsesAsManyThreadsAsAskedFor) {
  // Each chunk waits for the two others: ends only if three threads run at the same time.
  set_num_threads(3);
  set_parallel_grain(1);
  std::atomic<int> arrived{0};
  parallel_for(3, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 3);
}

TEST_F(Parallel, NestedLoopIsSerial) {
  set_num_threads(4);
  set_parallel_grain(1);
  std::atomic<int64_t> inner{0};
  parallel_for(50, 1, [&](int64_t, int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    int64_t sum = 0;  // not atomic: the inner loop has to run on this thread
    parallel_for(20, 1, [&](int64_t begin, int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      sum += begin;
      ++inner;
    });
    EXPECT_EQ(sum, 190);
  });
  EXPECT_EQ(inner, 50 * 20);
}

TEST_F(Parallel, NestedLoopsCoverEveryItemOnceForAnyNumberOfThreads) {
  set_parallel_grain(1);
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    std::vector<std::atomic<int>> visits(20 * 4 * 5);
    parallel_for(20, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        parallel_for(4, 1, [&, i](int64_t first, int64_t last) {
          for (int64_t j = first; j < last; ++j) {
            parallel_for(5, 1, [&, i, j](int64_t from, int64_t to) {
              for (int64_t k = from; k < to; ++k)
                ++visits[static_cast<size_t>((i * 4 + j) * 5 + k)];
            });
          }
        });
      }
    });
    for (const auto& count : visits) ASSERT_EQ(count, 1) << threads << " threads";
  }
}

TEST_F(Parallel, RethrowsOnTheCallingThreadAndRunsAgainAfterwards) {
  set_num_threads(4);
  set_parallel_grain(1);
  EXPECT_THROW(parallel_for(100, 1,
                            [](int64_t begin, int64_t) {
                              if (begin == 50) throw std::runtime_error("chunk 50");
                            }),
               std::runtime_error);
  EXPECT_EQ(ranges(100, 1).size(), 100U);
}

TEST_F(Parallel, LoopsOfSeveralThreadsRunAtTheSameTime) {
  set_num_threads(2);
  set_parallel_grain(1);
  std::atomic<int64_t> total{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round)
        parallel_for(10, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 100 * 10);
}

TEST_F(Parallel, RejectsFewerThanOneThread) {
  EXPECT_THROW(set_num_threads(0), ValueError);
  EXPECT_THROW(set_num_threads(-3), ValueError);
  EXPECT_THROW(set_parallel_grain(0), ValueError);
  EXPECT_EQ(num_threads(), threads_);
}

}  // namespace
}  // namespace gradus
