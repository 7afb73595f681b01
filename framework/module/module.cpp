#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/module/detail/module_node.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/framework/module/detail/state_problems.h>
#include <gradus/framework/module/module.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <ostream>
#include <unordered_set>

namespace gradus {

using detail::for_each_node;
using detail::ModuleNode;
using detail::printable_names;
using detail::StateProblems;

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

void check_defined(std::string_view kind, std::string_view name, const Tensor& tensor) {
  if (tensor.defined()) return;
  throw ValueError(fmt::format("module: the {} '{}' is undefined: give it a tensor", kind, name));
}

// An entry of a state dict and the tensor of the model that it belongs to.
struct Match {
  const StateEntry* entry;
  Tensor target;
  bool is_parameter;
};

bool same_memory(const Tensor& a, const Tensor& b) { return detail::data(a) == detail::data(b); }

void check_match(const std::string& path, const Tensor& target, const StateEntry& entry,
                 StateProblems& problems) {
  using Kind = StateProblems::Kind;
  const Tensor& source = entry.tensor;
  if (!source.defined()) {
    problems.add(Kind::value, path + " is undefined in the state");
  } else if (source.shape() != target.shape()) {
    problems.add(Kind::shape, fmt::format("{} is {} in the state, {} in the model", path,
                                          source.shape().str(), target.shape().str()));
  } else if (source.dtype() != target.dtype()) {
    problems.add(Kind::dtype,
                 fmt::format("{} is {} in the state, {} in the model: convert one with to()", path,
                             name(source.dtype()), name(target.dtype())));
  } else if (target.is_read_only() && !same_memory(target, source)) {
    problems.add(Kind::value,
                 fmt::format("{} is mapped from a file, read-only: leave it out of the state and "
                             "pass .strict = false",
                             path));
  } else if (detail::Access::body(target).node) {
    problems.add(Kind::value, path + " is part of a graph in the model: give it a detach()");
  } else if (entry.frozen == false && !is_floating(target.dtype())) {
    problems.add(Kind::value,
                 fmt::format("{} is trainable in the state, and {}", path, name(target.dtype())));
  }
}

// The entries of the state, copied where writing one target would change what another one is to
// get: a state may hold the model's own tensors under each other's names.
std::vector<Tensor> sources_of(const std::vector<Match>& matches) {
  std::unordered_set<const detail::Storage*> written;
  for (const Match& match : matches) {
    written.insert(detail::Access::body(match.target).storage.get());
  }
  std::vector<Tensor> sources;
  sources.reserve(matches.size());
  for (const auto& [entry, target, is_parameter] : matches) {
    const Tensor& source = entry->tensor;
    const bool changes = !same_memory(target, source) &&
                         written.count(detail::Access::body(source).storage.get()) > 0;
    sources.push_back(changes ? source.clone() : source);
  }
  return sources;
}

// How many whole components two paths have in common, at their ends and at their beginnings.
std::int64_t likeness(std::string_view a, std::string_view b) {
  const auto common = [](auto a_begin, auto a_end, auto b_begin, auto b_end) {
    const auto [x, y] = std::mismatch(a_begin, a_end, b_begin, b_end);
    return std::count(a_begin, x, '.') + (x == a_end || y == b_end ? 1 : 0);
  };
  return common(a.begin(), a.end(), b.begin(), b.end()) +
         common(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

bool alike(const Tensor& a, const Tensor& b) {
  return a.defined() && a.shape() == b.shape() && a.dtype() == b.dtype();
}

// Takes, of the names that are left, the one that is most like `path`, if one is like it at all and
// its tensor is of the same shape and dtype.
std::string take_alike(std::vector<std::string>& left, const StateDict& state,
                       const std::string& path, const Tensor& target, std::int64_t least) {
  auto best = left.end();
  for (auto candidate = left.begin(); candidate != left.end(); ++candidate) {
    const std::int64_t score = likeness(*candidate, path);
    if (score < least || !alike(state.at(*candidate), target)) continue;
    best = candidate;
    least = score + 1;
  }
  if (best == left.end()) return "";
  std::string name = std::move(*best);
  left.erase(best);
  return name;
}

// Guesses which names of the state became which ones of the model.
std::string renamed(const LoadResult& result, const StateDict& state, const StateDict& model) {
  constexpr std::size_t limit = 1'000'000;  // of comparisons
  if (result.missing.size() * result.unexpected.size() > limit) return "";
  std::vector<std::string> pairs, missing = result.missing, left = result.unexpected;
  for (const std::int64_t least : {1, 0}) {  // names that have nothing in common come last
    for (std::string& path : missing) {
      if (path.empty()) continue;
      const std::string name = take_alike(left, state, path, model.at(path), least);
      if (name.empty()) continue;
      pairs.push_back(fmt::format("{} -> {}", name, path));
      path.clear();
    }
  }
  return printable_names(pairs);
}

// Throws all that is wrong if names are missing or unexpected.
void check_names(const LoadResult& result, const StateDict& state, const StateDict& model,
                 const StateProblems& mismatches) {
  if (result.missing.empty() && result.unexpected.empty()) return;
  StateProblems problems;
  problems.add(StateProblems::Kind::other,
               fmt::format("missing in the state: [{}]; unexpected in it: [{}]",
                           printable_names(result.missing), printable_names(result.unexpected)));
  const std::string pairs = renamed(result, state, model);
  if (!pairs.empty()) {
    problems.add(StateProblems::Kind::other, fmt::format("perhaps renamed: [{}]", pairs));
  }
  problems.add(mismatches);
  problems.raise(mismatches.empty() ? ": build the model that was saved, or pass .strict = false"
                                    : ": build the model that was saved");
}

// Appends a text, whose further lines begin with the indent.
void append(std::string& out, const std::string& text, const std::string& indent) {
  for (const char c : text) {
    out += c;
    if (c == '\n') out += indent;
  }
}

// Appends the tree of a node, each line once: deep trees take no more time than their text is long.
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
          "module: '{}' ({}) is part of this model already: a module stands under one name; to "
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
        fmt::format("module: the buffer '{}' {} is part of a graph (made by {}), so that no state "
                    "could be loaded into it: give it a detach() of the tensor",
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

StateDict Module::state_dict() const {
  StateDict state;
  for_each_tensor(node(), [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    state.set(path, tensor, is_parameter ? std::optional<bool>(!tensor.trainable()) : std::nullopt);
  });
  return state;
}

LoadResult Module::load_state_dict(const StateDict& state, const LoadOptions& options) const {
  LoadResult result;
  StateProblems mismatches;
  std::vector<Match> matches;
  std::unordered_set<std::string_view> used;
  for_each_tensor(node(), [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    const StateEntry* entry = state.find(path);
    if (entry == nullptr) {
      result.missing.push_back(path);
      return;
    }
    check_match(path, tensor, *entry, mismatches);
    used.insert(entry->name);
    matches.push_back({entry, tensor, is_parameter});
  });
  if (matches.empty()) detail::require_model_state(state);
  for (const StateEntry& entry : state) {
    if (used.count(entry.name) == 0) result.unexpected.push_back(entry.name);
  }
  if (options.strict) check_names(result, state, state_dict(), mismatches);
  mismatches.raise();
  const NoGradGuard no_grad;
  const std::vector<Tensor> sources = sources_of(matches);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const Match& match = matches[i];
    if (match.target.is_read_only()) continue;  // it is what the state holds
    match.target.copy_(sources[i]);
    if (match.is_parameter && match.entry->frozen) {
      match.target.set_trainable(!*match.entry->frozen);
    }
  }
  return result;
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
    throw DTypeError(fmt::format("module: to({}) is not a float type", name(dtype)));
  }
  const NoGradGuard no_grad;
  for_each_tensor(node(), [&](const std::string&, const Tensor& tensor, bool) {
    if (is_floating(tensor.dtype()) && tensor.dtype() != dtype) {
      detail::Access::replace(tensor, tensor.to(dtype));
    }
  });
}

std::string Module::str() const { return describe(node(), typeid(Module)); }

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
  values.metadata = state.metadata;
  module.load_state_dict(values);
}

void copy_state(const Module& from, const Module& to) { restore(to, from.state_dict()); }

void check_registered(const Tensor& loss, const Module& model) {
  detail::check_defined("check_registered", "loss", loss);
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
        "check_registered: the loss depends on trainable leaves that model.parameters() lacks, of "
        "shapes {}: register layers with add(\"name\", layer), tensors and parameters of your own "
        "with add_parameter(\"name\", tensor)",
        fmt::join(missing, ", ")));
  }
}

}  // namespace gradus
