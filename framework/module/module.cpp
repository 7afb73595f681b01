#include <fmt/format.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/module/detail/module_node.h>
#include <gradus/framework/module/module.h>

#include <algorithm>
#include <unordered_set>

namespace gradus {

using detail::for_each_node;
using detail::for_each_tensor;
using detail::ModuleNode;

namespace {

void check_name(const ModuleNode& node, std::string_view name) {
  if (name.empty()) throw ValueError("module: a name is empty");
  if (name.find('.') != std::string_view::npos) {
    throw ValueError(fmt::format(
        "module: the name '{}' contains a dot, which separates paths: for a list of layers, use "
        "a ModuleList, which names them 0, 1, ...: add(\"layers\", ModuleList(...))",
        name));
  }
  const bool taken =
      std::any_of(node.parameters.begin(), node.parameters.end(),
                  [&](const NamedParameter& p) { return p.path == name; }) ||
      std::any_of(node.buffers.begin(), node.buffers.end(),
                  [&](const auto& buffer) { return buffer.first == name; }) ||
      std::any_of(node.children.begin(), node.children.end(),
                  [&](const ModuleNode::Child& child) { return child.name == name; });
  if (taken) throw ValueError(fmt::format("module: the name '{}' is taken", name));
}

void check_defined(std::string_view kind, std::string_view name, const Tensor& tensor) {
  if (tensor.defined()) return;
  throw ValueError(fmt::format("module: the {} '{}' is undefined: give it a tensor", kind, name));
}

}  // namespace

Module::Module() : node_(std::make_shared<ModuleNode>()) {}
ModuleNode& Module::node() const {
  if (!node_) detail::throw_moved_from("Module");
  return *node_;
}

Module::Module(std::string_view name) : Module() { node().type = name; }
Module::~Module() = default;

void Module::add_module(std::string_view name, const Module& module, const std::type_info& type) {
  check_name(node(), name);
  std::unordered_set<const ModuleNode*> own;
  for_each_node(node(), [&](ModuleNode& node) { own.insert(&node); });
  for_each_node(module.node(), [&](ModuleNode& node) {
    if (own.count(&node) > 0) {
      throw ValueError(fmt::format(
          "module: '{}' ({}) is already part of this model: a module has a single name; to "
          "share weights, share a Parameter",
          name, node.type));
    }
  });
  if (module.node().type == "Module") module.node().type = detail::type_name(type);
  node().children.push_back({std::string(name), module.node_});
}

Parameter Module::add_parameter(std::string_view name, const Tensor& tensor, bool trainable) {
  check_name(node(), name);
  check_defined("parameter", name, tensor);
  tensor.set_trainable(trainable);
  node().parameters.push_back({std::string(name), Parameter(tensor)});
  return Parameter(tensor);
}

Parameter Module::add_parameter(std::string_view name, const Parameter& shared) {
  check_defined("parameter", name, shared);
  return add_parameter(name, static_cast<const Tensor&>(shared), shared.trainable());
}

Tensor Module::add_buffer(std::string_view name, const Tensor& tensor) {
  check_name(node(), name);
  check_defined("buffer", name, tensor);
  if (const auto& node = detail::Access::body(tensor).node) {
    throw AutogradError(
        fmt::format("module: the buffer '{}' {} is part of a graph (made by {}), so no state "
                    "could be loaded into it: pass a detach() of the tensor",
                    name, tensor.shape().str(), node->name()));
  }
  this->node().buffers.emplace_back(std::string(name), tensor);
  return tensor;
}

void Module::set_description(std::function<std::string()> describe) {
  node().description = std::move(describe);
}

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> all;
  std::unordered_set<const detail::Body*> seen;
  for_each_tensor(node(), [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    if (is_parameter && seen.insert(&detail::Access::body(tensor)).second) {
      all.push_back({path, Parameter(tensor)});
    }
  });
  return all;
}

std::int64_t Module::num_parameters(bool trainable_only) const {
  std::int64_t count = 0;
  for (const NamedParameter& p : parameters()) {
    if (!trainable_only || p.parameter.trainable()) count += p.parameter.numel();
  }
  return count;
}

void Module::train(bool training) const {
  for_each_node(node(), [&](ModuleNode& node) { node.training = training; });
}

bool Module::is_training() const { return node().training; }

void Module::set_trainable(bool trainable) const {
  for (const NamedParameter& p : parameters()) {
    if (trainable && p.parameter.is_read_only()) {
      throw ValueError(
          fmt::format("set_trainable: {} {} is mapped from a file, read-only: unfreeze the others "
                      "one by one",
                      p.path, p.parameter.shape().str()));
    }
  }
  for (const NamedParameter& p : parameters()) p.parameter.set_trainable(trainable);
}

void Module::zero_grad() const {
  for (const NamedParameter& p : parameters()) p.parameter.clear_grad();
}

void Module::to(DType dtype) const {
  if (!is_floating(dtype)) {
    throw DTypeError(fmt::format("module: to({}): a float type is needed", name(dtype)));
  }
  const NoGradGuard no_grad;
  for_each_tensor(node(), [&](const std::string&, const Tensor& tensor, bool) {
    if (is_floating(tensor.dtype()) && tensor.dtype() != dtype) {
      detail::Access::replace(tensor, tensor.to(dtype));
    }
  });
}

}  // namespace gradus
