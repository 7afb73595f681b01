#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace gradus::detail {

/// empty(sizes, dtype) for sizes that are computed from a number the caller was given. If no tensor
/// can have them, or memory runs out, the error names the operation and the number: "arange: 2^62
/// values".
GRADUS_API Tensor empty_sized(const char* operation, std::string_view number,
                              std::initializer_list<std::int64_t> sizes, DType dtype);

/// The same for a shape that is computed from the caller's arguments: "rand: [2^57] of float32".
GRADUS_API Tensor empty_sized(const char* operation, const Shape& shape, DType dtype);

}  // namespace gradus::detail
