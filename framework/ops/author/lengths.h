#pragma once
// For authors of ops: the lengths of sequences [B, T, ...].
#include <gradus/framework/core/tensor.h>

namespace gradus::detail {

/// Nothing if `lengths` is undefined: all sequences of x [B, T, ...] are T long. Else throws
/// DTypeError unless they are int64, ShapeError unless they are [B], IndexError for the first one
/// outside [0, T]. `x_is` begins what errors say of x.
GRADUS_API void check_lengths(const char* operation, const Tensor& lengths, const Tensor& x,
                              const char* x_is = "x is");

}  // namespace gradus::detail
