#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus::detail {

/// Throws, naming the operation, if the tensor may not be changed in place: ValueError for one that
/// is mapped from a file, AutogradError for one that is part of a graph, and for a trainable leaf
/// outside a NoGradGuard scope.
GRADUS_API void check_writable(const char* operation, const Tensor& tensor);

}  // namespace gradus::detail
