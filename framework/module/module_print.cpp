// The tree of a model as text.
#include <fmt/format.h>
#include <gradus/framework/module/detail/module_node.h>
#include <gradus/framework/module/module.h>

#include <iterator>
#include <ostream>

namespace gradus {

using detail::ModuleNode;

namespace {

// Appends a text, with the indent at the start of each line after the first.
void append(std::string& out, const std::string& text, const std::string& indent) {
  for (const char c : text) {
    out += c;
    if (c == '\n') out += indent;
  }
}

// Appends the tree of a node, each line once, so that the time is linear in the length of the text.
void describe(const ModuleNode& node, const std::type_info& type, std::string& indent,
              std::string& out) {
  append(out, detail::name_of(node, type), indent);
  if (node.children.empty()) {
    if (!node.description) out += "()";
    return;
  }
  const std::size_t outer = indent.size();
  out += "(\n";
  indent += "  ";
  for (const ModuleNode::Child& child : node.children) {
    out += indent;
    fmt::format_to(std::back_inserter(out), "({}): ", child.name);
    describe(*child.node, typeid(Module), indent, out);
    out += '\n';
  }
  indent.resize(outer);
  out += indent;
  out += ')';
}

std::string describe(const ModuleNode& node, const std::type_info& type) {
  std::string indent, out;
  describe(node, type, indent, out);
  return out;
}

}  // namespace

std::string Module::str() const { return describe(node(), typeid(Module)); }

void detail::write(std::ostream& out, const Module& module, const std::type_info& type) {
  out << describe(ModuleAccess::node(module), type);
}

}  // namespace gradus
