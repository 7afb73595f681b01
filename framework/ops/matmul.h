#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

/// How matmul() reads its operands.
struct MatmulOptions {
  bool trans_a = false;  ///< the matrices of a are stored transposed: a is [..., k, m]
  bool trans_b = false;  ///< the matrices of b are stored transposed: b is [..., n, k]
};

/// The matrix product of a [..., m, k] and b [..., k, n]: [..., m, n]. Leading axes broadcast as in
/// NumPy. A vector a [k] is one row and a vector b [k] one column; the result does not have their
/// axis, so two vectors give rank 0. A sum over k = 0 terms is 0. For float32 and float64.
/// Throws ShapeError, DTypeError.
GRADUS_API Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

/// x weight^T + bias: x [..., in], weight [out, in], bias [out] or undefined; returns [..., out].
/// One node of the graph; the weight is never transposed in memory.
/// Throws ShapeError, DTypeError.
GRADUS_API Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace gradus
