#pragma once
// For authors of ops. Part of no graph.
#include <gradus/framework/tensor.h>

namespace gradus::detail {

/// The values of x repeated to `shape`, to which x broadcasts; x itself if it has that shape.
GRADUS_API Tensor broadcast_to(const Tensor& x, const Shape& shape);

}  // namespace gradus::detail
