#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/module/detail/named_parameters.h>

namespace gradus::detail {

void check_defined(const char* operation, const std::vector<NamedParameter>& parameters) {
  for (const auto& [path, parameter] : parameters) {
    if (!parameter.defined()) throw_undefined(operation, "parameter " + path);
  }
}

}  // namespace gradus::detail
