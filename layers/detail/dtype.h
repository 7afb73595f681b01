#pragma once
#include <gradus/framework/core/tensor.h>

#include <optional>

/// The dtype that the options of a layer name. `layer` is the name that errors start with.
namespace gradus::detail {

/// That of a new layer: float32 if the options name none. Throws DTypeError for one that is not a
/// float type.
DType layer_dtype(const char* layer, std::optional<DType> dtype);

/// Throws DTypeError if the options name another dtype than that of a weight that is there already.
void check_layer_dtype(const char* layer, std::optional<DType> dtype, const Tensor& weight);

}  // namespace gradus::detail
