#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/blocks.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/kernels/simd/loop.h>
#include <gradus/framework/kernels/simd/wide_sum.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace gradus::kernels {

namespace {

using detail::add_up;
using detail::Batch;
using detail::batch_size;

template <class T>
using Accumulator = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;

constexpr int64_t row_block = 65536;  // elements of a row that one task adds
constexpr int64_t column_tile = 512;  // columns whose sums fit in the first-level cache

template <class T>
const auto* as_unsigned(const T* x) {
  if constexpr (std::is_integral_v<T>)
    return reinterpret_cast<const uint64_t*>(x);
  else
    return x;
}

template <class T>
T finish(Accumulator<T> total, Accumulator<T> divisor) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(total);
  else
    return static_cast<T>(total / divisor);
}

/// y[r] = sum of row r of [rows, n], divided by `divisor`.
template <class T>
void sum_rows(const T* x, T* y, int64_t rows, int64_t n, Accumulator<T> divisor) {
  using A = Accumulator<T>;
  if (n <= row_block) {
    parallel_for_each(rows, n + 8, [=](int64_t r) {
      y[r] = finish<T>(add_up<A>(as_unsigned(x + r * n), n, detail::unchanged), divisor);
    });
    return;
  }
  for (int64_t r = 0; r < rows; ++r) {
    y[r] = finish<T>(detail::blocked_sum<A>(n, row_block, 1,
                                            [=](int64_t begin, int64_t end) {
                                              return add_up<A>(as_unsigned(x + r * n + begin),
                                                               end - begin, detail::unchanged);
                                            }),
                     divisor);
  }
}

/// sums[c] = sum of column c of [n, width <= column_tile], rows `stride` elements apart.
template <class A, class T>
void add_columns(const T* x, int64_t stride, int64_t n, int64_t width, A* sums) {
  constexpr int64_t step = batch_size<A>;
  std::fill(sums, sums + width, A{0});
  int64_t row = 0;
  const auto add_rows = [&](auto count) {  // reads `count` rows at once, and the sums once
    const T* p = x + row * stride;
    int64_t c = 0;
    for (; c + step <= width; c += step) {
      Batch<A> part = detail::load_as<A>(p + c);
      for (int64_t k = 1; k < count; ++k) part += detail::load_as<A>(p + k * stride + c);
      (Batch<A>::load_unaligned(sums + c) + part).store_unaligned(sums + c);
    }
    for (; c < width; ++c) {
      A part = static_cast<A>(p[c]);
      for (int64_t k = 1; k < count; ++k) part += static_cast<A>(p[k * stride + c]);
      sums[c] += part;
    }
    row += count;
  };
  // add_rows advances `row`, which the check does not see.
  // NOLINTBEGIN(bugprone-infinite-loop)
  while (row + 8 <= n) add_rows(std::integral_constant<int64_t, 8>());
  while (row < n) add_rows(std::integral_constant<int64_t, 1>());
  // NOLINTEND(bugprone-infinite-loop)
}

/// The number of rows that one task adds: all of them if there are enough tiles for the threads.
int64_t rows_per_task(int64_t outer, int64_t n, int64_t inner) {
  const int64_t tiles = outer * ((inner - 1) / column_tile + 1);
  return tiles >= 64 ? n : std::max<int64_t>(256, row_block / inner);
}

/// y[o, c] = sum over r of x[o, r, c], divided by `divisor`; inner >= 2.
template <class T>
void sum_columns(const T* x, T* y, int64_t outer, int64_t n, int64_t inner,
                 Accumulator<T> divisor) {
  using A = Accumulator<T>;
  const int64_t tiles = (inner - 1) / column_tile + 1;
  const int64_t rows = std::min(std::max<int64_t>(n, 1), rows_per_task(outer, n, inner));
  const int64_t blocks = n <= rows ? 1 : (n - 1) / rows + 1;
  std::vector<A> parts;  // [outer, blocks, inner]
  if (blocks > 1) parts.resize(static_cast<size_t>(outer * blocks * inner));
  const int64_t cost = rows * std::min(inner, column_tile) + 64;
  parallel_for_each(outer * blocks * tiles, cost, [&](int64_t task) {
    const int64_t tile = task % tiles, block = task / tiles % blocks, o = task / tiles / blocks;
    const int64_t column = tile * column_tile, row = block * rows;
    const int64_t width = std::min(column_tile, inner - column);
    const T* from = x + (o * n + row) * inner + column;
    A sums[column_tile];
    add_columns<A>(as_unsigned(from), inner, std::min(rows, n - row), width, sums);
    if (blocks > 1) {
      std::copy(sums, sums + width, parts.data() + (o * blocks + block) * inner + column);
    } else {
      for (int64_t c = 0; c < width; ++c) y[o * inner + column + c] = finish<T>(sums[c], divisor);
    }
  });
  if (blocks == 1) return;
  for (int64_t o = 0; o < outer; ++o) {
    A* first = parts.data() + o * blocks * inner;
    detail::add_pairwise(first, blocks, inner);
    for (int64_t c = 0; c < inner; ++c) y[o * inner + c] = finish<T>(first[c], divisor);
  }
}

template <class T>
void sum_over(const T* x, T* y, int64_t outer, int64_t n, int64_t inner, Accumulator<T> divisor) {
  if (outer <= 0 || inner <= 0) return;
  if (inner == 1)
    sum_rows(x, y, outer, n, divisor);
  else
    sum_columns(x, y, outer, n, inner, divisor);
}

/// max |x|; NaN if there is one.
template <class T>
double greatest_magnitude(const T* x, int64_t n) {
  constexpr int64_t step = batch_size<T>;
  Batch<T> greatest(T{0});
  auto ordered = greatest == greatest;
  int64_t i = 0;
  for (; i + step <= n; i += step) {
    const Batch<T> magnitude = detail::abs(Batch<T>::load_unaligned(x + i));
    ordered = ordered & (magnitude == magnitude);
    greatest = detail::max(greatest, magnitude);
  }
  T result =
      detail::all(ordered) ? detail::reduce_max(greatest) : std::numeric_limits<T>::quiet_NaN();
  for (; i < n; ++i)
    if (!(std::fabs(x[i]) <= result)) result = std::isnan(result) ? result : std::fabs(x[i]);
  return result;
}

template <class T>
double norm_infinite(const T* x, int64_t n) {
  if (n <= row_block) return greatest_magnitude(x, n);
  const int64_t count = (n - 1) / row_block + 1;
  std::vector<T> parts(static_cast<size_t>(count));
  parallel_for_each(count, row_block, [&](int64_t b) {
    parts[static_cast<size_t>(b)] = static_cast<T>(
        greatest_magnitude(x + b * row_block, std::min(row_block, n - b * row_block)));
  });
  return greatest_magnitude(parts.data(), count);
}

/// The sum over x of f(value), where the value is a double or a batch of doubles.
template <class T, class F>
double sum_of(const T* x, int64_t n, const F& f) {
  return detail::blocked_sum<double>(n, row_block, 1, [&](int64_t begin, int64_t end) {
    return add_up<double>(x + begin, end - begin, f);
  });
}

/// The same, one by one, for functions that have no batch version.
template <class T, class F>
double plain_sum_of(const T* x, int64_t n, const F& f) {
  return detail::blocked_sum<double>(n, 1024, 64, [&](int64_t begin, int64_t end) {
    double total = 0;
    for (int64_t i = begin; i < end; ++i) total += f(static_cast<double>(x[i]));
    return total;
  });
}

}  // namespace

template <class T>
void sum(const T* x, T* y, int64_t outer, int64_t n, int64_t inner) {
  sum_over(x, y, outer, n, inner, Accumulator<T>{1});
}

template <class T>
void mean(const T* x, T* y, int64_t outer, int64_t n, int64_t inner) {
  sum_over(x, y, outer, n, inner, static_cast<double>(n));
}

template <class T>
double norm_p(const T* x, int64_t n, double p) {
  if (n <= 0) return 0;
  if (std::isinf(p)) return norm_infinite(x, n);
  if (p == 1) {
    return sum_of(x, n, [](const auto& v) {
      using std::abs;  // for a number; for a batch it is detail::abs
      return abs(v);
    });
  }
  if (p == 2) {
    const double squares = sum_of(x, n, [](const auto& v) { return v * v; });
    if (squares > 1e-280 && squares <= std::numeric_limits<double>::max())
      return std::sqrt(squares);
  }
  // |x|^p may be out of range even if the norm is not: factor out the greatest.
  const double greatest = norm_infinite(x, n);
  if (greatest == 0 || !std::isfinite(greatest)) return greatest;
  const double total =
      plain_sum_of(x, n, [=](double v) { return std::pow(std::fabs(v) / greatest, p); });
  return greatest * std::pow(total, 1 / p);
}

GRADUS_INSTANTIATE_NUMBERS(sum)
GRADUS_INSTANTIATE_FLOATS(mean)
GRADUS_INSTANTIATE_FLOATS(norm_p)

}  // namespace gradus::kernels
