#pragma once
#include <gradus/framework/core/tensor.h>

#include <optional>

namespace gradus {

// Of float tensors, over their last axes, which have the sizes `normalized_shape`. Undefined
// weights and biases are left out. One node of the graph. Each throws ShapeError if
// `normalized_shape` has no axes, is not the end of the shape of x or is not the shape of weight
// and bias; DTypeError; ValueError for an eps that is negative or not finite.

/// (x - mean) / sqrt(variance + eps) weight + bias, with the variance that divides by n, in two
/// passes: right for values that lie close together far from 0. Equal values give the bias, with
/// gradient 0 for eps = 0.
/// Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
GRADUS_API Tensor layer_norm(const Tensor& x, const Shape& normalized_shape,
                             const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);

/// x / sqrt(mean(x^2) + eps) weight. No eps is the machine epsilon of the dtype of x.
/// Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
GRADUS_API Tensor rms_norm(const Tensor& x, const Shape& normalized_shape,
                           const Tensor& weight = {}, std::optional<double> eps = std::nullopt);

}  // namespace gradus
