#pragma once
// How contributions to one gradient are added up: in place where nobody else holds the sum.
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/node.h>

namespace gradus::detail {

/// Adds a dense contribution to what has been gathered. It adds in place, or adopts, only what
/// nobody else holds.
void gather(Tensor& gathered, Tensor contribution);

/// The same for a value of an op, where both may repeat.
void gather(Output& output, Tensor contribution);

/// Makes `gathered` something that a vjp may add into.
void make_owned(Tensor& gathered, const Shape& shape, DType dtype);

/// What one pass gathered for a leaf, added to the gradient that it had; nothing is shared with
/// anybody else.
Gradient merge(Leaf& leaf);

}  // namespace gradus::detail
