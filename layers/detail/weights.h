#pragma once
#include <gradus/framework/core/tensor.h>

#include <optional>

/// The weights that layers are given, and the dtype that their options name. `layer` is the name
/// that errors start with.
namespace gradus::detail {

/// That of a new layer: float32 if the options name none. Throws DTypeError for one that is not a
/// float type.
DType layer_dtype(const char* layer, std::optional<DType> dtype);

/// Throws DTypeError if the options name another dtype than that of a weight that is there already.
void check_layer_dtype(const char* layer, std::optional<DType> dtype, const Tensor& weight);

/// The weight of from_pretrained(), of its argument, which it takes by value: the same storage if
/// that is the only handle, or if nobody can change it, else a copy. Throws ShapeError unless it is
/// a matrix, DTypeError.
Tensor adopted_table(const char* operation, const Tensor& weight);

}  // namespace gradus::detail
