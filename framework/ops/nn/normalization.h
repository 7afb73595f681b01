#pragma once
#include <gradus/framework/core/tensor.h>

#include <optional>

namespace gradus {

// For float tensors, over their last axes, which have the sizes `normalized_shape`. Undefined
// weights and biases are left out. Each is one node of the graph. Each throws ShapeError if
// `normalized_shape` has no axes, is not the end of the shape of x or is not the shape of weight
// and bias; DTypeError; ValueError for an eps that is negative or not finite.

/// (x - mean) / sqrt(variance + eps) weight + bias, where the variance divides by n. Computed in
/// two passes: accurate for values that lie close together far from 0. Equal values give the bias,
/// with gradient 0 if eps = 0.
/// Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
GRADUS_API Tensor layer_norm(const Tensor& x, const Shape& normalized_shape,
                             const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);

/// x / sqrt(mean(x^2) + eps) weight. Without an eps, it is the machine epsilon of the dtype of x.
/// Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
GRADUS_API Tensor rms_norm(const Tensor& x, const Shape& normalized_shape,
                           const Tensor& weight = {}, std::optional<double> eps = std::nullopt);

}  // namespace gradus
