#pragma once
#include <gradus/framework/base/parallel.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace gradus::detail {

/// Adds blocks[1], blocks[2], ... of `width` values each to blocks[0], pairwise.
template <class A>
void add_pairwise(A* blocks, int64_t count, int64_t width) {
  for (int64_t step = 1; step < count; step *= 2)
    for (int64_t b = 0; b + step < count; b += 2 * step)
      for (int64_t i = 0; i < width; ++i) blocks[b * width + i] += blocks[(b + step) * width + i];
}

/// The sum of f(begin, end) over blocks of `block` of the n items, in parallel. `cost` is the work
/// per item.
template <class A, class F>
A blocked_sum(int64_t n, int64_t block, int64_t cost, const F& f) {
  if (n <= block) return f(int64_t{0}, n);
  const int64_t count = (n - 1) / block + 1;
  std::vector<A> parts(static_cast<size_t>(count));
  parallel_for_each(count, block * cost, [&](int64_t b) {
    parts[static_cast<size_t>(b)] = f(b * block, b + 1 < count ? (b + 1) * block : n);
  });
  add_pairwise(parts.data(), count, 1);
  return parts[0];
}

/// The first of n items that find(begin, end) finds, in parallel; -1 if there is none. It gives the
/// first of a range, or its end.
template <class F>
int64_t first_found(int64_t n, const F& find) {
  std::atomic<int64_t> first{n};
  parallel_for(n, 1, [&](int64_t begin, int64_t end) {
    if (begin > first.load(std::memory_order_relaxed)) return;
    const int64_t found = find(begin, end);
    if (found == end) return;
    int64_t known = first.load(std::memory_order_relaxed);
    while (found < known && !first.compare_exchange_weak(known, found, std::memory_order_relaxed)) {
    }
  });
  return first < n ? first.load() : -1;
}

}  // namespace gradus::detail
