#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/layers/detail/dtype.h>

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

}  // namespace gradus::detail
