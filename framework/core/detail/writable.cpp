#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/writable.h>

namespace gradus::detail {

void check_writable(const char* operation, const Tensor& tensor) {
  const Body& body = Access::body(tensor);
  if (body.storage->file() != nullptr) {
    throw ValueError(
        fmt::format("{}: this tensor {} is mapped from a file, read-only: change a clone()",
                    operation, body.shape.str()));
  }
  if (body.node) {
    throw AutogradError(fmt::format(
        "{}: this tensor {} is part of a graph (made by {}): change a clone(), or a detach() of it",
        operation, body.shape.str(), body.node->name()));
  }
  if (body.leaf && body.leaf->trainable && grad_enabled()) {
    throw AutogradError(
        fmt::format("{}: this tensor {} is a trainable leaf: change it inside a NoGradGuard scope",
                    operation, body.shape.str()));
  }
}

Body& writable(const Tensor& tensor, const char* operation) {
  Body& body = body_of(tensor, operation);
  check_writable(operation, tensor);
  return body;
}

}  // namespace gradus::detail
