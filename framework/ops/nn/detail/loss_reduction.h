#pragma once
// What losses share.
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/reduction.h>

#include <cstdint>

namespace gradus::detail {

/// The losses of the elements, reduced. A mean divides by `count`: their number, or the sum of
/// their weights. Over nothing it is 0.
Tensor reduced(const Tensor& losses, Reduction reduction, double count);

/// The same as a part of the graph, for losses made of other ops.
Tensor recorded_reduction(const Tensor& losses, Reduction reduction);

/// What the derivative of each loss is multiplied by: one number, or one for each.
Tensor loss_scale(const Tensor& g, Reduction reduction, double count);
/// From the scale of one loss to that of the next.
inline std::int64_t scale_stride(Reduction reduction) {
  return reduction == Reduction::none ? 1 : 0;
}

/// Throws AutogradError if an argument for which there is no derivative needs a gradient.
void check_no_gradient(const char* operation, const char* argument, const Tensor& tensor);

/// Throws DTypeError unless x and other have one dtype.
void check_dtypes(const char* operation, const char* x_name, const Tensor& x,
                  const char* other_name, const Tensor& other);

/// Throws Error, DTypeError or ShapeError unless x and target are defined float tensors of one
/// dtype and shape.
void check_pair(const char* operation, const char* x_name, const Tensor& x, const char* target_name,
                const Tensor& target);

}  // namespace gradus::detail
