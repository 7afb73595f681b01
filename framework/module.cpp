#include <cxxabi.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/engine.h>
#include <gradus/framework/detail/module_node.h>
#include <gradus/framework/error.h>
#include <gradus/framework/module.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <unordered_set>

namespace gradus {

using detail::for_each_node;
using detail::ModuleNode;

namespace detail {

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

}  // namespace detail

namespace {

// Calls f(path, tensor, is_parameter) for every parameter and buffer, shared ones at each path.
template <class F>
void for_each_tensor(ModuleNode& root, F&& f) {
  for_each_node(root, "", [&](ModuleNode& node, const std::string& prefix) {
    for (const NamedParameter& p : node.parameters) f(prefix + p.path, p.parameter, true);
    for (const auto& [name, buffer] : node.buffers) f(prefix + name, buffer, false);
  });
}

void check_name(const ModuleNode& node, std::string_view name) {
  if (name.empty()) throw ValueError("module: a name is empty");
  if (name.find('.') != std::string_view::npos) {
    throw ValueError(
        fmt::format("module: the name '{}' holds a dot, which separates paths: a list of layers is "
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

// An entry of a state dict and the tensor of the model that it belongs to.
struct Match {
  const StateEntry* entry;
  Tensor target;
  bool is_parameter;
};

bool same_memory(const Tensor& a, const Tensor& b) { return detail::data(a) == detail::data(b); }

void check_match(const std::string& path, const Tensor& target, const Tensor& source) {
  if (source.shape() != target.shape()) {
    throw ShapeError(fmt::format("load_state_dict: {} is {} in the state, {} in the model", path,
                                 source.shape().str(), target.shape().str()));
  }
  if (source.dtype() != target.dtype()) {
    throw DTypeError(fmt::format(
        "load_state_dict: {} is {} in the state, {} in the model: convert one with to()", path,
        name(source.dtype()), name(target.dtype())));
  }
  if (target.is_read_only() && !same_memory(target, source)) {
    throw ValueError(
        fmt::format("load_state_dict: {} is mapped from a file, read-only: leave it out of the "
                    "state and pass .strict = false",
                    path));
  }
}

std::string indented(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

std::string describe(const ModuleNode& node, const std::type_info& type) {
  const std::string head = detail::name_of(node, type);
  if (node.children.empty()) return node.description ? head : head + "()";
  std::string out = head + "(\n";
  for (const ModuleNode::Child& child : node.children) {
    out += fmt::format("  ({}): {}\n", child.name, indented(describe(*child.node, typeid(Module))));
  }
  return out + ")";
}

}  // namespace

Module::Module() : node_(detail::Shared<ModuleNode>::make()) {}
Module::Module(std::string_view name) : Module() { node_->type = name; }
Module::~Module() = default;

void Module::add_module(std::string_view name, const Module& module, const std::type_info& type) {
  check_name(*node_, name);
  std::unordered_set<const ModuleNode*> own;
  for_each_node(*node_, "", [&](ModuleNode& node, const std::string&) { own.insert(&node); });
  for_each_node(*module.node_, "", [&](ModuleNode& node, const std::string&) {
    if (own.count(&node) > 0) {
      throw ValueError(fmt::format(
          "module: '{}' ({}) is part of this model already: a module stands under one name; to "
          "share weights, share a Parameter",
          name, node.type));
    }
  });
  if (module.node_->type == "Module") module.node_->type = detail::type_name(type);
  node_->children.push_back({std::string(name), module.node_});
}

Parameter Module::add_parameter(std::string_view name, const Tensor& tensor, bool trainable) {
  check_name(*node_, name);
  tensor.set_trainable(trainable);
  node_->parameters.push_back({std::string(name), Parameter(tensor)});
  return Parameter(tensor);
}

Parameter Module::add_parameter(std::string_view name, const Parameter& shared) {
  return add_parameter(name, static_cast<const Tensor&>(shared), shared.trainable());
}

Tensor Module::add_buffer(std::string_view name, const Tensor& tensor) {
  check_name(*node_, name);
  node_->buffers.emplace_back(std::string(name), tensor);
  return tensor;
}

void Module::set_description(Function<std::string()> describe) {
  node_->description = std::move(describe);
}

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> all;
  std::unordered_set<const detail::Body*> seen;
  for_each_tensor(*node_, [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
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

StateDict Module::state_dict() const {
  StateDict state;
  for_each_tensor(*node_, [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    state.set(path, tensor, is_parameter ? std::optional<bool>(!tensor.trainable()) : std::nullopt);
  });
  return state;
}

LoadResult Module::load_state_dict(const StateDict& state, const LoadOptions& options) const {
  LoadResult result;
  std::vector<Match> matches;
  std::unordered_set<std::string_view> used;
  for_each_tensor(*node_, [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    const StateEntry* entry = state.find(path);
    if (entry == nullptr) {
      result.missing.push_back(path);
      return;
    }
    check_match(path, tensor, entry->tensor);
    used.insert(entry->name);
    matches.push_back({entry, tensor, is_parameter});
  });
  for (const StateEntry& entry : state) {
    if (used.count(entry.name) == 0) result.unexpected.push_back(entry.name);
  }
  if (options.strict && !(result.missing.empty() && result.unexpected.empty())) {
    throw Error(fmt::format(
        "load_state_dict: missing in the state: [{}]; unexpected in it: [{}]: build the model that "
        "was saved, or pass .strict = false",
        fmt::join(result.missing, ", "), fmt::join(result.unexpected, ", ")));
  }
  const NoGradGuard no_grad;
  for (const Match& match : matches) {
    if (match.target.is_read_only()) continue;  // it is what the state holds
    match.target.copy_(match.entry->tensor);
    if (match.is_parameter && match.entry->frozen) {
      match.target.set_trainable(!*match.entry->frozen);
    }
  }
  return result;
}

void Module::train(bool training) const {
  for_each_node(*node_, "",
                [&](ModuleNode& node, const std::string&) { node.training = training; });
}

bool Module::is_training() const { return node_->training; }

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
    throw DTypeError(fmt::format("module: to({}) is not a float type", name(dtype)));
  }
  const NoGradGuard no_grad;
  for_each_tensor(*node_, [&](const std::string&, const Tensor& tensor, bool) {
    if (is_floating(tensor.dtype()) && tensor.dtype() != dtype) {
      detail::Access::replace(tensor, tensor.to(dtype));
    }
  });
}

std::string Module::str() const { return describe(*node_, typeid(Module)); }

void detail::write(std::ostream& out, const Module& module, const std::type_info& type) {
  out << describe(ModuleAccess::node(module), type);
}

StateDict snapshot(const Module& module) {
  StateDict copy;
  for (const StateEntry& entry : module.state_dict()) {
    copy.set(entry.name, entry.tensor.is_read_only() ? entry.tensor : entry.tensor.clone());
  }
  return copy;
}

void restore(const Module& module, const StateDict& state) {
  StateDict values;
  for (const StateEntry& entry : state) values.set(entry.name, entry.tensor);
  module.load_state_dict(values);
}

void copy_state(const Module& from, const Module& to) { restore(to, from.state_dict()); }

void check_registered(const Tensor& loss, const Module& model) {
  std::unordered_set<const detail::Body*> listed;
  for (const NamedParameter& p : model.parameters()) {
    listed.insert(&detail::Access::body(p.parameter));
  }
  std::vector<std::string> missing;
  for (const Tensor& leaf : detail::reachable_leaves(loss)) {
    if (listed.count(&detail::Access::body(leaf)) == 0) missing.push_back(leaf.shape().str());
  }
  if (!missing.empty()) {
    throw AutogradError(fmt::format(
        "check_registered: the loss depends on {} trainable leaves that model.parameters() lacks, "
        "of shapes {}: register their layers with add(\"name\", layer)",
        missing.size(), fmt::join(missing, ", ")));
  }
}

}  // namespace gradus
