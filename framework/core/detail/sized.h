#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace gradus::detail {

/// empty(sizes, dtype) where the sizes follow from a number of the caller's. If there is no such
/// tensor, or no memory for it, the error names the operation and the number: "arange: 2^62
/// values".
GRADUS_API Tensor empty_sized(const char* operation, std::string_view number,
                              std::initializer_list<std::int64_t> sizes, DType dtype);

/// The same for a shape that follows from what the caller was given: "rand: [2^57] of float32".
GRADUS_API Tensor empty_sized(const char* operation, const Shape& shape, DType dtype);

}  // namespace gradus::detail
