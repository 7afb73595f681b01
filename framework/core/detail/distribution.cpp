#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/distribution.h>

#include <cmath>

namespace gradus::detail {
namespace {

void check_finite(const char* operation, const char* name, double value, DType dtype) {
  const double rounded =
      dtype == DType::float32 ? static_cast<double>(static_cast<float>(value)) : value;
  if (std::isfinite(rounded)) return;
  throw ValueError(fmt::format("{}: {} is {}, it must be finite in {}", operation, name, value,
                               gradus::name(dtype)));
}

}  // namespace

void check_uniform(const char* operation, double low, double high, DType dtype) {
  if (!(low <= high)) {
    throw ValueError(fmt::format("{}: low is {}, high is {}", operation, low, high));
  }
  check_finite(operation, "low", low, dtype);
  check_finite(operation, "high", high, dtype);
}

void check_normal(const char* operation, double mean, double std, DType dtype) {
  if (!(std >= 0)) {
    throw ValueError(fmt::format("{}: std is {}, it must be at least 0", operation, std));
  }
  check_finite(operation, "mean", mean, dtype);
  check_finite(operation, "std", std, dtype);
}

}  // namespace gradus::detail
