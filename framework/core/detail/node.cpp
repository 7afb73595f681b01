#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/node.h>

namespace gradus::detail {

Edge edge_to(const Tensor& input) {
  Edge edge;
  if (!input.defined()) return edge;
  Body& body = Access::body(input);
  if (body.node) {
    edge.node = body.node;
    edge.output = body.output;
  } else if (body.leaf && body.leaf->trainable) {
    edge.leaf = input;
    edge.generation = body.leaf->generation;
  }
  return edge;
}

const Shape& Edge::shape() const { return node ? node->outputs()[output].shape : leaf.shape(); }

Node::~Node() { delete[] more_; }

void Node::set_outputs(std::span<const Tensor> tensors) {
  count_ = static_cast<std::uint32_t>(tensors.size());
  if (count_ != 1) more_ = new Output[count_];
  std::span<Output> all = outputs();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    all[i].shape = tensors[i].shape();
    all[i].dtype = tensors[i].dtype();
  }
}

namespace {

// Nodes whose last reference is gone, waiting to be deleted. Deleting one may drop the last
// reference to others, which queue up here too, so that the stack does not grow with the depth of
// the graph.
thread_local Node* doomed = nullptr;
thread_local bool deleting = false;

}  // namespace

void Node::destroy() noexcept {
  next_ = doomed;
  doomed = this;
  if (deleting) return;
  deleting = true;
  while (Node* node = doomed) {
    doomed = node->next_;
    delete node;
  }
  deleting = false;
}

}  // namespace gradus::detail
