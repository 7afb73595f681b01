#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/scan.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace gradus::kernels {

namespace {

template <class T>
using Accumulator = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;

constexpr int64_t tile = 128;  // columns that one task scans

/// Calls f(offset of the first element of column 0, columns) for tiles of adjacent columns.
template <class F>
void for_tiles(int64_t outer, int64_t n, int64_t inner, const F& f) {
  if (outer <= 0 || inner <= 0) return;
  const int64_t tiles = (inner - 1) / tile + 1;
  parallel_for_each(outer * tiles, 4 * n * std::min(inner, tile) + 16, [&](int64_t task) {
    const int64_t o = task / tiles, column = task % tiles * tile;
    f(o * n * inner + column, std::min(tile, inner - column));
  });
}

/// y = the carry after op(carry, x), starting from the first row or from the last.
template <class T, class Op>
void scan(const T* x, T* y, int64_t outer, int64_t n, int64_t inner, bool reverse, int start,
          const Op& op) {
  using A = Accumulator<T>;
  for_tiles(outer, n, inner, [&](int64_t offset, int64_t columns) {
    A carry[tile];
    std::fill(carry, carry + columns, static_cast<A>(start));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = offset + (reverse ? n - 1 - i : i) * inner;
      for (int64_t c = 0; c < columns; ++c) {
        carry[c] = op(carry[c], static_cast<A>(x[row + c]));
        y[row + c] = static_cast<T>(carry[c]);
      }
    }
  });
}

/// The product of n contiguous values, in eight partial products.
template <class A, class T>
A product(const T* x, int64_t n) {
  constexpr int64_t lanes = 8;
  A parts[lanes];
  std::fill(parts, parts + lanes, A{1});
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int64_t k = 0; k < lanes; ++k) parts[k] *= static_cast<A>(x[i + k]);
  for (; i < n; ++i) parts[i % lanes] *= static_cast<A>(x[i]);
  return ((parts[0] * parts[1]) * (parts[2] * parts[3])) *
         ((parts[4] * parts[5]) * (parts[6] * parts[7]));
}

}  // namespace

template <class T>
void prod(const T* x, T* y, int64_t R, int64_t C) {
  parallel_for_each(R, C + 8, [=](int64_t row) {
    y[row] = static_cast<T>(product<Accumulator<T>>(x + row * C, C));
  });
}

template <class T>
void prod_vjp(const T* g, const T* x, T* dx, int64_t R, int64_t C) {
  parallel_for(R, 4 * C + 16, [=](int64_t begin, int64_t end) {
    std::vector<double> before(static_cast<size_t>(C));  // product of the values before
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * C;
      T* to = dx + row * C;
      if (g[row] == 0) {
        std::fill(to, to + C, T{0});
        continue;
      }
      double product = 1;
      for (int64_t c = 0; c < C; ++c) {
        before[static_cast<size_t>(c)] = product;
        product *= static_cast<double>(from[c]);
      }
      double after = static_cast<double>(g[row]);
      for (int64_t c = C; c-- > 0;) {
        to[c] = static_cast<T>(before[static_cast<size_t>(c)] * after);
        after *= static_cast<double>(from[c]);
      }
    }
  });
}

template <class T>
void cumsum(const T* x, T* y, int64_t outer, int64_t n, int64_t inner, bool reverse) {
  scan(x, y, outer, n, inner, reverse, 0, [](auto carry, auto v) { return carry + v; });
}

template <class T>
void cumprod(const T* x, T* y, int64_t outer, int64_t n, int64_t inner) {
  scan(x, y, outer, n, inner, false, 1, [](auto carry, auto v) { return carry * v; });
}

template <class T>
void cumprod_vjp(const T* g, const T* x, const T* y, T* dx, int64_t outer, int64_t n,
                 int64_t inner) {
  for_tiles(outer, n, inner, [=](int64_t offset, int64_t columns) {
    double sums[tile] = {};  // x_{i+1} s_{i+1}
    for (int64_t i = n; i-- > 0;) {
      const int64_t row = offset + i * inner;
      for (int64_t c = 0; c < columns; ++c) {
        const double s = static_cast<double>(g[row + c]) + sums[c];
        const double before = i > 0 ? static_cast<double>(y[row - inner + c]) : 1.0;
        dx[row + c] = s == 0 ? T{0} : static_cast<T>(before * s);
        sums[c] = s == 0 ? 0.0 : static_cast<double>(x[row + c]) * s;
      }
    }
  });
}

GRADUS_INSTANTIATE_NUMBERS(prod)
GRADUS_INSTANTIATE_NUMBERS(cumsum)
GRADUS_INSTANTIATE_NUMBERS(cumprod)
GRADUS_INSTANTIATE_FLOATS(prod_vjp)
GRADUS_INSTANTIATE_FLOATS(cumprod_vjp)

}  // namespace gradus::kernels
