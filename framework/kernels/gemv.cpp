#include <gradus/framework/kernels/gemv.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

using detail::Batch;
using detail::batch_size;

/// The dot products of `count` rows of A with x. A row is summed the same way for any `count`.
template <class T, int64_t count>
void dot_rows(int64_t columns, const T* a, int64_t lda, const T* x, T* dots) {
  constexpr int64_t step = batch_size<T>, lanes = 2 * step;
  Batch<T> sum[count][2];
  for (auto& row : sum) std::fill(row, row + 2, Batch<T>(T{0}));
  const auto add = [&](int64_t j, int64_t part, const auto& load) {
    const Batch<T> factor = load(x + j);
#pragma GCC unroll 4
    for (int64_t r = 0; r < count; ++r) {
      sum[r][part] = detail::multiply_add(factor, load(a + r * lda + j), sum[r][part]);
    }
  };
  const auto whole = [](const T* from) { return Batch<T>::load_unaligned(from); };
  int64_t j = 0;
  for (; j + lanes <= columns; j += lanes) {
#pragma GCC unroll 4
    for (int64_t part = 0; part < 2; ++part) add(j + part * step, part, whole);
  }
  for (; j + step <= columns; j += step) add(j, 0, whole);
  if (j < columns)
    add(j, 1, [&](const T* from) { return detail::load_partial(from, columns - j); });
  for (int64_t r = 0; r < count; ++r) {
    dots[r] = detail::reduce_add(sum[r][0] + sum[r][1]);
  }
}

/// y += x[0] a[0] + ... + x[count - 1] a[count - 1], of rows of A, which are summed up first.
template <class T, int64_t count>
void add_rows(int64_t columns, const T* a, int64_t lda, const T* x, T* y) {
  constexpr int64_t step = batch_size<T>;
  const auto sum_at = [&](int64_t j, const auto& load) {
    Batch<T> sum = Batch<T>(x[0]) * load(a + j);
#pragma GCC unroll 8
    for (int64_t r = 1; r < count; ++r) {
      sum = detail::multiply_add(Batch<T>(x[r]), load(a + r * lda + j), sum);
    }
    return load(y + j) + sum;
  };
  const auto whole = [](const T* from) { return Batch<T>::load_unaligned(from); };
  int64_t j = 0;
  for (; j + step <= columns; j += step) sum_at(j, whole).store_unaligned(y + j);
  if (j == columns) return;
  const int64_t rest = columns - j;
  detail::store_partial(y + j, rest,
                        sum_at(j, [&](const T* from) { return detail::load_partial(from, rest); }));
}

/// sums[j] = sum over i of x[i] A[i, j]; eight rows at a time, for as many columns as the
/// first-level cache holds of `sums`.
template <class T>
void sum_rows(int64_t rows, int64_t columns, const T* a, int64_t lda, const T* x, T* sums) {
  constexpr int64_t block = (int64_t{16} << 10) / sizeof(T);
  std::fill_n(sums, columns, T{0});
  for (int64_t j = 0; j < columns; j += block) {
    const int64_t n = std::min(block, columns - j);
    int64_t i = 0;
    for (; i + 8 <= rows; i += 8) add_rows<T, 8>(n, a + i * lda + j, lda, x + i, sums + j);
    for (; i < rows; ++i) add_rows<T, 1>(n, a + i * lda + j, lda, x + i, sums + j);
  }
}

template <class T>
void put(T value, T alpha, T beta, T& y) {
  y = beta == T{0} ? alpha * value : alpha * value + beta * y;
}

}  // namespace

template <class T>
void gemv(bool transposed, int64_t rows, int64_t columns, T alpha, const T* a, int64_t lda,
          const T* x, int64_t step_x, T beta, T* y, int64_t step_y) {
  const int64_t inner = transposed ? rows : columns, outer = transposed ? columns : rows;
  if (alpha == T{0} || inner == 0) {
    for (int64_t i = 0; i < outer; ++i) put(T{0}, T{0}, beta, y[i * step_y]);
    return;
  }
  const Scratch<T> copy(step_x == 1 ? 1 : inner);
  if (step_x != 1) {
    for (int64_t i = 0; i < inner; ++i) copy[i] = x[i * step_x];
    x = copy.data();
  }
  if (transposed) {
    const Scratch<T> sums(columns);
    sum_rows(rows, columns, a, lda, x, sums.data());
    for (int64_t j = 0; j < columns; ++j) put(sums[j], alpha, beta, y[j * step_y]);
    return;
  }
  T dots[4];
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    dot_rows<T, 4>(columns, a + i * lda, lda, x, dots);
    for (int64_t r = 0; r < 4; ++r) put(dots[r], alpha, beta, y[(i + r) * step_y]);
  }
  for (; i < rows; ++i) {
    dot_rows<T, 1>(columns, a + i * lda, lda, x, dots);
    put(dots[0], alpha, beta, y[i * step_y]);
  }
}

template void gemv(bool, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t,
                   float, float*, int64_t);
template void gemv(bool, int64_t, int64_t, double, const double*, int64_t, const double*, int64_t,
                   double, double*, int64_t);

}  // namespace gradus::kernels
