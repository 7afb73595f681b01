#pragma once
// Labels of the rows of class scores, and the weights of the classes.
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <optional>

namespace gradus::detail {

/// Throws ShapeError unless x is [..., C] and labels are [...], DTypeError unless x is float and
/// labels are int64, IndexError for the first label that is neither in [0, classes) nor
/// ignore_index. `classes` may differ from C, if x is yet to be projected. Both are defined.
void check_labels(const char* operation, const char* x_name, const Tensor& x, const Tensor& labels,
                  std::int64_t classes, std::optional<std::int64_t> ignore_index);

/// Nothing if `weight` is undefined. Else throws DTypeError or ShapeError unless it is [classes] of
/// `dtype`, ValueError for the first weight that is negative or not finite, AutogradError if it
/// needs a gradient.
void check_class_weight(const char* operation, const Tensor& weight, DType dtype,
                        std::int64_t classes);

/// Throws ValueError unless the label smoothing is in [0, 1].
void check_smoothing(const char* operation, double smoothing);

/// The sum of the weights of the classes.
double total_weight(const Tensor& weight, std::int64_t classes);

/// The sum of the weights of the labels that are not ignored.
double counted_weight(const Tensor& weight, const Tensor& labels, std::int64_t ignore_index);

}  // namespace gradus::detail
