#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Products other than matmul(), for float32 and float64. Dtypes must be equal.
// Each throws ShapeError, DTypeError.

/// The sum of a[i] b[i] over two vectors of equal length; rank 0.
GRADUS_API Tensor dot(const Tensor& a, const Tensor& b);

/// a[i] b[j] for all elements of the vectors a [m] and b [n]: [m, n].
GRADUS_API Tensor outer(const Tensor& a, const Tensor& b);

struct AddmmOptions {
  double beta = 1;   ///< of c; 0 leaves c out, so NaN in c has no effect
  double alpha = 1;  ///< of the product
};
/// beta c + alpha a b for matrices a [m, k] and b [k, n]; c broadcasts to [m, n].
/// One node of the graph.
GRADUS_API Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b,
                        const AddmmOptions& options = {});

}  // namespace gradus
