#pragma once
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <cstdint>

namespace gradus::detail {

/// Prefetches the `elements` that come 8 KiB after x: the hardware's own prefetching stops at the
/// end of each page. Addresses past the end do no harm.
template <class T>
void ask_ahead(const T* x, int64_t elements) {
  const char* at = reinterpret_cast<const char*>(x) + 8192;
  for (int64_t i = 0; i < elements * int64_t{sizeof(T)}; i += 64) __builtin_prefetch(at + i);
}

/// The sum of f(batch) over n contiguous elements, in runs of 1024 so that double stays accurate.
template <class A, class T, class F>
A add_up(const T* x, int64_t n, const F& f) {
  constexpr int64_t step = batch_size<A>;
  A total = 0;
  for (int64_t i = 0; i < n;) {
    const int64_t end = std::min(n, i + 1024);
    A part = 0;
    if (end - i >= step) {
      Batch<A> s0(A{0}), s1 = s0, s2 = s0, s3 = s0;
      for (; i + 4 * step <= end; i += 4 * step) {
        ask_ahead(x + i, 4 * step);
        s0 += f(load_as<A>(x + i));
        s1 += f(load_as<A>(x + i + step));
        s2 += f(load_as<A>(x + i + 2 * step));
        s3 += f(load_as<A>(x + i + 3 * step));
      }
      for (; i + step <= end; i += step) s0 += f(load_as<A>(x + i));
      part = reduce_add<A>((s0 + s1) + (s2 + s3));
    }
    for (; i < end; ++i) part += f(static_cast<A>(x[i]));
    total += part;
  }
  return total;
}

inline constexpr auto unchanged = [](const auto& x) { return x; };

}  // namespace gradus::detail
