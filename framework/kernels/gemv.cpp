#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/gemv.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <cmath>

namespace gradus::kernels {
namespace {

using detail::Batch;
using detail::batch_size;

/// Elements that are summed in one go, so that long sums of float or double keep their digits.
constexpr int64_t sum_length = 4096;

/// Adds the dot products of `count` rows of A with x to `dots`. A row is summed the same way for
/// any `count`.
template <class T, int64_t count>
void add_dots(int64_t columns, const T* a, int64_t lda, const T* x, T* dots) {
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
    add(j, 0, whole);
    add(j + step, 1, whole);
  }
  for (; j + step <= columns; j += step) add(j, 0, whole);
  if (j < columns) {
    add(j, 1, [&](const T* from) { return detail::load_partial(from, columns - j); });
  }
  for (int64_t r = 0; r < count; ++r) dots[r] += detail::reduce_add(sum[r][0] + sum[r][1]);
}

/// dots[r] = A[r, :] x for `count` rows of A.
template <class T, int64_t count>
void dot_rows(int64_t columns, const T* a, int64_t lda, const T* x, T* dots) {
  std::fill_n(dots, count, T{0});
  if (columns < batch_size<T>) {  // no batch to fill
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t j = 0; j < columns; ++j) dots[r] += a[r * lda + j] * x[j];
    }
    return;
  }
  for (int64_t j = 0; j < columns; j += sum_length) {
    add_dots<T, count>(std::min(sum_length, columns - j), a + j, lda, x + j, dots);
  }
}

/// y = y + x[0] a[0] + ... + x[count - 1] a[count - 1], of rows of A, which are summed up first;
/// `first` leaves out the y that is added.
template <class T, int64_t count, bool first>
void add_rows(int64_t columns, const T* a, int64_t lda, const T* x, T* y) {
  constexpr int64_t step = batch_size<T>;
  const auto sum_at = [&](int64_t j, const auto& load) {
    Batch<T> sum = Batch<T>(x[0]) * load(a + j);
#pragma GCC unroll 8
    for (int64_t r = 1; r < count; ++r) {
      sum = detail::multiply_add(Batch<T>(x[r]), load(a + r * lda + j), sum);
    }
    return first ? sum : load(y + j) + sum;
  };
  const auto whole = [](const T* from) { return Batch<T>::load_unaligned(from); };
  int64_t j = 0;
  for (; j + step <= columns; j += step) sum_at(j, whole).store_unaligned(y + j);
  if (j == columns) return;
  const int64_t rest = columns - j;
  detail::store_partial(y + j, rest,
                        sum_at(j, [&](const T* from) { return detail::load_partial(from, rest); }));
}

template <class T, bool first>
void add_rows(int64_t count, int64_t columns, const T* a, int64_t lda, const T* x, T* y) {
  using Add = void (*)(int64_t, const T*, int64_t, const T*, T*);
  static constexpr Add add[] = {add_rows<T, 1, first>, add_rows<T, 2, first>, add_rows<T, 3, first>,
                                add_rows<T, 4, first>, add_rows<T, 5, first>, add_rows<T, 6, first>,
                                add_rows<T, 7, first>, add_rows<T, 8, first>};
  add[count - 1](columns, a, lda, x, y);
}

/// sums[j] = sum over i of x[i] A[i, j], for up to sum_length rows, eight at a time.
template <class T>
void sum_some_rows(int64_t rows, int64_t columns, const T* a, int64_t lda, const T* x, T* sums) {
  add_rows<T, true>(std::min<int64_t>(8, rows), columns, a, lda, x, sums);
  for (int64_t i = 8; i < rows; i += 8) {
    add_rows<T, false>(std::min<int64_t>(8, rows - i), columns, a + i * lda, lda, x + i, sums);
  }
}

/// The same for any number of rows, for as many columns as the first-level cache holds of `sums`.
template <class T>
void sum_rows(int64_t rows, int64_t columns, const T* a, int64_t lda, const T* x, T* sums) {
  constexpr int64_t block = (int64_t{8} << 10) / sizeof(T);
  const Scratch<T> part(rows > sum_length ? block : 1);
  for (int64_t j = 0; j < columns; j += block) {
    const int64_t n = std::min(block, columns - j);
    sum_some_rows(std::min(sum_length, rows), n, a + j, lda, x, sums + j);
    for (int64_t i = sum_length; i < rows; i += sum_length) {
      sum_some_rows(std::min(sum_length, rows - i), n, a + i * lda + j, lda, x + i, part.data());
      for (int64_t q = 0; q < n; ++q) sums[j + q] += part[q];
    }
  }
}

/// alpha value + beta y, rounded the same way wherever it stands.
template <class T>
T scaled(T value, T alpha, T beta, T y) {
  if (beta == T{0}) return alpha * value;
#ifdef __FMA__
  return std::fma(beta, y, alpha * value);
#else
  return alpha * value + beta * y;
#endif
}

}  // namespace

template <class T>
void gemv(bool transposed, int64_t rows, int64_t columns, T alpha, const T* a, int64_t lda,
          const T* x, int64_t step_x, T beta, T* y, int64_t step_y) {
  const int64_t inner = transposed ? rows : columns, outer = transposed ? columns : rows;
  const auto put = [=](int64_t i, T value) {
    y[i * step_y] = scaled(value, alpha, beta, beta == T{0} ? T{0} : y[i * step_y]);
  };
  if (alpha == T{0} || inner == 0) {
    for (int64_t i = 0; i < outer; ++i) {
      y[i * step_y] = beta == T{0} ? T{0} : beta * y[i * step_y];
    }
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
    for (int64_t j = 0; j < columns; ++j) put(j, sums[j]);
    return;
  }
  T dots[4];
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    dot_rows<T, 4>(columns, a + i * lda, lda, x, dots);
    for (int64_t r = 0; r < 4; ++r) put(i + r, dots[r]);
  }
  for (; i < rows; ++i) {
    dot_rows<T, 1>(columns, a + i * lda, lda, x, dots);
    put(i, dots[0]);
  }
}

GRADUS_INSTANTIATE_FLOATS(gemv)

}  // namespace gradus::kernels
