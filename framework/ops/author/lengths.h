#pragma once
// For authors of ops: the lengths of sequences [B, T, ...].
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <functional>
#include <string>

namespace gradus::detail {

/// Nothing if `lengths` is undefined: all B sequences are T long. Else throws DTypeError unless
/// they are int64, ShapeError unless they are [B], IndexError for the first one outside [0, T].
/// `reason()` is what errors say of B and T.
GRADUS_API void check_lengths(const char* operation, const Tensor& lengths, std::int64_t B,
                              std::int64_t T, const std::function<std::string()>& reason);
/// The same for x [B, T, ...]. `x_is` begins what errors say of x.
GRADUS_API void check_lengths(const char* operation, const Tensor& lengths, const Tensor& x,
                              const char* x_is = "x is");

/// f(length) of each of the lengths [B] as int64 [B]. Throws Error if they are undefined,
/// DTypeError unless they are int64, ShapeError unless they are [B], IndexError for the first one
/// outside [0, 2^58], which no tensor has elements for.
GRADUS_API Tensor map_lengths(const char* operation, const Tensor& lengths,
                              const std::function<std::int64_t(std::int64_t)>& f);

}  // namespace gradus::detail
