#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/blas.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/gemv.h>
#include <gradus/framework/kernels/onednn_gemm.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

namespace gradus::kernels {
namespace {

CBLAS_TRANSPOSE transpose(bool flag) { return flag ? CblasTrans : CblasNoTrans; }

// The longest side of a product that is passed to BLAS, whose sizes are int.
constexpr int64_t longest = int64_t{1} << 24;

int as_int(int64_t x) { return static_cast<int>(x); }

void blas_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
               int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, transpose(ta), transpose(tb), as_int(m), as_int(n), as_int(k), alpha,
              a, as_int(lda), b, as_int(ldb), beta, c, as_int(ldc));
}

void blas_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
               int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  cblas_dgemm(CblasRowMajor, transpose(ta), transpose(tb), as_int(m), as_int(n), as_int(k), alpha,
              a, as_int(lda), b, as_int(ldb), beta, c, as_int(ldc));
}

template <class T>
struct Operands {
  const T* a;
  const T* b;
  T* c;
};

/// The product C [m, n] = alpha op(A) op(B) + beta C without its data.
template <class T>
struct Product {
  bool ta, tb;
  int64_t m, n, k;
  T alpha, beta;
  int64_t lda, ldb, ldc;

  /// The work, in additions of one float.
  int64_t cost() const {
    return std::max<int64_t>(m * n / 8 * k / 2, m * n + k * (m + n) / 8) + 64;
  }

  /// Rows [i, i + rows) and columns [j, j + columns) of C.
  void run_block(const Operands<T>& at, int64_t i, int64_t rows, int64_t j, int64_t columns) const {
    const Operands<T> from = {at.a + (ta ? i : i * lda), at.b + (tb ? j * ldb : j),
                              at.c + i * ldc + j};
    if (k > longest_sum(rows, columns)) {
      run_sums(from, rows, columns);
    } else if (std::max({rows, columns, k, lda, ldb, ldc}) <= longest) {
      run_piece(from, rows, columns);
    } else {
      run_pieces(from, rows, columns);
    }
  }

  /// The longest k over which products may be summed in float. For matrices some hundred are summed
  /// at a time, for a vector some thousand in many parts; for narrow matrices, and if there are few
  /// multiply-adds, one by one, which is 0.1 % off at 10^5.
  int64_t longest_sum(int64_t rows, int64_t columns) const {
    if (std::is_same_v<T, double>) return std::numeric_limits<int64_t>::max();
    constexpr int64_t few = 1 << 20;  // OpenBLAS has special kernels for up to 10^6
    const int64_t small = 2048, most = int64_t{1} << 18, elements = rows * columns;
    if (rows == 1 || columns == 1) return most;
    if (std::min(rows, columns) < 16) return small;
    return elements <= few / small && elements * k <= few ? small : most;
  }

  /// Computes a block as a sum, in double, of products over pieces of k.
  void run_sums(const Operands<T>& from, int64_t rows, int64_t columns) const {
    const int64_t piece = longest_sum(rows, columns) / 2, elements = rows * columns;
    const Scratch<double> sums(elements);
    const Scratch<T> addends(elements);
    std::fill_n(sums.data(), elements, 0.0);
    Product part = *this;
    part.beta = T{0};
    part.ldc = columns;
    for (int64_t p = 0; p < k; p += piece) {
      part.k = std::min(piece, k - p);
      part.run_block({from.a + (ta ? p * lda : p), from.b + (tb ? p : p * ldb), addends.data()}, 0,
                     rows, 0, columns);
      for (int64_t i = 0; i < elements; ++i) sums[i] += static_cast<double>(addends[i]);
    }
    for (int64_t i = 0; i < rows; ++i) {
      T* row = from.c + i * ldc;
      for (int64_t j = 0; j < columns; ++j) {
        const double old = beta == T{0} ? 0.0 : static_cast<double>(beta * row[j]);
        row[j] = static_cast<T>(old + sums[i * columns + j]);
      }
    }
  }

  /// Computes a block in pieces whose sizes fit into the ints of BLAS.
  void run_pieces(const Operands<T>& from, int64_t rows, int64_t columns) const {
    Product part = *this;
    int64_t p = 0;
    do {  // once if k is 0
      part.k = std::min(longest, k - p);
      part.beta = p == 0 ? beta : T{1};
      for (int64_t r = 0; r < rows; r += longest) {
        for (int64_t c = 0; c < columns; c += longest) {
          const int64_t height = std::min(longest, rows - r),
                        width = std::min(longest, columns - c);
          part.run_piece({from.a + (ta ? p * lda + r : r * lda + p),
                          from.b + (tb ? c * ldb + p : p * ldb + c), from.c + r * ldc + c},
                         height, width);
        }
      }
      p += longest;
    } while (p < k);
  }

  /// The leading dimension of a matrix of one row is meaningless, and may not fit into an int.
  static int64_t leading(int64_t ld, int64_t rows, int64_t columns) {
    return rows == 1 ? std::max<int64_t>(columns, 1) : ld;
  }

  void run_piece(const Operands<T>& from, int64_t rows, int64_t columns) const {
    const auto& [from_a, from_b, to] = from;
    if (k == 0 || alpha == T{0}) return scale(to, rows, columns);
    const int64_t a_step = ta ? leading(lda, k, rows) : leading(lda, rows, k);
    const int64_t b_step = tb ? leading(ldb, columns, k) : leading(ldb, k, columns);
    const int64_t c_step = leading(ldc, rows, columns);
    if (rows == 1 && columns == 1 && (tb || ldb == 1)) {  // two vectors: b is a matrix of one row
      return gemv(false, 1, k, alpha, from_b, k, from_a, ta ? lda : 1, beta, to, 1);
    }
    if (rows == 1) {  // op(B)^T a
      return gemv(!tb, tb ? columns : k, tb ? k : columns, alpha, from_b, b_step, from_a,
                  ta ? lda : 1, beta, to, 1);
    }
    if (columns == 1) {  // op(A) b
      return gemv(ta, ta ? k : rows, ta ? rows : k, alpha, from_a, a_step, from_b, tb ? 1 : ldb,
                  beta, to, ldc);
    }
    if (std::max({a_step, b_step, c_step}) > std::numeric_limits<int>::max()) {
      return run_loops(from, rows, columns);
    }
    if (packed_gemm_is_faster<T>(ta, tb, rows, columns, k)) {
      return packed_gemm(ta, tb, rows, columns, k, alpha, from_a, a_step, from_b, b_step, beta, to,
                         c_step);
    }
    if constexpr (std::is_same_v<T, float>) {
      if (rows * columns > 64 && has_onednn()) {  // it is slow for fewer
        return onednn_gemm(ta, tb, rows, columns, k, alpha, from_a, a_step, from_b, b_step, beta,
                           to, c_step);
      }
    }
    blas_gemm(ta, tb, rows, columns, k, alpha, from_a, a_step, from_b, b_step, beta, to, c_step);
  }

  /// C = beta C. Reads neither A nor B, nor, for beta == 0, C.
  void scale(T* to, int64_t rows, int64_t columns) const {
    for (int64_t i = 0; i < rows; ++i) {
      T* row = to + i * ldc;
      for (int64_t j = 0; j < columns; ++j) row[j] = beta == T{0} ? T{0} : beta * row[j];
    }
  }

  /// For rows too far apart for the ints of BLAS.
  void run_loops(const Operands<T>& from, int64_t rows, int64_t columns) const {
    scale(from.c, rows, columns);
    for (int64_t i = 0; i < rows; ++i) {
      T* row = from.c + i * ldc;
      for (int64_t p = 0; p < k; ++p) {
        const T factor = alpha * from.a[ta ? p * lda + i : i * lda + p];
        for (int64_t j = 0; j < columns; ++j) {
          row[j] += factor * from.b[tb ? j * ldb + p : p * ldb + j];
        }
      }
    }
  }
};

/// How C is cut into blocks, which have equal sizes except for the last ones.
struct Grid {
  int64_t rows, columns;  // of one block
  int64_t row_blocks = 1, column_blocks = 1;

  int64_t blocks() const { return row_blocks * column_blocks; }
};

/// The width of long blocks is a multiple of the vector size.
Grid cut(int64_t m, int64_t n, int64_t row_parts, int64_t column_parts) {
  const auto part = [](int64_t size, int64_t parts) {
    return parts == 1 ? size : ((size - 1) / parts + 16) / 16 * 16;
  };
  const int64_t rows = part(m, row_parts), columns = part(n, column_parts);
  return {rows, columns, (m - 1) / rows + 1, (n - 1) / columns + 1};
}

int64_t power_of_two(int64_t most) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(most, 1))));
}

/// Every block packs the operands again. This takes a smaller share of the time the longer the side
/// that is cut, so few long blocks cost one thread little and still keep several busy.
Grid grid_of(int64_t m, int64_t n, int64_t k) {
  constexpr double kBlock = 1.5e6;          // multiply-adds in a block, at least
  constexpr double kVectorBlock = 1 << 18;  // the same for a product with a vector
  constexpr double kMostBlocks = 64;
  constexpr int64_t kSide = 128, kLongSide = 384;  // a shorter side is not cut; rows are from here
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if (work < 2 * kVectorBlock) return {m, n};
  if (m == 1 || n == 1) {
    const auto parts = static_cast<int64_t>(std::min(work / kVectorBlock, kMostBlocks));
    return m == 1 ? cut(m, n, 1, parts) : cut(m, n, parts, 1);
  }
  if (work < 2 * kBlock) return {m, n};
  const int64_t most = power_of_two(static_cast<int64_t>(std::min(work / kBlock, kMostBlocks)));
  const int64_t row_parts = std::min(power_of_two(m / 512), most);
  const int64_t column_parts = std::min(power_of_two(n / 2048), most / row_parts);
  if (row_parts * column_parts > 1) return cut(m, n, row_parts, column_parts);
  if (std::max(m, n) < kSide) return {m, n};
  return m >= std::min(n, kLongSide) ? cut(m, n, 2, 1) : cut(m, n, 1, 2);
}

/// Loads what a product needs and gives warnings, before anything is written.
template <class T>
void prepare(int64_t matrices, const Product<T>& product) {
  const auto& [ta, tb, m, n, k, alpha, beta, lda, ldb, ldc] = product;
  gradus::detail::use_one_blas_thread();  // which any block may go to
  if (m == 1 || n == 1) return;
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool is_packed = packed_gemm_is_faster<T>(ta, tb, m, n, k);
  constexpr bool is_float = std::is_same_v<T, float>;
  // The last block of a large packed product, or its last piece of k, may not be packed.
  if (is_packed && (!is_float || work <= 1 << 18)) return;
  if (is_float && has_onednn()) return;
  if (!is_packed && static_cast<double>(matrices) * work > 1e7) {
    gradus::detail::warn_of_slow_blas_core();
  }
}

/// Rows [i, i + rows) and columns [j, j + columns) of C, plus the bias [n], if there is one.
template <class T>
void run_block(const Product<T>& product, const Operands<T>& at, int64_t i, int64_t rows, int64_t j,
               int64_t columns, const T* bias) {
  product.run_block(at, i, rows, j, columns);
  if (!bias) return;
  const T* const __restrict addend = bias + j;
  for (int64_t r = i; r < i + rows; ++r) {
    T* const __restrict row = at.c + r * product.ldc + j;
    for (int64_t c = 0; c < columns; ++c) row[c] += addend[c];
  }
}

template <class T>
void run_batch(const Product<T>& product, int64_t outer, int64_t inner, Matrices<const T> a,
               Matrices<const T> b, Matrices<T> c, const T* bias = nullptr) {
  if (outer * inner * product.m * product.n == 0) return;
  prepare(outer * inner, product);
  const Grid grid = grid_of(product.m, product.n, product.k);
  const int64_t blocks = grid.blocks();
  if (outer * inner * blocks == 1) {
    return run_block(product, {a.data, b.data, c.data}, 0, product.m, 0, product.n, bias);
  }
  const int64_t cost = product.cost() / blocks;
  parallel_for_each(outer * inner * blocks, cost, [&](int64_t item) {
    const int64_t matrix = item / blocks, block = item % blocks;
    const int64_t o = matrix / inner, in = matrix % inner;
    const int64_t i = block / grid.column_blocks * grid.rows;
    const int64_t j = block % grid.column_blocks * grid.columns;
    const Operands<T> at = {a.data + o * a.outer_stride + in * a.inner_stride,
                            b.data + o * b.outer_stride + in * b.inner_stride,
                            c.data + o * c.outer_stride + in * c.inner_stride};
    run_block(product, at, i, std::min(grid.rows, product.m - i), j,
              std::min(grid.columns, product.n - j), bias);
  });
}

}  // namespace

template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  gemm_batched<T>(trans_a, trans_b, 1, 1, m, n, k, alpha, {a, lda, 0, 0}, {b, ldb, 0, 0}, beta,
                  {c, ldc, 0, 0});
}

template <class T>
void gemm_batched(bool trans_a, bool trans_b, int64_t outer, int64_t inner, int64_t m, int64_t n,
                  int64_t k, T alpha, Matrices<const T> a, Matrices<const T> b, T beta,
                  Matrices<T> c) {
  const auto at_least_one = [](int64_t ld) { return std::max<int64_t>(ld, 1); };  // as BLAS needs
  run_batch<T>({trans_a, trans_b, m, n, k, alpha, beta, at_least_one(a.ld), at_least_one(b.ld),
                at_least_one(c.ld)},
               outer, inner, a, b, c);
}

template <class T>
void gemm_batched(bool trans_a, bool trans_b, int64_t batch, int64_t m, int64_t n, int64_t k,
                  T alpha, const T* a, int64_t stride_a, const T* b, int64_t stride_b, T beta, T* c,
                  int64_t stride_c) {
  if (!trans_a && stride_b == 0 && stride_a == m * k && stride_c == m * n) {  // one tall matrix
    m *= batch;
    batch = 1;
  }
  gemm_batched<T>(trans_a, trans_b, 1, batch, m, n, k, alpha, {a, trans_a ? m : k, 0, stride_a},
                  {b, trans_b ? k : n, 0, stride_b}, beta, {c, n, 0, stride_c});
}

template <class T>
void linear(const T* x, const T* weight, const T* bias, T* y, int64_t rows, int64_t in,
            int64_t out) {
  const auto at_least_one = [](int64_t ld) { return std::max<int64_t>(ld, 1); };
  run_batch<T>({false, true, rows, out, in, T{1}, T{0}, at_least_one(in), at_least_one(in),
                at_least_one(out)},
               1, 1, {x, in, 0, 0}, {weight, in, 0, 0}, {y, out, 0, 0}, bias);
}

#define GRADUS_GEMM(T)                                                                       \
  template void gemm_batched<T>(bool, bool, int64_t, int64_t, int64_t, int64_t, int64_t, T,  \
                                Matrices<const T>, Matrices<const T>, T, Matrices<T>);       \
  template void gemm_batched<T>(bool, bool, int64_t, int64_t, int64_t, int64_t, T, const T*, \
                                int64_t, const T*, int64_t, T, T*, int64_t);
GRADUS_GEMM(float)
GRADUS_GEMM(double)
#undef GRADUS_GEMM
GRADUS_INSTANTIATE_FLOATS(gemm)
GRADUS_INSTANTIATE_FLOATS(linear)

}  // namespace gradus::kernels
