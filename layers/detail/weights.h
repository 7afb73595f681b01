#pragma once
#include <gradus/framework/core/tensor.h>

#include <optional>

/// The weights that layers are given, and the dtype named by their options. `layer` is the name
/// that errors start with.
namespace gradus::detail {

/// The dtype of a new layer: float32 if the options name none. Throws DTypeError unless it is a
/// float type.
DType layer_dtype(const char* layer, std::optional<DType> dtype);

/// Throws DTypeError if the options name a dtype other than that of an existing weight.
void check_layer_dtype(const char* layer, std::optional<DType> dtype, const Tensor& weight);

/// The weight that from_pretrained() makes of its argument, which it takes by value: the same
/// storage if the argument is its only handle or nobody can change it, else a copy. Throws
/// ShapeError unless it is a matrix, DTypeError.
Tensor adopted_table(const char* operation, const Tensor& weight);

}  // namespace gradus::detail
