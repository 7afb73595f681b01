#pragma once
#include <gradus/framework/base/parallel.h>
#include <gradus/tests/support/threads_guard.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace gradus::kernels {

template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T nan_value = std::numeric_limits<T>::quiet_NaN();

using Ids = std::vector<int64_t>;

inline size_t at(int64_t i) { return static_cast<size_t>(i); }

/// Distance of `actual` from `exact` in units in the last place of T at `exact`.
template <class T>
double ulps(T actual, long double exact) {
  if (std::isnan(exact)) return std::isnan(actual) ? 0 : infinity<double>;
  const T rounded = static_cast<T>(exact);
  if (std::isinf(rounded) || std::isinf(actual)) return actual == rounded ? 0 : infinity<double>;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  const int lowest = std::numeric_limits<T>::min_exponent;
  const int digits = std::numeric_limits<T>::digits;
  const long double ulp =
      std::ldexp(1.0L, (rounded == 0 || exponent < lowest ? lowest : exponent) - digits);
  return static_cast<double>(std::fabs(static_cast<long double>(actual) - exact) / ulp);
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
std::vector<T> random_values(int64_t n, T low, T high, unsigned seed = 1) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<T> distribution(low, high);
  std::vector<T> values(static_cast<size_t>(n));
  for (T& value : values) value = distribution(engine);
  return values;
}

/// Calls f() with 1, 2, 3 and 8 threads and returns what it gave each time.
template <class F>
auto with_threads(F f) {
  const int before = num_threads();
  std::vector<decltype(f())> results;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    results.push_back(f());
  }
  set_num_threads(before);
  return results;
}

template <class T>
std::vector<T> random_rows(int64_t n, unsigned seed = 2) {
  return random_values<T>(n, -1, 1, seed);
}

}  // namespace gradus::kernels
