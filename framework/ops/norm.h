#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

namespace gradus {

/// The p-norm (sum(|x|^p) + eps)^(1/p) of a float tensor, over axes or over everything, shaped as
/// any reduction (see reduce.h), for any p: max |x| for infinity, min |x| for -infinity, how many
/// elements are not 0 for 0. The gradient is 0 at a slice of norm 0 and at elements that are 0;
/// an `eps` inside the root keeps it small near there. Elements that tie for an infinite p share it
/// evenly.
/// Throws IndexError, DTypeError, ValueError for axes as reductions do, for a NaN p and for an eps
/// that is negative or not with a finite p > 0, ShapeError for a negative p over nothing.
GRADUS_API Tensor norm(const Tensor& x, double p = 2);
GRADUS_API Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdim = false,
                       double eps = 0);

}  // namespace gradus
