#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

/// The sum of products that an equation describes, as in NumPy. "ij,jk->ik" is a matrix product:
/// each operand has a term with a letter for each of its axes, and axes whose letter is not in the
/// result are summed over. A letter that appears twice in a term takes the diagonal. "..." in a
/// term stands for the axes that have no letter; they broadcast. Without "->" the result has the
/// axes of "..." and then, in alphabetical order, the letters that appear once. A size of 1
/// broadcasts. Operands are contracted from left to right. A single operand may have any dtype.
/// Throws ValueError for an invalid equation, ShapeError, DTypeError.
GRADUS_API Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands);

/// The sum over axes_a[i] of a and axes_b[i] of b together; the result has the other axes of a and
/// then those of b. With a number n, sums over the last n axes of a and the first n of b.
/// Throws IndexError, ValueError unless both lists have the same length and name no axis twice.
GRADUS_API Tensor tensordot(const Tensor& a, const Tensor& b,
                            const std::vector<std::int64_t>& axes_a,
                            const std::vector<std::int64_t>& axes_b);
GRADUS_API Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t n = 2);

}  // namespace gradus
