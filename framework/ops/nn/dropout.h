#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

namespace gradus {

/// Zeroes each element with probability p, independently, and multiplies the others by 1 / (1 - p).
/// With p = 0 it returns x itself and draws nothing; with p = 1 it returns zeros. For float types.
/// Throws ValueError unless 0 <= p <= 1, DTypeError.
GRADUS_API Tensor dropout(const Tensor& x, double p, Generator& generator = default_generator());

}  // namespace gradus
