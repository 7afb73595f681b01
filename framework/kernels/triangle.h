#pragma once
#include <cstdint>

namespace gradus::kernels {

/// y = x on and below diagonal k of `count` matrices [rows, columns] (on and above it if `upper`),
/// 0 elsewhere. Diagonal k holds the elements with column - row = k. T is any of the four dtypes.
template <class T>
void triangle(const T* x, T* y, int64_t count, int64_t rows, int64_t columns, int64_t k,
              bool upper);

/// A diagonal of axes n0 and n1 of a tensor [a, n0, b, n1, c]: `length` elements from
/// [row, column] on.
struct Diagonal {
  int64_t a, n0, b, n1, c;
  int64_t row, column, length;
};

/// y [a, b, c, length] = the diagonals of x. T is any of the four dtypes.
template <class T>
void take_diagonal(const T* x, T* y, const Diagonal& d);
/// The diagonals of y = x [a, b, c, length]; the rest of y is unchanged.
template <class T>
void set_diagonal(const T* x, T* y, const Diagonal& d);
/// The diagonals of y += x [a, b, c, length]. T is float or double.
template <class T>
void add_diagonal(const T* x, T* y, const Diagonal& d);

}  // namespace gradus::kernels
