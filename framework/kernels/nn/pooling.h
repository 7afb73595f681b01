#pragma once
#include <gradus/framework/kernels/nn/sequences.h>

#include <algorithm>
#include <cstdint>

// Maxima and means over windows of sequences. T is float or double. Elements from the end of a
// sequence on are not read, and written as 0. Nothing depends on the number of threads.
namespace gradus::kernels {

/// The elements begin, begin + step, ... below `end` of a sequence; and how many its mean divides
/// by.
struct PoolWindow {
  int64_t begin, end, step, divisor;
};

/// The windows that the elements of a result are made of.
struct PoolWindows {
  int64_t size, stride, padding, dilation;
  bool counts_padding;  ///< in the divisor of a mean
  int64_t parts;        ///< if not 0, there are so many windows of about equal size instead

  PoolWindow at(int64_t i, int64_t length) const {
    if (parts > 0) {
      const int64_t begin = i * length / parts, end = ((i + 1) * length + parts - 1) / parts;
      return {begin, end, 1, end - begin};
    }
    const int64_t start = i * stride - padding, skipped = (dilation - 1 - start) / dilation;
    const int64_t begin = start < 0 ? start + skipped * dilation : start;
    const int64_t end = std::min(start + (size - 1) * dilation + 1, length);
    const int64_t with_padding = std::min(start + size, length + padding) - start;
    return {begin, end, dilation, counts_padding ? with_padding : end - begin};
  }
};

/// y = the greatest element of each window, and its first place in the sequence. A NaN is greater
/// than everything. Of a window without elements it is -infinity, and the place is -1; in padding
/// the place is -1 too.
template <class T>
void max_pool(const PoolWindows& windows, const Sequences& from, const Sequences& to, const T* x,
              T* y, int64_t* places);
template <class T>
void max_pool_vjp(const Sequences& from, const Sequences& to, const int64_t* places, const T* d_y,
                  T* d_x);

/// y = the mean of each window.
template <class T>
void mean_pool(const PoolWindows& windows, const Sequences& from, const Sequences& to, const T* x,
               T* y);
template <class T>
void mean_pool_vjp(const PoolWindows& windows, const Sequences& from, const Sequences& to,
                   const T* d_y, T* d_x);

}  // namespace gradus::kernels
