#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Linear algebra on float matrices [..., m, n] by LAPACK; the leading axes are batches. A matrix
// that has no solution is a ValueError that names its batch entry. Each throws ShapeError,
// DTypeError.

/// Solves A x = b for x: A is [..., n, n]; b is [..., n, k], [n], or has the shape of A without its
/// last axis. Leading axes broadcast. Throws ValueError for a singular A.
GRADUS_API Tensor solve(const Tensor& a, const Tensor& b);

/// The inverse of A [..., n, n]. Throws ValueError for a singular A; solve() is more accurate.
GRADUS_API Tensor inv(const Tensor& a);

/// The lower L with L L^T = A [..., n, n]. A is taken to be symmetric: only its lower triangle is
/// read, and its gradient is symmetric. Throws ValueError unless A is positive definite.
/// Source: Murray, "Differentiation of the Cholesky decomposition", 2016, eq. 10.
GRADUS_API Tensor cholesky(const Tensor& a);

/// The result of qr().
struct QR {
  Tensor q;  ///< [..., m, k], orthonormal columns; k = min(m, n)
  Tensor r;  ///< [..., k, n], upper triangular; its diagonal may be negative
};

/// The QR decomposition q r = A [..., m, n]. There is a derivative for m >= n and full rank only:
/// backward throws AutogradError otherwise.
/// Source: Walter, Lehmann, Lamour, "On evaluating higher-order derivatives of the QR
/// decomposition of tall matrices with full column rank in forward and reverse mode algorithmic
/// differentiation", 2012.
GRADUS_API QR qr(const Tensor& a);

/// The result of svd().
struct SVD {
  Tensor u;   ///< [..., m, k], k = min(m, n)
  Tensor s;   ///< [..., k], descending, none negative
  Tensor vh;  ///< [..., k, n]
};

/// The singular value decomposition u diag(s) vh = A [..., m, n]. Values only: throws AutogradError
/// if A requires a gradient outside a NoGradGuard. The results are NaN for a matrix that holds a
/// value that is not finite. Throws ValueError if the iteration does not converge.
GRADUS_API SVD svd(const Tensor& a);

}  // namespace gradus
