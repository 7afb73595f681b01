#pragma once
#include <gradus/framework/base/export.h>

#include <array>
#include <cstdint>

/// Counter-based random numbers: element i of a draw depends on (seed, offset, i) only, and so
/// neither on the number of threads nor on n. Each offset has its own sequence, independent of the
/// others; draws of different kinds at one (seed, offset) share their bits. T is float or double.
/// Source: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC11).
namespace gradus::kernels {

/// Philox4x32-10: four random words from a counter and a key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// 64 random bits.
GRADUS_API uint64_t random_bits(uint64_t seed, uint64_t offset, uint64_t i);

/// The n words 64 * group, 64 * group + 1, ... of 32 random bits each.
void random_words(uint64_t seed, uint64_t offset, int64_t group, uint32_t* y, int64_t n);

/// y [n] = 0, ..., n - 1 in a random order; all orders are equally likely. Uses
/// permutation_offsets(n) offsets from `offset` on. Sources: Sandelius 1962, "A simple
/// randomization procedure", for the buckets; Fisher and Yates 1938 within one.
void random_permutation(uint64_t seed, uint64_t offset, int64_t* y, int64_t n);
uint64_t permutation_offsets(int64_t n);

/// Uniform in [low, high), never high itself, in steps of 2^-24 (float) or 2^-53 (double) of the
/// width; low where low == high.
template <class T>
void random_uniform(uint64_t seed, uint64_t offset, T* y, int64_t n, T low, T high);

/// Normal with the given mean and standard deviation. Source: Box and Muller (1958).
template <class T>
void random_normal(uint64_t seed, uint64_t offset, T* y, int64_t n, T mean, T deviation);

/// Normal with the given mean and standard deviation, conditional on low <= y <= high. Computed by
/// inverting the distribution function in double, and, in the far tails, the asymptotic series of
/// the tail. Source of its first approximation: Acklam (2003), "An algorithm for computing the
/// inverse normal cumulative distribution function".
template <class T>
void random_truncated_normal(uint64_t seed, uint64_t offset, T* y, int64_t n, double mean,
                             double deviation, double low, double high);

/// `scale` with probability `keep`, else 0; the same choices for float and double.
template <class T>
void random_bernoulli_mask(uint64_t seed, uint64_t offset, T* y, int64_t n, double keep, T scale);

}  // namespace gradus::kernels
