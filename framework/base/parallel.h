#pragma once
#include <gradus/framework/base/export.h>

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace gradus {

/// Sets how many threads the kernels use, including the calling one. Results are bit-identical for
/// any number of threads. Does not wait: a loop that is running keeps the threads it started with.
/// Throws ValueError if `threads` < 1.
GRADUS_API void set_num_threads(int threads);

/// The number of threads the kernels use; by default one per processor this process may run on.
GRADUS_API int num_threads();

/// Sets the work in one chunk of a parallel loop, in float additions. For tests, which set 1 to
/// make tiny inputs parallel. Throws ValueError if `elements` < 1.
GRADUS_API void set_parallel_grain(int64_t elements);

namespace detail {

inline constexpr int64_t default_parallel_grain = 32768;
GRADUS_API extern std::atomic<int64_t> parallel_grain;

/// Calls body(context, i) once for each i in [0, chunks), in any order, on any of the threads.
/// Serial with one thread and inside another run_chunks. The first exception is rethrown.
GRADUS_API void run_chunks(int64_t chunks, void (*body)(void*, int64_t), void* context);

/// Items in one chunk of a loop over `n` > 0 items of `cost` >= 1 each: chunks of about one grain
/// and of equal length, long ones a multiple of 64. Depends only on n, cost and the grain.
inline int64_t chunk_length(int64_t n, int64_t cost) {
  const int64_t grain = parallel_grain.load(std::memory_order_relaxed);
  int64_t work;
  if (!__builtin_mul_overflow(n, cost, &work) && work <= grain) return n;
  const int64_t most = cost < grain ? grain / cost : 1;
  const int64_t chunks = (n - 1) / most + 1;
  const int64_t length = (n - 1) / chunks + 1;
  return length < 1024 ? length : (length + 63) / 64 * 64;
}

}  // namespace detail

/// Calls f(begin, end) for consecutive ranges that cover [0, n), possibly at the same time on
/// several threads. `cost` is the work of one item in float additions. The ranges depend only on n,
/// cost and the grain, never on the number of threads. A single range runs inline.
template <class F>
void parallel_for(int64_t n, int64_t cost, F&& f) {
  if (n <= 0) return;
  const int64_t length = detail::chunk_length(n, cost);
  if (length >= n) {
    f(int64_t{0}, n);
    return;
  }
  struct Loop {
    std::remove_reference_t<F>* f;
    int64_t n, length;
  } loop{&f, n, length};
  detail::run_chunks((n - 1) / length + 1,
                     [](void* context, int64_t chunk) {
                       const Loop& self = *static_cast<Loop*>(context);
                       const int64_t begin = chunk * self.length;
                       const int64_t end =
                           self.n - begin < self.length ? self.n : begin + self.length;
                       (*self.f)(begin, end);
                     },
                     &loop);
}

/// Calls f(i) for each i in [0, n) as parallel_for() does.
template <class F>
void parallel_for_each(int64_t n, int64_t cost, F&& f) {
  parallel_for(n, cost, [&f](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

}  // namespace gradus
