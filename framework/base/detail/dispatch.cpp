#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>

namespace gradus::detail {

void throw_not_floating(const char* operation, DType dtype) {
  throw DTypeError(fmt::format("{}: a tensor of dtype {} where float32 or float64 is needed",
                               operation, name(dtype)));
}

void throw_boolean(const char* operation) {
  throw DTypeError(fmt::format("{}: not defined for boolean tensors", operation));
}

}  // namespace gradus::detail
