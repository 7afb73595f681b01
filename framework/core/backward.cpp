// The backward pass: which node gets a cotangent, in which order, and how contributions are added.
#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/backward_checks.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/cotangent.h>
#include <gradus/framework/core/detail/gather.h>
#include <gradus/framework/core/profile.h>

#include <algorithm>
#include <mutex>

namespace gradus::detail {
namespace {

thread_local const char* current = nullptr;  // the op whose backward this thread runs

std::mutex engine_lock;
thread_local bool inside_backward = false;

class Engine final : public Sink {
 public:
  explicit Engine(const BackwardOptions& options)
      : retain_(options.retain_graph), anomaly_(anomaly_mode()) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void run(const Tensor& root, Tensor cotangent);

  void add(std::size_t i, Gradient contribution) override;
  void add_repeated(std::size_t i, Tensor contribution) override;
  const Tensor& accumulator(std::size_t i) override;

 private:
  void discover(Node* root);
  void add_to_leaf(Body& body, Gradient contribution);
  void list(Body& body);
  void serve(Node& node);
  void commit();

  bool retain_, anomaly_;
  Node* current_ = nullptr;
  std::vector<Ref<Node>> seen_;
  std::vector<Node*> ready_;
  std::vector<Ref<Body>> leaves_;
};

std::uint64_t visit_number = 0;

void Engine::discover(Node* root) {
  const std::uint64_t visit = ++visit_number;
  std::vector<Node*> stack{root};
  root->visit = visit;
  root->consumers = 0;
  seen_.emplace_back(root);
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    check_not_freed(*node);
    for (const Edge& edge : node->edges()) {
      Node* producer = edge.node.get();
      if (producer == nullptr) {
        check_leaf(*node, edge);
        continue;
      }
      if (producer->visit != visit) {
        producer->visit = visit;
        producer->consumers = 0;
        seen_.emplace_back(producer);
        stack.push_back(producer);
      }
      ++producer->consumers;
    }
  }
}

void Engine::run(const Tensor& root, Tensor cotangent) {
  Body& body = Access::body(root);
  if (!body.node) {
    add_to_leaf(body, Gradient(std::move(cotangent)));
    commit();
    return;
  }
  discover(body.node.get());
  body.node->outputs()[body.output].cotangent = std::move(cotangent);
  try {
    ready_.push_back(body.node.get());
    while (!ready_.empty()) {
      Node* node = ready_.back();
      ready_.pop_back();
      serve(*node);
    }
    commit();
  } catch (...) {
    for (const Ref<Node>& node : seen_) {
      if (node->freed) node->failed = current_->name();
    }
    throw;
  }
}

void Engine::serve(Node& node) {
  const bool any = std::any_of(node.outputs().begin(), node.outputs().end(),
                               [](const Output& output) { return output.cotangent.defined(); });
  if (any) {
    current_ = &node;
    const RunningOp running(node.name());
    const ProfiledBackward timed(node.name());
    node.apply(*this);
  }
  if (!retain_) {
    node.freed.store(node.name(), std::memory_order_relaxed);
    node.drop_saved();
  }
  for (const Edge& edge : node.edges()) {
    if (edge.node && --edge.node->consumers == 0) ready_.push_back(edge.node.get());
  }
}

void Engine::add(std::size_t i, Gradient contribution) {
  const Edge& edge = current_->edges()[i];
  if (!edge.needed()) return;
  check_there(!contribution.empty(), current_->name(), i);
  Output* output = edge.node ? &edge.node->outputs()[edge.output] : nullptr;
  const Shape& shape = edge.shape();
  check_contribution(contribution, shape, output ? output->dtype : edge.leaf.dtype(),
                     current_->name(), i);
  if (anomaly_) check_finite(contribution, current_->name(), i);
  if (contribution.is_dense() && contribution.dense().shape() != shape) {
    contribution = Gradient(sum_to(contribution.dense(), shape));
  }
  if (output == nullptr) {
    add_to_leaf(Access::body(edge.leaf), std::move(contribution));
  } else if (contribution.is_sparse()) {
    make_owned(output->cotangent, shape, output->dtype);
    contribution.sparse().add_to(output->cotangent);
  } else {
    gather(*output, std::move(contribution).take_dense());
  }
}

void Engine::add_repeated(std::size_t i, Tensor contribution) {
  const Edge& edge = current_->edges()[i];
  if (!edge.needed()) return;
  check_there(contribution.defined(), current_->name(), i);
  const Shape& shape = edge.shape();
  const bool repeats = contribution.shape() != shape && broadcasts_to(contribution.shape(), shape);
  if (edge.leaf.defined() || !repeats) {
    return add(i, repeats ? repeat_to(contribution, shape) : std::move(contribution));
  }
  if (anomaly_) check_finite(contribution, current_->name(), i);
  gather(edge.node->outputs()[edge.output], std::move(contribution));
}

const Tensor& Engine::accumulator(std::size_t i) {
  const Edge& edge = current_->edges()[i];
  if (edge.node) {
    Output& output = edge.node->outputs()[edge.output];
    make_owned(output.cotangent, output.shape, output.dtype);
    return output.cotangent;
  }
  Body& body = Access::body(edge.leaf);
  list(body);
  make_owned(body.leaf->dense, body.shape, body.dtype);
  return body.leaf->dense;
}

void Engine::list(Body& body) {
  if (body.leaf->pending) return;
  body.leaf->pending = true;
  leaves_.emplace_back(&body);
}

void Engine::add_to_leaf(Body& body, Gradient contribution) {
  list(body);
  if (contribution.is_sparse()) {
    body.leaf->sparse.push_back(contribution.sparse());
  } else {
    gather(body.leaf->dense, std::move(contribution).take_dense());
  }
}

void Engine::commit() {
  for (const Ref<Body>& body : leaves_) {
    Leaf& leaf = *body->leaf;
    if (leaf.trainable) leaf.gradient = merge(leaf);  // it may have been frozen since
  }
}

Engine::~Engine() {
  for (const Ref<Body>& body : leaves_) {
    body->leaf->pending = false;
    body->leaf->dense = Tensor();
    body->leaf->sparse.clear();
  }
  for (const Ref<Node>& node : seen_) {
    for (Output& output : node->outputs()) output.cotangent = Tensor();
    if (!node->freed) continue;
    for (Edge& edge : node->edges()) edge = Edge();
  }
}

}  // namespace

RunningOp::RunningOp(const char* name) : before_(current) { current = name; }
RunningOp::~RunningOp() { current = before_; }

const char* running_op() { return current; }

GraphLock::GraphLock(const char* operation) {
  if (inside_backward) {
    throw AutogradError(fmt::format("{}: called from inside a backward pass", operation));
  }
  engine_lock.lock();
}
GraphLock::~GraphLock() { engine_lock.unlock(); }

std::vector<Tensor> reachable_leaves(const Tensor& root) {
  const GraphLock lock("check_registered");
  std::vector<Tensor> leaves;
  Node* first = Access::body(root).node.get();
  if (first == nullptr) {
    if (root.trainable()) leaves.push_back(root);
    return leaves;
  }
  const std::uint64_t visit = ++visit_number;
  std::vector<Node*> stack{first};
  first->visit = visit;
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    for (const Edge& edge : node->edges()) {
      Leaf* leaf = edge.leaf.defined() ? Access::body(edge.leaf).leaf.get() : nullptr;
      if (leaf && !leaf->pending) {
        leaf->pending = true;  // marks the members of `leaves`
        leaves.push_back(edge.leaf);
      } else if (edge.node && edge.node->visit != visit) {
        edge.node->visit = visit;
        stack.push_back(edge.node.get());
      }
    }
  }
  for (const Tensor& leaf : leaves) Access::body(leaf).leaf->pending = false;
  return leaves;
}

void run_backward(const Tensor& root, Tensor cotangent, const BackwardOptions& options) {
  if (inside_backward) {
    throw AutogradError(
        "backward: called from inside a backward pass: gradients of gradients are not supported");
  }
  if (!root.requires_grad()) {
    throw AutogradError(fmt::format(
        "backward: the tensor {} was not computed from a trainable leaf while recording: all its "
        "inputs are frozen, detached, or were used under NoGradGuard",
        root.shape().str()));
  }
  if (cotangent.shape() != root.shape()) {
    throw ShapeError(fmt::format("backward: cotangent {} for a tensor {}", cotangent.shape().str(),
                                 root.shape().str()));
  }
  if (cotangent.dtype() != root.dtype()) {
    throw DTypeError(fmt::format("backward: cotangent of dtype {} for a tensor of dtype {}",
                                 name(cotangent.dtype()), name(root.dtype())));
  }
  const ProfilerScope profiled("backward");
  const std::lock_guard<std::mutex> lock(engine_lock);
  const NoGradGuard no_grad;
  struct Inside {
    Inside() { inside_backward = true; }
    ~Inside() { inside_backward = false; }
  } const inside;
  Engine(options).run(root, std::move(cotangent));
}

}  // namespace gradus::detail
