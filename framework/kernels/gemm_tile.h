#pragma once
// The inner loop of our own products: a tile of C that is kept in registers.
#include <gradus/framework/kernels/simd/batch.h>

#include <cstdint>

namespace gradus::kernels {

// A tile takes 12 of 16 registers, or 28 of 32.
#ifdef __AVX512F__
inline constexpr int64_t tile_rows = 14;
#else
inline constexpr int64_t tile_rows = 6;
#endif
template <class T>
inline constexpr int64_t tile_columns = 2 * gradus::detail::batch_size<T>;

/// Where a tile is written: c[i * row_step + j * column_step] = alpha tile[i, j] + beta c[...].
template <class T>
struct TileTarget {
  T alpha, beta;
  T* c;
  int64_t row_step, column_step;

  TileTarget at(int64_t i, int64_t j) const {
    return {alpha, beta, c + i * row_step + j * column_step, row_step, column_step};
  }
};

/// How the left operand A [rows, k] lies in memory: A[i, p] = a[i * step + p], or a[p * step + i].
enum class TileLeft { by_rows, by_columns };

/// C [rows, columns] = A [rows, k] B [k, tile_columns], of which `columns` columns are used. Rows
/// of B are aligned and `b_step` elements apart. An element is the sum over p = 0, 1, ... in order.
template <class T>
using MultiplyTile = void (*)(int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step,
                              int64_t columns, const TileTarget<T>& to);

/// The function for so many rows, 1 to tile_rows. T is float or double.
template <class T, TileLeft left>
MultiplyTile<T> multiply_tile(int64_t rows);

}  // namespace gradus::kernels
