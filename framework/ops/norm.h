#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

#include <cstdint>

namespace gradus {

/// The p-norm (sum(|x|^p) + eps)^(1/p) of a float tensor, over axes or over everything, shaped like
/// any reduction (see reduce.h), for any p: max |x| for infinity, min |x| for -infinity, the number
/// of nonzero elements for 0. The gradient is 0 at a slice of norm 0 and at elements that are 0;
/// an `eps` inside the root keeps it small near 0. Elements that tie for an infinite p share the
/// gradient evenly.
/// Throws IndexError, DTypeError; ValueError for axes as reductions do, for a NaN p, and for an eps
/// that is negative or comes without a finite p > 0; ShapeError for a negative p over nothing.
GRADUS_API Tensor norm(const Tensor& x, double p = 2);
GRADUS_API Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdim = false,
                       double eps = 0);

/// x / max(norm(x, p), eps) along one axis: a slice of norm 0 stays 0. Throws IndexError,
/// DTypeError; ValueError for a NaN p and for an eps that is negative or not finite.
GRADUS_API Tensor normalize(const Tensor& x, double p = 2, std::int64_t axis = -1,
                            double eps = 1e-12);

}  // namespace gradus
