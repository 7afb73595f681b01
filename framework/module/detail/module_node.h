#pragma once
#include <gradus/framework/module/module.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gradus::detail {

/// What a Module points to.
struct ModuleNode {
  struct Child {
    std::string name;
    std::shared_ptr<ModuleNode> node;
  };
  std::vector<NamedParameter> parameters;
  std::vector<std::pair<std::string, Tensor>> buffers;
  std::vector<Child> children;
  std::string type = "Module";
  std::function<std::string()> description;
  bool training = true;
};

struct ModuleAccess {
  static ModuleNode& node(const Module& module) { return module.node(); }
};

/// Calls f(node, prefix) for every node of the tree, parents first; prefix is "" or "path.".
template <class F>
void for_each_node(ModuleNode& node, const std::string& prefix, F&& f) {
  f(node, prefix);
  for (const ModuleNode::Child& child : node.children) {
    for_each_node(*child.node, prefix + child.name + ".", f);
  }
}

/// Calls f(node) for every node of the tree, parents first.
template <class F>
void for_each_node(ModuleNode& node, F&& f) {
  f(node);
  for (const ModuleNode::Child& child : node.children) for_each_node(*child.node, f);
}

/// Calls f(path, tensor, is_parameter) for every parameter and buffer, shared ones at each path.
template <class F>
void for_each_tensor(ModuleNode& root, F&& f) {
  for_each_node(root, "", [&](ModuleNode& node, const std::string& prefix) {
    for (const NamedParameter& p : node.parameters) f(prefix + p.path, p.parameter, true);
    for (const auto& [name, buffer] : node.buffers) f(prefix + name, buffer, false);
  });
}

/// The name of a type as the source has it, without namespaces.
std::string type_name(const std::type_info& type);

/// The name of a node; `type` is that of the handle, for a root without a name.
std::string name_of(const ModuleNode& node, const std::type_info& type);

}  // namespace gradus::detail
