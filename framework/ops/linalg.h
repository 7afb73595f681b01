#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Linear algebra of float matrices [..., m, n], the leading axes being batches, by LAPACK. A matrix
// that has no answer is a ValueError that names its batch entry. Each throws ShapeError,
// DTypeError.

/// x with A x = b: A [..., n, n], b [..., n, k], or [n], or of the shape of A without its last
/// axis. Leading axes broadcast. Throws ValueError for a singular A.
GRADUS_API Tensor solve(const Tensor& a, const Tensor& b);

/// The inverse of A [..., n, n]. Throws ValueError for a singular A; solve() is more accurate.
GRADUS_API Tensor inv(const Tensor& a);

/// The lower L with L L^T = A [..., n, n]. A is taken to be symmetric: only its lower triangle is
/// read, and its gradient is symmetric. Throws ValueError unless A is positive definite.
/// Source: Murray, "Differentiation of the Cholesky decomposition", 2016, eq. 10.
GRADUS_API Tensor cholesky(const Tensor& a);

/// What qr() gives.
struct QR {
  Tensor q;  ///< [..., m, k], columns of length 1 at right angles; k = min(m, n)
  Tensor r;  ///< [..., k, n], upper triangular; its diagonal may be negative
};

/// q r = A [..., m, n]. The derivative is for m >= n and full rank: backward throws AutogradError
/// otherwise.
/// Source: Walter, Lehmann, Lamour, "On evaluating higher-order derivatives of the QR
/// decomposition of tall matrices with full column rank in forward and reverse mode algorithmic
/// differentiation", 2012.
GRADUS_API QR qr(const Tensor& a);

/// What svd() gives.
struct SVD {
  Tensor u;   ///< [..., m, k], k = min(m, n)
  Tensor s;   ///< [..., k], descending, none negative
  Tensor vh;  ///< [..., k, n]
};

/// u diag(s) vh = A [..., m, n]. Values only: throws AutogradError if A requires a gradient outside
/// of a NoGradGuard. NaN where a matrix holds a value that is not finite. Throws ValueError if it
/// does not converge.
GRADUS_API SVD svd(const Tensor& a);

}  // namespace gradus
