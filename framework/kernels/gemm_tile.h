#pragma once
// The inner loop of our own products: a tile of C that is kept in registers.
#include <gradus/framework/kernels/simd/batch.h>

#include <array>
#include <cstdint>
#include <utility>

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
template <class T, TileLeft left, int64_t rows>
void multiply_tile(int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step,
                   int64_t columns, const TileTarget<T>& to) {
  using gradus::detail::Batch;
  constexpr int64_t step = gradus::detail::batch_size<T>, width = tile_columns<T>;
  Batch<T> sum[rows][2];
#pragma GCC unroll 16
  for (int64_t i = 0; i < rows; ++i) {
    sum[i][0] = sum[i][1] = Batch<T>(T{0});
    __builtin_prefetch(to.c + i * to.row_step, 1);
    __builtin_prefetch(to.c + i * to.row_step + width - 1, 1);
  }
#pragma GCC unroll 4
  for (int64_t p = 0; p < k; ++p) {
    const Batch<T> first = Batch<T>::load_aligned(b + p * b_step);
    const Batch<T> second = Batch<T>::load_aligned(b + p * b_step + step);
#pragma GCC unroll 16
    for (int64_t i = 0; i < rows; ++i) {
      const Batch<T> factor(left == TileLeft::by_columns ? a[p * a_step + i] : a[i * a_step + p]);
      sum[i][0] = gradus::detail::multiply_add(factor, first, sum[i][0]);
      sum[i][1] = gradus::detail::multiply_add(factor, second, sum[i][1]);
    }
  }
  const Batch<T> alpha(to.alpha), beta(to.beta);
  if (columns == width && to.column_step == 1) {
#pragma GCC unroll 16
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t half = 0; half < 2; ++half) {
        T* y = to.c + i * to.row_step + half * step;
        Batch<T> value = alpha * sum[i][half];
        if (to.beta != T{0}) {
          value = gradus::detail::multiply_add(beta, Batch<T>::load_unaligned(y), value);
        }
        value.store_unaligned(y);
      }
    }
    return;
  }
  alignas(64) T tile[rows][width];
#pragma GCC unroll 16
  for (int64_t i = 0; i < rows; ++i) {
    (alpha * sum[i][0]).store_aligned(tile[i]);
    (alpha * sum[i][1]).store_aligned(tile[i] + step);
  }
  for (int64_t j = 0; j < columns; ++j) {
    T* y = to.c + j * to.column_step;
#pragma GCC unroll 16
    for (int64_t i = 0; i < rows; ++i, y += to.row_step) {
      *y = to.beta == T{0} ? tile[i][j] : tile[i][j] + to.beta * *y;
    }
  }
}

template <class T>
using MultiplyTile = void (*)(int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step,
                              int64_t columns, const TileTarget<T>& to);

/// multiply_tile for 1, 2, ... tile_rows rows.
template <class T, TileLeft left>
inline constexpr auto multiply_tiles = []<int64_t... i>(std::integer_sequence<int64_t, i...>) {
  return std::array<MultiplyTile<T>, sizeof...(i)>{multiply_tile<T, left, i + 1>...};
}
(std::make_integer_sequence<int64_t, tile_rows>());

}  // namespace gradus::kernels
