#include <gradus/framework/kernels/gemm_tile.h>

#include <array>
#include <utility>

namespace gradus::kernels {
namespace {

using gradus::detail::Batch;
using gradus::detail::batch_size;

template <class T, TileLeft left, int64_t rows>
void multiply(int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step, int64_t columns,
              const TileTarget<T>& to) {
  constexpr int64_t step = batch_size<T>, width = tile_columns<T>;
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

template <class T, TileLeft left>
constexpr auto products = []<int64_t... i>(std::integer_sequence<int64_t, i...>) {
  return std::array<MultiplyTile<T>, sizeof...(i)>{multiply<T, left, i + 1>...};
}
(std::make_integer_sequence<int64_t, tile_rows>());

}  // namespace

template <class T, TileLeft left>
MultiplyTile<T> multiply_tile(int64_t rows) {
  return products<T, left>[static_cast<size_t>(rows - 1)];
}

template MultiplyTile<float> multiply_tile<float, TileLeft::by_rows>(int64_t);
template MultiplyTile<float> multiply_tile<float, TileLeft::by_columns>(int64_t);
template MultiplyTile<double> multiply_tile<double, TileLeft::by_rows>(int64_t);
template MultiplyTile<double> multiply_tile<double, TileLeft::by_columns>(int64_t);

}  // namespace gradus::kernels
