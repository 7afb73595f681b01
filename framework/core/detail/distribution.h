#pragma once
#include <gradus/framework/base/dtype.h>

namespace gradus::detail {

/// Throw ValueError, naming `operation`, unless numbers can be drawn in that dtype: low <= high,
/// std >= 0, and all of them are finite in it.
void check_uniform(const char* operation, double low, double high, DType dtype);
void check_normal(const char* operation, double mean, double std, DType dtype);

}  // namespace gradus::detail
