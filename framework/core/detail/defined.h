#pragma once
#include <gradus/framework/core/tensor.h>

#include <initializer_list>
#include <string_view>
#include <vector>

namespace gradus::detail {

[[noreturn]] GRADUS_API void throw_undefined(const char* operation, std::string_view argument);

/// Throws Error, naming the operation and the argument, if a tensor is undefined.
inline void check_defined(const char* operation, const char* argument, const Tensor& tensor) {
  if (!tensor.defined()) throw_undefined(operation, argument);
}

/// The same, for initialisers.
inline const Tensor& defined(const char* operation, const char* argument, const Tensor& tensor) {
  check_defined(operation, argument, tensor);
  return tensor;
}

/// The same for several arguments: check_defined("where", {{"mask", mask}, {"a", a}, {"b", b}}).
struct Argument {
  const char* name;
  const Tensor& tensor;
};
inline void check_defined(const char* operation, std::initializer_list<Argument> arguments) {
  for (const Argument& argument : arguments) {
    check_defined(operation, argument.name, argument.tensor);
  }
}

/// The same for a list, whose members are called "tensor 0", "tensor 1", ... if `word` is "tensor".
GRADUS_API void check_all_defined(const char* operation, const char* word,
                                  const std::vector<Tensor>& tensors);

}  // namespace gradus::detail
