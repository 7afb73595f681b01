#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

#include <cstdint>

namespace gradus {

// Products, and running sums and products. Floats accumulate in double; int64 wraps around, boolean
// counts as int64. The gradients do not divide, so they are right even where values are 0.
// Each throws IndexError for an axis that x does not have.

/// The product over axes or over everything, shaped like any reduction (see reduce.h); 1 over
/// nothing. Throws ValueError for an empty list of axes or a repeated axis.
GRADUS_API Tensor prod(const Tensor& x);
GRADUS_API Tensor prod(const Tensor& x, const Axes& axes, bool keepdim = false);

/// y_i = x_0 + ... + x_i along an axis; y has the shape of x.
GRADUS_API Tensor cumsum(const Tensor& x, std::int64_t axis);

/// y_i = x_0 ... x_i along an axis; y has the shape of x.
GRADUS_API Tensor cumprod(const Tensor& x, std::int64_t axis);

}  // namespace gradus
