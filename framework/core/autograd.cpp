#include <fmt/format.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>

#include <algorithm>
#include <memory>

namespace gradus {

Saved::Saved(const Tensor& tensor) {
  if (!tensor.defined()) return;
  const detail::Body& body = detail::Access::body(tensor);
  storage_ = body.storage;
  offset_ = body.offset;
  version_ = storage_->version();
  shape_ = body.shape;
  dtype_ = body.dtype;
}

Tensor Saved::operator*() const {
  if (!defined()) return {};
  if (!storage_) detail::throw_moved_from("Saved");
  if (const std::uint64_t changes = storage_->version() - version_; changes > 0) {
    throw AutogradError(fmt::format(
        "backward of {}: a value {} that it needs was changed in place after the forward pass "
        "({} times{}): change it after backward(), or change a clone()",
        detail::running_op() ? detail::running_op() : "an op", shape_.str(), changes,
        storage_->changed_by() ? fmt::format(", last by {}", storage_->changed_by()) : ""));
  }
  return detail::Access::make(storage_, offset_, shape_, dtype_);
}

namespace detail {

namespace {

// An op on a value whose graph was freed can never run backward, so it holds on to nothing: a loop
// that adds up its losses does not keep the ops of every step alive.
void follow_freed(Node& node) {
  const Node* freed = nullptr;
  for (const Edge& edge : node.edges()) {
    if (edge.node && edge.node->freed) freed = edge.node.get();
  }
  if (freed == nullptr) return;
  node.freed = freed->freed.load();
  node.failed = freed->failed.load();
  node.drop_saved();
  for (Edge& edge : node.edges()) edge = Edge();
}

}  // namespace

void attach(const Ref<Node>& node, std::span<const Tensor> outputs) {
  for (const Tensor& output : outputs) {
    const Body& body = Access::body(output);
    if (body.requires_grad()) {
      throw AutogradError(fmt::format(
          "{}: the result is already part of a graph: record a tensor that the op has just made",
          node->name()));
    }
    if (!is_floating(body.dtype)) {
      throw DTypeError(fmt::format("{}: a result of dtype {} cannot carry a gradient", node->name(),
                                   gradus::name(body.dtype)));
    }
  }
  node->set_outputs(outputs);
  follow_freed(*node);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Body& body = Access::body(outputs[i]);
    body.leaf.reset();
    body.node = node;
    body.output = static_cast<std::uint32_t>(i);
  }
}

bool any_requires_grad(std::span<const Tensor> tensors) {
  return std::any_of(tensors.begin(), tensors.end(), needs_gradient);
}

namespace {

// Moves the cotangents out of a node's outputs.
std::vector<Tensor> take_cotangents(Node& node) {
  std::vector<Tensor> cotangents;
  cotangents.reserve(node.outputs().size());
  for (Output& output : node.outputs()) {
    Tensor& g = output.cotangent;
    const bool whole = !g.defined() || g.shape() == output.shape;
    cotangents.push_back(whole ? std::move(g) : repeat_to(g, output.shape));
    g = Tensor();
  }
  return cotangents;
}

std::unique_ptr<bool[]> needs_of(Node& node) {
  auto needs = std::make_unique<bool[]>(node.edges().size());
  for (std::size_t i = 0; i < node.edges().size(); ++i) needs[i] = node.edges()[i].needed();
  return needs;
}

// A gradient may be missing only if a cotangent is missing too, because an output was not used.
void add_joint(Node& node, Sink& sink, std::vector<Gradient> contributions, bool all_used) {
  const std::size_t inputs = node.edges().size();
  if (contributions.size() != inputs) {
    throw AutogradError(fmt::format("backward of {}: {} gradients for {} inputs", node.name(),
                                    contributions.size(), inputs));
  }
  for (std::size_t i = 0; i < inputs; ++i) {
    if (contributions[i].empty() && !all_used) continue;
    if (node.edges()[i].needed()) sink.add(i, std::move(contributions[i]));
  }
}

}  // namespace

void apply_joint(Node& node, Sink& sink, CallJoint call) {
  const std::vector<Tensor> cotangents = take_cotangents(node);
  const bool all_used = std::all_of(cotangents.begin(), cotangents.end(),
                                    [](const Tensor& g) { return g.defined(); });
  const std::unique_ptr<bool[]> needs = needs_of(node);
  add_joint(node, sink, call(node, cotangents, Needs(needs.get(), node.edges().size())), all_used);
}

}  // namespace detail
}  // namespace gradus
