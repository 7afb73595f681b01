#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>

namespace gradus::detail {

void throw_undefined(const char* operation, std::string_view argument) {
  throw Error(fmt::format("{}: {} is an undefined tensor (default-constructed or moved from)",
                          operation, argument));
}

void check_all_defined(const char* operation, const char* word,
                       const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].defined()) throw_undefined(operation, fmt::format("{} {}", word, i));
  }
}

}  // namespace gradus::detail
