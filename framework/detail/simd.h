#pragma once
// The one file that includes xsimd. A build with -march=native gives AVX-512 on machines that have
// it; everything here is also right with plain SSE2.
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <xsimd/xsimd.hpp>

namespace gradus::detail {

template <class T>
using Batch = xsimd::batch<T>;

template <class T>
inline constexpr int64_t batch_size = static_cast<int64_t>(Batch<T>::size);

#if defined(__AVX__) && !defined(__AVX512F__)
/// All ones in the first n lanes of as many bits as T has.
template <class T>
__m256i first_lanes(int64_t n) {
  using Int = xsimd::as_integer_t<T>;
  static constexpr Int lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes + 8 - n));
}
#endif

/// The first n < batch_size<T> elements at x; `rest` in the other lanes.
template <class T>
Batch<T> load_partial(const T* x, int64_t n, T rest = T{0}) {
  const Batch<T> others(rest);
#ifdef __AVX512F__
  const unsigned mask = (1U << static_cast<unsigned>(n)) - 1U;
  if constexpr (std::is_same_v<T, float>)
    return _mm512_mask_loadu_ps(others, static_cast<__mmask16>(mask), x);
  else
    return _mm512_mask_loadu_pd(others, static_cast<__mmask8>(mask), x);
#elif defined(__AVX__)
  const __m256i mask = first_lanes<T>(n);
  if constexpr (std::is_same_v<T, float>)
    return _mm256_blendv_ps(others, _mm256_maskload_ps(x, mask), _mm256_castsi256_ps(mask));
  else
    return _mm256_blendv_pd(others, _mm256_maskload_pd(x, mask), _mm256_castsi256_pd(mask));
#else
  alignas(64) T lanes[batch_size<T>];
  others.store_aligned(lanes);
  std::memcpy(lanes, x, static_cast<size_t>(n) * sizeof(T));
  return Batch<T>::load_aligned(lanes);
#endif
}

/// Writes the first n < batch_size<T> lanes.
template <class T>
void store_partial(T* y, int64_t n, const Batch<T>& value) {
#ifdef __AVX512F__
  const unsigned mask = (1U << static_cast<unsigned>(n)) - 1U;
  if constexpr (std::is_same_v<T, float>)
    _mm512_mask_storeu_ps(y, static_cast<__mmask16>(mask), value);
  else
    _mm512_mask_storeu_pd(y, static_cast<__mmask8>(mask), value);
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    _mm256_maskstore_ps(y, first_lanes<T>(n), value);
  else
    _mm256_maskstore_pd(y, first_lanes<T>(n), value);
#else
  alignas(64) T lanes[batch_size<T>];
  value.store_aligned(lanes);
  std::memcpy(y, lanes, static_cast<size_t>(n) * sizeof(T));
#endif
}

/// The next batch_size<double> elements at x, converted exactly: xsimd 8.1 does it one by one.
inline Batch<double> load_as_double(const float* x) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif defined(__AVX__)
  return _mm256_cvtps_pd(_mm_loadu_ps(x));
#else
  using In [[gnu::vector_size(sizeof(float) * Batch<double>::size)]] = float;
  using Out [[gnu::vector_size(sizeof(double) * Batch<double>::size)]] = double;
  In values;
  std::memcpy(&values, x, sizeof values);
  return Batch<double>(__builtin_convertvector(values, Out));
#endif
}

template <class Wide, class T>
Batch<Wide> load_as(const T* x) {
  if constexpr (std::is_same_v<Wide, T>)
    return Batch<Wide>::load_unaligned(x);
  else
    return load_as_double(x);
}

/// All lanes combined by `op` on batches, in a fixed tree.
template <class T, class Op, size_t half = Batch<T>::size / 2>
T reduce_lanes(const Batch<T>& x, const Op& op) {
  const auto lanes = static_cast<typename Batch<T>::register_type>(x);
  if constexpr (half == 0) {
    return static_cast<T>(lanes[0]);
  } else {
    // In registers: through memory it would wait for each store.
    const auto rotated = [&]<size_t... i>(std::index_sequence<i...>) {
      return __builtin_shufflevector(lanes, lanes, ((i + half) % sizeof...(i))...);
    }
    (std::make_index_sequence<Batch<T>::size>());
    return reduce_lanes<T, Op, half / 2>(op(x, Batch<T>(rotated)), op);
  }
}

template <class T>
T reduce_add(const Batch<T>& x) {
  return reduce_lanes(x, [](const Batch<T>& a, const Batch<T>& b) { return a + b; });
}

/// For lanes without NaN.
template <class T>
T reduce_max(const Batch<T>& x) {
  return reduce_lanes(x, [](const Batch<T>& a, const Batch<T>& b) { return xsimd::max(a, b); });
}

/// For lanes without NaN.
template <class T>
T reduce_min(const Batch<T>& x) {
  return reduce_lanes(x, [](const Batch<T>& a, const Batch<T>& b) { return xsimd::min(a, b); });
}

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
  Batch<T> load_first(int64_t n) const { return load_partial(x_, n); }

 private:
  const T* x_;
  int64_t mask_;
  alignas(64) T copies_[batch_size<T>];
};

/// y[i] = op(x[i]...) for i in [0, n), always on whole batches, so that an element has the same
/// bits at any position. y may be one of the operands.
template <class T, class Op, class... Operands>
void map(T* y, int64_t n, Op op, const Operands&... x) {
  constexpr int64_t step = batch_size<T>;
  if (n < step) {
    store_partial(y, n, op(x.load_first(n)...));
    return;
  }
  // The last batch overlaps the one before it; computed first, as y may overwrite an operand.
  const Batch<T> last = op(x.load(n - step)...);
  for (int64_t i = 0; i < n - step; i += step) op(x.load(i)...).store_unaligned(y + i);
  last.store_unaligned(y + n - step);
}

/// Writes an aligned batch to memory, past the caches.
template <class T>
void store_past_caches(T* y, const Batch<T>& value) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    _mm512_stream_ps(y, value);
  else
    _mm512_stream_pd(y, value);
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    _mm256_stream_ps(y, value);
  else
    _mm256_stream_pd(y, value);
#elif defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>)
    _mm_stream_ps(y, value);
  else
    _mm_stream_pd(y, value);
#else
  value.store_aligned(y);
#endif
}

/// What store_past_caches() wrote may be read by other threads from here on.
inline void finish_past_caches() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

/// map() for a y that is larger than the caches: it is not read before it is written. y is none of
/// the operands.
template <class T, class Op, class... Operands>
void map_past_caches(T* y, int64_t n, Op op, const Operands&... x) {
  constexpr int64_t step = batch_size<T>;
  if (n < step || reinterpret_cast<uintptr_t>(y) % sizeof(Batch<T>) != 0) {
    return map(y, n, op, x...);
  }
  int64_t i = 0;
  for (; i + step <= n; i += step) store_past_caches<T>(y + i, op(x.load(i)...));
  if (i < n) op(x.load(n - step)...).store_unaligned(y + n - step);
  finish_past_caches();
}

}  // namespace gradus::detail
