#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/layers/detail/weights.h>

namespace gradus::detail {

DType layer_dtype(const char* layer, std::optional<DType> dtype) {
  if (dtype && !is_floating(*dtype)) {
    throw DTypeError(
        fmt::format("{}: dtype is {}, it must be float32 or float64", layer, name(*dtype)));
  }
  return dtype.value_or(DType::float32);
}

void check_layer_dtype(const char* layer, std::optional<DType> dtype, const Tensor& weight) {
  if (!dtype || *dtype == weight.dtype()) return;
  throw DTypeError(
      fmt::format("{}: dtype is {}, but the weight {} is {}: convert it with to(), or leave the "
                  "option out",
                  layer, name(*dtype), weight.shape().str(), name(weight.dtype())));
}

Tensor adopted_table(const char* operation, const Tensor& weight) {
  check_defined(operation, "weight", weight);
  if (weight.dim() != 2) {
    throw ShapeError(fmt::format("{}: weight is {}, it must be 2-D [rows, columns]", operation,
                                 weight.shape().str()));
  }
  if (!is_floating(weight.dtype())) {
    throw DTypeError(
        fmt::format("{}: weight is {}, it must be a float type: convert it with "
                    "to(DType::float32)",
                    operation, name(weight.dtype())));
  }
  const bool share = weight.is_read_only() || Access::sole_owner(weight);
  return share ? weight.detach() : weight.clone();
}

}  // namespace gradus::detail
