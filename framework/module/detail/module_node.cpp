#include <cxxabi.h>
#include <gradus/framework/module/detail/module_node.h>

#include <cstdlib>
#include <typeinfo>

namespace gradus::detail {

std::string type_name(const std::type_info& type) {
  int status = 0;
  char* text = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string name = status == 0 ? text : type.name();
  std::free(text);  // NOLINT: __cxa_demangle allocates with malloc
  std::size_t begin = 0;
  int depth = 0;  // of brackets: Outer<ns::Inner> is one name
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<' || c == '(') ++depth;
    if (c == '>' || c == ')') --depth;
    if (c == ':' && depth == 0) begin = i + 1;
  }
  return name.substr(begin);
}

std::string name_of(const ModuleNode& node, const std::type_info& type) {
  if (node.description) return node.description();
  if (node.type != "Module" || type == typeid(Module)) return node.type;
  return type_name(type);
}

}  // namespace gradus::detail
