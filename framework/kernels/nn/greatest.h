#pragma once
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace gradus::kernels {

/// True for a NaN too, but nothing is above one.
template <class T>
bool is_above(T a, T b) {
  return !(a <= b) && b == b;
}

/// The greatest of `least` and some values of each channel, and their first rows.
template <class T>
class Greatest {
 public:
  Greatest(int64_t width, T least) : width_(width), least_(least), values_(width), rows_(width) {}

  /// Of rows of x, `stride` elements apart, plus the bias [width] unless that is null. There are
  /// less than 2^31 of them.
  void find(int64_t rows, const T* x, int64_t stride, const T* bias) const {
    T* __restrict values = values_.data();
    Row* __restrict places = rows_.data();
    std::fill_n(values, width_, least_);
    for (int64_t i = 0; i < rows; ++i) {
      const T* __restrict row = x + i * stride;
      for (int64_t c = 0; c < width_; ++c) {
        const T value = bias ? row[c] + bias[c] : row[c];
        const bool above = is_above(value, values[c]);
        values[c] = above ? value : values[c];
        places[c] = above ? static_cast<Row>(i) : places[c];
      }
    }
  }

  /// y [width] = the greater of both; where y changes, its place is that of the row, which are
  /// first, first + step, ...
  void merge_into(T* y, int64_t* places, int64_t first, int64_t step) const {
    for (int64_t c = 0; c < width_; ++c) {
      if (!is_above(values_[c], y[c])) continue;
      y[c] = values_[c];
      places[c] = first + rows_[c] * step;
    }
  }

 private:
  using Row = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;  // as wide as T, for vectors

  int64_t width_;
  T least_;
  Scratch<T> values_;
  Scratch<Row> rows_;
};

}  // namespace gradus::kernels
