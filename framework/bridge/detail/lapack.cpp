#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/bridge/detail/lapack.h>
#include <gradus/framework/bridge/detail/xtensor_linalg.h>
#include <gradus/framework/kernels/blas_threads.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace gradus::detail {

namespace {

/// The layout that LAPACK works on.
template <class T>
using Columns = xt::xtensor<T, 2, xt::layout_type::column_major>;
using Sizes = std::array<std::size_t, 2>;

Sizes sizes(std::int64_t m, std::int64_t n) {
  return {static_cast<std::size_t>(m), static_cast<std::size_t>(n)};
}

/// A row-major matrix [m, n] as an expression.
template <class T>
auto rows(T* a, std::int64_t m, std::int64_t n) {
  return xt::adapt(a, static_cast<std::size_t>(m * n), xt::no_ownership(), sizes(m, n));
}

template <class T>
Columns<T> read(const T* a, std::int64_t m, std::int64_t n) {
  use_one_blas_thread();
  if (m * n > 10'000) warn_of_slow_blas_core();
  return rows(a, m, n);
}

/// The transpose [n, m]: the same memory, column by column.
template <class T>
Columns<T> read_transposed(const T* a, std::int64_t m, std::int64_t n) {
  use_one_blas_thread();
  if (m * n > 10'000) warn_of_slow_blas_core();
  Columns<T> columns(sizes(n, m));
  std::copy(a, a + m * n, columns.data());
  return columns;
}

template <class T, class E>
void write(const E& expression, T* a, std::int64_t m, std::int64_t n) {
  auto out = rows(a, m, n);
  xt::noalias(out) = expression;
}

}  // namespace

template <class T>
bool lapack_solve(const T* a, bool transposed, const T* b, T* x, std::int64_t n, std::int64_t k) {
  Columns<T> matrix = transposed ? read_transposed(a, n, n) : read(a, n, n);
  Columns<T> right = read(b, n, k);
  if (xt::lapack::gesv(matrix, right) != 0) return false;
  write(right, x, n, k);
  return true;
}

template <class T>
bool lapack_solve_triangular(const T* a, Triangle form, const T* b, T* x, std::int64_t m,
                             std::int64_t n) {
  // Read column by column, a holds A^T and b holds b^T. The latter is what x op(A) = b needs,
  // solved as op(A)^T x^T = b^T.
  use_one_blas_thread();
  const std::int64_t size = form.right ? n : m, count = form.right ? m : n;
  Columns<T> right = form.right ? read_transposed(b, m, n) : read(b, m, n);
  const bool stored = form.right != form.transposed;
  using Index = xt::blas_index_t;
  const Index info =
      cxxlapack::trtrs<Index>(form.lower ? 'U' : 'L', stored ? 'N' : 'T', 'N',
                              static_cast<Index>(size), static_cast<Index>(count), a,
                              static_cast<Index>(size), right.data(), static_cast<Index>(size));
  if (info != 0) return false;
  if (form.right)
    std::copy(right.data(), right.data() + m * n, x);
  else
    write(right, x, m, n);
  return true;
}

template <class T>
bool lapack_cholesky(const T* a, T* l, std::int64_t n) {
  Columns<T> matrix = read(a, n, n);
  if (xt::lapack::potr(matrix, 'L') != 0) return false;
  write(matrix, l, n, n);
  for (std::int64_t i = 0; i < n; ++i) {
    if (!(l[i * n + i] > 0)) return false;  // OpenBLAS lets NaN pass
    std::fill(l + i * n + i + 1, l + (i + 1) * n, T{0});
  }
  return true;
}

template <class T>
void lapack_qr(const T* a, T* q, T* r, std::int64_t m, std::int64_t n) {
  const auto [orthogonal, upper] = xt::linalg::qr(read(a, m, n));
  const std::int64_t k = std::min(m, n);
  write(orthogonal, q, m, k);
  write(upper, r, k, n);
}

template <class T>
bool lapack_svd(const T* a, T* u, T* s, T* vh, std::int64_t m, std::int64_t n) {
  const std::int64_t k = std::min(m, n);
  if (!std::all_of(a, a + m * n, [](T v) { return std::isfinite(v); })) {
    constexpr T nan = std::numeric_limits<T>::quiet_NaN();
    std::fill(u, u + m * k, nan);
    std::fill(s, s + k, nan);
    std::fill(vh, vh + k * n, nan);
    return true;
  }
  Columns<T> matrix = read(a, m, n);
  const auto [info, left, values, right] = xt::lapack::gesdd(matrix, 'S');
  if (info != 0) return false;
  write(left, u, m, k);
  std::copy(values.data(), values.data() + k, s);
  write(right, vh, k, n);
  return true;
}

GRADUS_INSTANTIATE_FLOATS(lapack_solve)
GRADUS_INSTANTIATE_FLOATS(lapack_solve_triangular)
GRADUS_INSTANTIATE_FLOATS(lapack_cholesky)
GRADUS_INSTANTIATE_FLOATS(lapack_qr)
GRADUS_INSTANTIATE_FLOATS(lapack_svd)

}  // namespace gradus::detail
