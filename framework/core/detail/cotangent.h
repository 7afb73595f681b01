#pragma once
// Cotangents of values that were broadcast.
#include <gradus/framework/core/tensor.h>

namespace gradus::detail {

/// `gradient` repeated along axes that it lacks or where it has size 1, as a new tensor.
GRADUS_API Tensor repeat_to(const Tensor& gradient, const Shape& shape);

/// Fills y with `gradient`, repeated to the shape of y.
GRADUS_API void repeat_into(const Tensor& gradient, const Tensor& y);

/// Sums `gradient` over the axes along which a tensor of shape `shape` was broadcast.
Tensor sum_to(const Tensor& gradient, const Shape& shape);

}  // namespace gradus::detail
