#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

/// The sum of products that an equation describes, as in NumPy. "ij,jk->ik" is a matrix product:
/// each operand has a term with a letter for each of its axes, and axes whose letter the result
/// does not have are summed over. A letter twice in a term takes the diagonal. "..." in a term
/// stands for the axes that have no letter; they broadcast. Without "->" the result has the axes of
/// "..." and then, in alphabetical order, the letters that are there once. A size of 1 broadcasts.
/// Operands are contracted from the left to the right. Of one operand any dtype.
/// Throws ValueError for an equation that is not understood, ShapeError, DTypeError.
GRADUS_API Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands);

/// The sum over axes_a[i] of a and axes_b[i] of b together; the result has the other axes of a and
/// then those of b. With a number n: the last n axes of a and the first n of b.
/// Throws IndexError, ValueError unless both name as many axes, each once.
GRADUS_API Tensor tensordot(const Tensor& a, const Tensor& b,
                            const std::vector<std::int64_t>& axes_a,
                            const std::vector<std::int64_t>& axes_b);
GRADUS_API Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t n = 2);

}  // namespace gradus
