// The method: K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/gemm_tile.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace gradus::kernels {
namespace {

// Bytes that are packed at a time: A for the second-level cache, B for the third.
constexpr int64_t packed_a_bytes = int64_t{144} << 10;
constexpr int64_t packed_b_bytes = int64_t{1024} << 10;

int64_t round_up(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

/// Packs columns [0, n) of op(B) as panels [k, tile_columns], the last one filled up with zeros.
template <class T>
void pack_b(bool transposed, int64_t k, int64_t n, const T* b, int64_t ldb, T* to) {
  constexpr int64_t width = tile_columns<T>;
  for (int64_t j = 0; j < n; j += width, to += k * width) {
    const int64_t columns = std::min(width, n - j);
    if (columns < width) std::fill(to, to + k * width, T{0});
    if (transposed) {
      transpose_block(b + j * ldb, ldb, to, width, columns, k);
    } else if (columns == width) {
      for (int64_t p = 0; p < k; ++p)
        std::memcpy(to + p * width, b + p * ldb + j, width * sizeof(T));
    } else {
      for (int64_t p = 0; p < k; ++p) std::copy_n(b + p * ldb + j, columns, to + p * width);
    }
  }
}

/// Packs rows [0, m) of A, which is stored transposed, as panels [k, tile_rows]; the last one may
/// have gaps.
template <class T>
void pack_a(int64_t m, int64_t k, const T* a, int64_t lda, T* to) {
  for (int64_t i = 0; i < m; i += tile_rows, to += k * tile_rows) {
    const int64_t rows = std::min(tile_rows, m - i);
    if (rows == tile_rows) {
      for (int64_t p = 0; p < k; ++p) {
        std::memcpy(to + p * tile_rows, a + p * lda + i, tile_rows * sizeof(T));
      }
    } else {
      for (int64_t p = 0; p < k; ++p) std::copy_n(a + p * lda + i, rows, to + p * tile_rows);
    }
  }
}

/// Multiplies rows [0, m) of A, packed or `lda` elements apart, by packed columns [0, n) of B.
template <class T, bool packed>
void multiply_block(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
                    const TileTarget<T>& to) {
  constexpr int64_t width = tile_columns<T>;
  for (int64_t j = 0; j < n; j += width) {
    for (int64_t i = 0; i < m; i += tile_rows) {
      const int64_t rows = std::min(tile_rows, m - i);
      constexpr auto left = packed ? TileLeft::by_columns : TileLeft::by_rows;
      multiply_tile<T, left>(rows)(k, packed ? a + i * k : a + i * lda, packed ? tile_rows : lda,
                                   b + j * k, width, std::min(width, n - j), to.at(i, j));
    }
  }
}

template <class T>
void multiply(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
              const T* b, int64_t ldb, const TileTarget<T>& to) {
  constexpr int64_t width = tile_columns<T>, size = sizeof(T);
  const int64_t columns = std::max(packed_b_bytes / (k * size) / width * width, width);
  const int64_t rows = std::max(packed_a_bytes / (k * size) / tile_rows * tile_rows, tile_rows);
  const Scratch<T> packed_b(k * round_up(std::min(columns, n), width));
  const Scratch<T> packed_a(ta ? k * round_up(std::min(rows, m), tile_rows) : 1);
  for (int64_t j = 0; j < n; j += columns) {
    const int64_t nj = std::min(columns, n - j);
    pack_b(tb, k, nj, b + (tb ? j * ldb : j), ldb, packed_b.data());
    for (int64_t i = 0; i < m; i += rows) {
      const int64_t mi = std::min(rows, m - i);
      if (ta) {
        pack_a(mi, k, a + i, lda, packed_a.data());
        multiply_block<T, true>(mi, nj, k, packed_a.data(), 0, packed_b.data(), to.at(i, j));
      } else {
        multiply_block<T, false>(mi, nj, k, a + i * lda, lda, packed_b.data(), to.at(i, j));
      }
    }
  }
}

/// True if C^T = op(B)^T op(A)^T is faster: it reads a long B^T as it is and packs a short A
/// instead. The tiles of C are then written transposed, which pays off for long k only.
bool is_better_turned(bool ta, bool tb, int64_t m, int64_t n, int64_t k) {
  return tb && !ta && (n < 16 || (m >= 64 && m <= 320 && m < n && k >= 256));
}

/// An element is summed over so many k at a time, which keeps the error small.
constexpr int64_t longest_sum = 512;

/// Calls f(p, length) for the pieces of [0, k), of about equal lengths.
template <class F>
void for_pieces(int64_t k, const F& f) {
  const int64_t pieces = (k + longest_sum - 1) / longest_sum;
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t begin = k * i / pieces;
    f(begin, k * (i + 1) / pieces - begin);
  }
}

}  // namespace

template <class T>
PackedMatrix<T>::PackedMatrix(bool transposed, int64_t k, int64_t n, const T* b, int64_t ldb)
    : k_(k), n_(n), panels_(k * round_up(n, tile_columns<T>)) {
  for_pieces(k, [&](int64_t p, int64_t length) {
    const T* from = b + (transposed ? p : p * ldb);
    pack_b(transposed, length, n, from, ldb, panels_.data() + p * round_up(n, tile_columns<T>));
  });
}

template <class T>
void PackedMatrix<T>::multiply(int64_t m, const T* a, int64_t lda, T beta, T* c,
                               int64_t ldc) const {
  for_pieces(k_, [&](int64_t p, int64_t length) {
    const T* panels = panels_.data() + p * round_up(n_, tile_columns<T>);
    multiply_block<T, false>(m, n_, length, a + p, lda, panels,
                             {T{1}, p == 0 ? beta : T{1}, c, ldc, 1});
  });
}

template <class T>
void packed_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                 int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  const bool turned = is_better_turned(trans_a, trans_b, m, n, k);
  for_pieces(k, [&](int64_t p, int64_t length) {
    const T* const from_a = a + (trans_a ? p * lda : p);
    const T* const from_b = b + (trans_b ? p : p * ldb);
    const T old = p == 0 ? beta : T{1};
    if (turned) {
      multiply<T>(!trans_b, !trans_a, n, m, length, from_b, ldb, from_a, lda,
                  {alpha, old, c, 1, ldc});
    } else {
      multiply<T>(trans_a, trans_b, m, n, length, from_a, lda, from_b, ldb,
                  {alpha, old, c, ldc, 1});
    }
  });
}

template <class T>
bool packed_gemm_is_faster(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k) {
#ifdef __FMA__
  constexpr bool has_fma = true;
#else
  constexpr bool has_fma = false;
#endif
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if (has_fma && GRADUS_ONEDNN && std::is_same_v<T, float> && trans_a && !trans_b) {
    if (k >= 1024 && std::min(m, n) >= 64) return true;  // sums of outer products: of many tokens
  }
  if (k > longest_sum) return false;
  if (!has_fma) return work <= 1 << 12;
  if (GRADUS_ONEDNN && std::is_same_v<T, float>) return work <= 1 << 18;
  if (is_better_turned(trans_a, trans_b, m, n, k)) return true;
  const bool few_rows = !trans_a && m <= 20 && n >= 128;  // to pack B for
  return k <= 256 && (trans_b || (!few_rows && n >= 4));
}

GRADUS_INSTANTIATE_FLOATS(packed_gemm_is_faster)
GRADUS_INSTANTIATE_FLOATS(packed_gemm)
template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace gradus::kernels
