#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus::detail {

/// The first element of a float tensor that is NaN or infinite, or -1.
std::int64_t first_not_finite(const Tensor& values);
/// Element i of a float tensor.
double element(const Tensor& values, std::int64_t i);

}  // namespace gradus::detail
