#pragma once
// Loops over elements in batches.
#include <gradus/framework/kernels/simd/batch.h>

#include <cstdint>

namespace gradus::detail {

/// What a loop reads: consecutive elements (stride 1) or one value repeated (stride 0).
template <class T>
class Operand {
 public:
  Operand(const T* x, int64_t stride) : x_(x), mask_(-stride) {
    if (stride != 0) return;
    Batch<T>(*x).store_aligned(copies_);
    x_ = copies_;
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  Batch<T> load(int64_t i) const { return Batch<T>::load_unaligned(x_ + (i & mask_)); }
  /// The rest of the batch is filled with ones: no op raises an exception for them, as some do for
  /// zeros.
  Batch<T> load_first(int64_t n) const { return load_partial(x_, n, T{1}); }

 private:
  const T* x_;
  int64_t mask_;
  alignas(64) T copies_[batch_size<T>];
};

/// y[i] = op(x[i]...) for i in [0, n), always on whole batches, so an element has the same bits at
/// any position. y may be one of the operands.
template <class T, class Op, class... Operands>
void map_batches(T* y, int64_t n, Op op, const Operands&... x) {
  constexpr int64_t step = batch_size<T>;
  if (n < step) {
    store_partial(y, n, op(x.load_first(n)...));
    return;
  }
  // The last batch overlaps the one before it. It is computed first, as y may overwrite an operand.
  const Batch<T> last = op(x.load(n - step)...);
  for (int64_t i = 0; i < n - step; i += step) op(x.load(i)...).store_unaligned(y + i);
  last.store_unaligned(y + n - step);
}

/// map_batches() for an op that returns two batches, of y and of z, which is no operand.
template <class T, class Op, class... Operands>
void map_batches_twice(T* y, T* z, int64_t n, Op op, const Operands&... x) {
  constexpr int64_t step = batch_size<T>;
  if (n < step) {
    const auto [first, second] = op(x.load_first(n)...);
    store_partial(y, n, first);
    store_partial(z, n, second);
    return;
  }
  const auto [last, last_second] = op(x.load(n - step)...);
  for (int64_t i = 0; i < n - step; i += step) {
    const auto [first, second] = op(x.load(i)...);
    first.store_unaligned(y + i);
    second.store_unaligned(z + i);
  }
  last.store_unaligned(y + n - step);
  last_second.store_unaligned(z + n - step);
}

/// map_batches() for a y that is larger than the caches: it is not read before it is written. y
/// is not one of the operands.
template <class T, class Op, class... Operands>
void map_batches_past_caches(T* y, int64_t n, Op op, const Operands&... x) {
  constexpr int64_t step = batch_size<T>;
  if (n < step || reinterpret_cast<uintptr_t>(y) % sizeof(Batch<T>) != 0) {
    return map_batches(y, n, op, x...);
  }
  int64_t i = 0;
  for (; i + step <= n; i += step) store_past_caches<T>(y + i, op(x.load(i)...));
  if (i < n) op(x.load(n - step)...).store_unaligned(y + n - step);
  finish_past_caches();
}

}  // namespace gradus::detail
