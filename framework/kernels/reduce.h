#pragma once
#include <cstdint>

namespace gradus::kernels {

// Reductions see x as [outer, n, inner] and reduce the middle axis: y is [outer, inner]. Blocks of
// fixed size are combined in a fixed order: the bits do not depend on the number of threads.

/// y = sum of x, 0 if n is 0. float and double accumulate in double, in blocks; int64_t wraps
/// around.
template <class T>
void sum(const T* x, T* y, int64_t outer, int64_t n, int64_t inner);

/// y = the sum, accumulated in double, divided by n; NaN if n is 0. T: float, double.
template <class T>
void mean(const T* x, T* y, int64_t outer, int64_t n, int64_t inner);

/// y = the greatest of n >= 1 values and index = its first place, unless `index` is nullptr. A NaN
/// is greater than everything; of several NaNs the first one counts. T: float, double, int64_t.
template <class T>
void max(const T* x, T* y, int64_t* index, int64_t outer, int64_t n, int64_t inner);

/// Like max, for the least value; a NaN is less than everything.
template <class T>
void min(const T* x, T* y, int64_t* index, int64_t outer, int64_t n, int64_t inner);

/// (sum of |x|^p)^(1/p) for p > 0, max |x| if p is infinite, in double and without intermediate
/// overflow; 0 if n is 0, NaN if any x is NaN. T: float, double.
template <class T>
double norm_p(const T* x, int64_t n, double p);

}  // namespace gradus::kernels
