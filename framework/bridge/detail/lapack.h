#pragma once
#include <cstdint>

// LAPACK's functions for one row-major matrix, through xtensor-blas. T is float or double. Sizes
// are at least 1 and fit an int. Outputs do not overlap inputs. All run on the calling thread.
namespace gradus::detail {

/// x [n, k] with A x = b, or A^T x = b; false if A [n, n] is singular.
template <class T>
bool lapack_solve(const T* a, bool transposed, const T* b, T* x, std::int64_t n, std::int64_t k);

/// How a triangular matrix is used.
struct Triangle {
  bool lower = true;
  bool transposed = false;
  bool right = false;  ///< x op(A) = b, not op(A) x = b
};

/// x [m, n] with op(A) x = b or x op(A) = b for a triangular A; false if A is singular.
template <class T>
bool lapack_solve_triangular(const T* a, Triangle form, const T* b, T* x, std::int64_t m,
                             std::int64_t n);

/// The lower triangular l with l l^T = A [n, n]; only the lower triangle of A is read. False if A
/// is not positive definite.
template <class T>
bool lapack_cholesky(const T* a, T* l, std::int64_t n);

/// q [m, k], r [k, n] with q r = A [m, n], k = min(m, n).
template <class T>
void lapack_qr(const T* a, T* q, T* r, std::int64_t m, std::int64_t n);

/// u [m, k], s [k], vh [k, n] with u diag(s) vh = A [m, n], k = min(m, n); false if it does not
/// converge. All NaN where A has a value that is not finite.
template <class T>
bool lapack_svd(const T* a, T* u, T* s, T* vh, std::int64_t m, std::int64_t n);

}  // namespace gradus::detail
