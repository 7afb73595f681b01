#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus::detail {

/// Throws DTypeError, naming both arguments, unless they have the same dtype; Error if one is
/// undefined.
GRADUS_API void check_same_dtype(const char* operation, const char* name_a, const Tensor& a,
                                 const char* name_b, const Tensor& b);

}  // namespace gradus::detail
