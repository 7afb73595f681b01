#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <sched.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#ifdef GRADUS_STD_THREADS
#include <cfenv>
#include <condition_variable>
#include <exception>
#include <vector>
#else
#include <gradus/framework/base/detail/tbb.h>
#endif

namespace gradus {

namespace detail {

std::atomic<int64_t> parallel_grain{default_parallel_grain};

namespace {

thread_local bool inside_parallel_region = false;

using ChunkBody = void (*)(void*, int64_t);

/// Marks this thread as running chunks, so that loops inside them are serial.
class RegionGuard {
 public:
  RegionGuard() : outer_(inside_parallel_region) { inside_parallel_region = true; }
  ~RegionGuard() { inside_parallel_region = outer_; }
  RegionGuard(const RegionGuard&) = delete;
  RegionGuard& operator=(const RegionGuard&) = delete;

 private:
  bool outer_;
};

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : static_cast<int>(count);
}

#ifdef GRADUS_STD_THREADS

/// Plain threads, for the thread sanitizer, which cannot see into TBB's library (not instrumented).
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void run(int64_t chunks, ChunkBody body, void* context) {
    const std::lock_guard one_loop_at_a_time(loop_mutex_);
    {
      const std::lock_guard lock(mutex_);
      body_ = body, context_ = context, chunks_ = chunks, next_ = 0, error_ = nullptr;
      std::fegetenv(&environment_);
      busy_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    take_chunks();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() {
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
      std::fesetenv(&environment_);  // workers round and flush as the calling thread does
      lock.unlock();
      take_chunks();
      lock.lock();
      if (--busy_ == 0) done_.notify_all();
    }
  }

  void take_chunks() {
    const RegionGuard guard;
    try {
      // Relaxed: a chunk number carries no data, so the loop itself hides no race from a sanitizer.
      for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;)
        body_(context_, i);
    } catch (...) {
      next_ = chunks_;
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  std::mutex loop_mutex_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  ChunkBody body_ = nullptr;
  void* context_ = nullptr;
  std::fenv_t environment_{};
  int64_t chunks_ = 0;
  std::atomic<int64_t> next_{0};
  int busy_ = 0;
  uint64_t generation_ = 0;
  bool stop_ = false;
  std::exception_ptr error_;
};

#else

/// An arena of our own: a thread that waits in one of our loops does not pick up other work.
class Pool {
 public:
  explicit Pool(int threads) : arena_(threads) {
    if (threads > available_processors())  // or TBB would not start the extra workers
      limit_.emplace(tbb::global_control::max_allowed_parallelism, static_cast<size_t>(threads));
    arena_.initialize();
  }

  void run(int64_t chunks, ChunkBody body, void* context) {
    // Isolated: cancelling a task group of the caller must not skip chunks. fp_settings: workers
    // round and flush as the calling thread does.
    tbb::task_group_context group(
        tbb::task_group_context::isolated,
        tbb::task_group_context::default_traits | tbb::task_group_context::fp_settings);
    arena_.execute([&] {
      tbb::this_task_arena::isolate([&] {
        tbb::parallel_for(
            tbb::blocked_range<int64_t>(0, chunks),
            [=](const tbb::blocked_range<int64_t>& range) {
              const RegionGuard guard;
              for (int64_t i = range.begin(); i < range.end(); ++i) body(context, i);
            },
            tbb::auto_partitioner(), group);
      });
    });
  }

 private:
  std::optional<tbb::global_control> limit_;
  tbb::task_arena arena_;
};

#endif

struct Threads {
  std::mutex mutex;
  std::atomic<int> count{available_processors()};
  std::shared_ptr<Pool> pool;  // created by the first parallel loop
};

/// Never destroyed: loops may run in the destructors of static objects.
Threads& threads() {
  static Threads& instance = *new Threads;
  return instance;
}

std::shared_ptr<Pool> current_pool() {
  Threads& state = threads();
  const std::lock_guard lock(state.mutex);
  if (!state.pool) state.pool = std::make_shared<Pool>(state.count.load());
  return state.pool;
}

}  // namespace

void run_chunks(int64_t chunks, ChunkBody body, void* context) {
  if (chunks <= 1 || inside_parallel_region || num_threads() == 1) {
    // Loops alternate between up and down: each begins where the last one ended, with data that is
    // still in the cache.
    thread_local bool upwards = false;
    if (chunks > 1) upwards = !upwards;
    const bool up = upwards;  // loops inside body change `upwards`
    for (int64_t i = 0; i < chunks; ++i) body(context, up ? i : chunks - 1 - i);
    return;
  }
  current_pool()->run(chunks, body, context);
}

}  // namespace detail

void set_num_threads(int count) {
  if (count < 1)
    throw ValueError("set_num_threads: " + std::to_string(count) + " threads: must be at least 1");
  detail::Threads& state = detail::threads();
  std::shared_ptr<detail::Pool> old;  // freed after the lock is released
  const std::lock_guard lock(state.mutex);
  if (count == state.count) return;
  state.count = count;
  old.swap(state.pool);
}

int num_threads() { return detail::threads().count.load(std::memory_order_relaxed); }

void set_parallel_grain(int64_t elements) {
  if (elements < 1)
    throw ValueError("set_parallel_grain: " + std::to_string(elements) +
                     " elements: must be at least 1");
  detail::parallel_grain.store(elements, std::memory_order_relaxed);
}

}  // namespace gradus
