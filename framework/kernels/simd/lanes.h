#pragma once
// Loops over the batches of a row, the last of which may be partial.
#include <gradus/framework/kernels/simd/batch.h>

#include <cstdint>

namespace gradus::detail {

/// A whole batch, or the first `n` lanes of one.
struct Whole {};
struct First {
  int64_t n;
};

template <class T>
Batch<T> load(const T* x, Whole) {
  return Batch<T>::load_unaligned(x);
}
template <class T>
Batch<T> load(const T* x, First lanes) {
  return load_partial(x, lanes.n);
}
template <class T>
void store(T* y, const Batch<T>& value, Whole) {
  value.store_unaligned(y);
}
template <class T>
void store(T* y, const Batch<T>& value, First lanes) {
  store_partial(y, lanes.n, value);
}

/// Calls f(i, lanes) for the batches of [begin, end), in order.
template <class T, class F>
void for_batches(int64_t begin, int64_t end, const F& f) {
  int64_t i = begin;
  for (; i + batch_size<T> <= end; i += batch_size<T>) f(i, Whole{});
  if (i < end) f(i, First{end - i});
}

}  // namespace gradus::detail
