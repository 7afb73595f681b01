#pragma once
// How contributions to one gradient are added up: in place where nobody else holds the sum.
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/node.h>

namespace gradus::detail {

/// Adds a dense contribution to what has been gathered. It adds in place, or adopts, only what
/// nobody else holds.
void gather(Tensor& gathered, Tensor contribution);

/// The same for the cotangent of an op's output; both may repeat (see Output).
void gather(Output& output, Tensor contribution);

/// Makes `gathered` a solely owned tensor of the full shape, for a vjp to add into.
void make_owned(Tensor& gathered, const Shape& shape, DType dtype);

/// The gradient of a leaf plus what one pass gathered for it; shares nothing with anybody else.
Gradient merge(Leaf& leaf);

}  // namespace gradus::detail
