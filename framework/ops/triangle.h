#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// For tensors of any dtype; float tensors carry gradients. All copy. Diagonal k of a matrix holds
// the elements [i, i + k]: 0 is the main one, k > 0 is above it, k < 0 below.

/// The elements of the matrices x [..., rows, columns] on and below diagonal k; 0 elsewhere, even
/// in place of NaN. Throws ShapeError.
GRADUS_API Tensor tril(const Tensor& x, std::int64_t k = 0);
/// The elements on and above diagonal k; 0 elsewhere. Throws ShapeError.
GRADUS_API Tensor triu(const Tensor& x, std::int64_t k = 0);

/// Diagonal `offset` of the matrices that two axes form: x without these axes, with the diagonal as
/// its last axis, of size 0 if it is empty. axis0 is that of the rows.
/// Throws IndexError, ShapeError, ValueError if the axes are the same.
GRADUS_API Tensor diagonal(const Tensor& x, std::int64_t offset = 0, std::int64_t axis0 = 0,
                           std::int64_t axis1 = 1);

/// The reverse: x [..., n] as diagonal `offset` of matrices of zeros of size n + |offset|, whose
/// rows are axis0 and whose columns are axis1 of the result.
/// Throws IndexError, ShapeError, ValueError if the axes are the same.
GRADUS_API Tensor diag_embed(const Tensor& x, std::int64_t offset = 0, std::int64_t axis0 = -2,
                             std::int64_t axis1 = -1);

/// diag_embed(x, offset) of a vector, diagonal(x, offset) of a matrix. Throws ShapeError.
GRADUS_API Tensor diag(const Tensor& x, std::int64_t offset = 0);

}  // namespace gradus
