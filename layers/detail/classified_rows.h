#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <string>

namespace gradus::detail {

/// Throws ShapeError unless x is [..., in_features]. `description` is that of the layer.
void check_features(const char* layer, const Tensor& x, std::int64_t in_features,
                    const std::string& description);
/// Throws ShapeError unless labels have the shape of x [..., in_features] without its last axis.
void check_label_shape(const char* layer, const Tensor& x, const Tensor& labels);
/// The shape of x with another last axis.
Shape with_last(const Shape& shape, std::int64_t last);

}  // namespace gradus::detail
