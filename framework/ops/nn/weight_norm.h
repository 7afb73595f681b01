#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <optional>

namespace gradus {

/// g v / |v|, with the Euclidean norm of each slice of v along `dim`, or of all of v without a dim.
/// g has the shape of v with size 1 on the other axes, or is a scalar without a dim. A slice of
/// zeros stays 0. Composed of other ops. Throws ShapeError, IndexError for a dim that v does not
/// have, DTypeError.
/// Source: Salimans, Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate
/// Training of Deep Neural Networks", 2016.
GRADUS_API Tensor weight_norm(const Tensor& v, const Tensor& g,
                              std::optional<std::int64_t> dim = 0);

/// The norms of the slices of v, in the shape of the g of weight_norm(). Throws IndexError,
/// DTypeError.
GRADUS_API Tensor norm_except_dim(const Tensor& v, std::optional<std::int64_t> dim = 0);

}  // namespace gradus
