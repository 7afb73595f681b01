#pragma once

// How many operations a processor finishes: sums that stay in registers, enough of them for two
// units that start one a cycle and take six to finish.

#include <immintrin.h>

#include <cstdint>

namespace peers {

inline constexpr int kSums = 12;
inline constexpr float kFactor = 0.999F, kAddend = 1e-3F;
inline volatile float unread = 0;  // NOLINT: what is written here is not optimised away

inline double operations(int64_t times, int width) {
  return 2.0 * kSums * width * static_cast<double>(times);  // a product and a sum each
}

[[gnu::target("avx512f")]] inline double with_avx512(int64_t times) {
  const __m512 factor = _mm512_set1_ps(kFactor), addend = _mm512_set1_ps(kAddend);
  __m512 sums[kSums];
  for (int k = 0; k < kSums; ++k) sums[k] = _mm512_set1_ps(static_cast<float>(k));
  for (int64_t i = 0; i < times; ++i) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, addend);
  }
  for (const __m512 sum : sums) unread = _mm512_cvtss_f32(sum);
  return operations(times, 16);
}

[[gnu::target("avx2,fma")]] inline double with_fma(int64_t times) {
  const __m256 factor = _mm256_set1_ps(kFactor), addend = _mm256_set1_ps(kAddend);
  __m256 sums[kSums];
  for (int k = 0; k < kSums; ++k) sums[k] = _mm256_set1_ps(static_cast<float>(k));
  for (int64_t i = 0; i < times; ++i) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, addend);
  }
  for (const __m256 sum : sums) unread = _mm256_cvtss_f32(sum);
  return operations(times, 8);
}

inline double with_sse2(int64_t times) {
  const __m128 factor = _mm_set1_ps(kFactor), addend = _mm_set1_ps(kAddend);
  __m128 sums[kSums];
  for (int k = 0; k < kSums; ++k) sums[k] = _mm_set1_ps(static_cast<float>(k));
  for (int64_t i = 0; i < times; ++i) {
    for (__m128& sum : sums) sum = _mm_add_ps(_mm_mul_ps(sum, factor), addend);
  }
  for (const __m128 sum : sums) unread = _mm_cvtss_f32(sum);
  return operations(times, 4);
}

/// The widest set that this processor has, and the loop that uses it.
struct Peak {
  const char* set;
  int width;                     // values in a register
  double (*run)(int64_t times);  // returns how many operations that were
};

inline Peak widest() {
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", 16, with_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {"AVX2+FMA", 8, with_fma};
  }
  return {"SSE2", 4, with_sse2};
}

}  // namespace peers
