#pragma once
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/tensor.h>

namespace gradus::detail {

/// Throws, naming the operation, if the tensor may not be changed in place: ValueError for one that
/// is mapped from a file, AutogradError for one that is part of a graph, and for a trainable leaf
/// outside a NoGradGuard scope.
GRADUS_API void check_writable(const char* operation, const Tensor& tensor);

/// The body of a tensor, for its member function `operation`. Throws Error if it is undefined.
inline Body& body_of(const Tensor& tensor, const char* operation) {
  check_defined(operation, "this", tensor);
  return Access::body(tensor);
}
/// The same for a function that is about to change the tensor. Throws like check_writable().
Body& writable(const Tensor& tensor, const char* operation);

}  // namespace gradus::detail
