#pragma once
#include <gradus/framework/base/detail/ref.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/gradient.h>

#include <atomic>
#include <cstdint>
#include <span>

namespace gradus::detail {

class Node;

/// Where the cotangent of an op's input goes: to the op that made it, or to a leaf, or nowhere.
struct Edge {
  Ref<Node> node;
  std::uint32_t output = 0;      // which output of `node`
  std::uint32_t generation = 0;  // of `leaf`, when the op was recorded
  Tensor leaf;

  bool needed() const { return node || leaf.defined(); }
  /// The shape of the input. Only if needed().
  GRADUS_API const Shape& shape() const;
};

/// The edge to a tensor; empty if it needs no gradient or is undefined.
GRADUS_API Edge edge_to(const Tensor& input);

/// What backward knows about one output of an op, and the cotangent it gathers for it, which may
/// repeat along axes that it lacks or where it has size 1.
struct Output {
  Shape shape;
  DType dtype = DType::float32;
  Tensor cotangent;
};

/// Receives what a vjp computes; implemented by the engine.
class Sink {
 public:
  /// Adds a contribution to the cotangent of input i.
  virtual void add(std::size_t i, Gradient contribution) = 0;
  /// The same for one that repeats along axes that it lacks or where it has size 1.
  virtual void add_repeated(std::size_t i, Tensor contribution) = 0;
  /// A zero-filled or partly gathered cotangent of input i, solely owned, for a vjp to add into.
  virtual const Tensor& accumulator(std::size_t i) = 0;

 protected:
  ~Sink() = default;
};

/// One recorded op. It owns what its vjps saved and edges to its inputs; never its outputs.
/// Chains of any length are freed without recursion.
class GRADUS_API Node : public Pooled {
 public:
  Node(const char* name, std::span<Edge> edges) : name_(name), edges_(edges) {}
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const char* name() const { return name_; }
  std::span<Edge> edges() { return edges_; }
  std::span<Output> outputs() {
    return more_ ? std::span<Output>(more_, count_) : std::span<Output>(&first_, 1);
  }
  void set_outputs(std::span<const Tensor> tensors);

  /// Runs the vjps of the inputs that need one; cotangents are read from outputs().
  virtual void apply(Sink& sink) = 0;
  /// Drops what the vjps saved.
  virtual void drop_saved() noexcept = 0;

  void retain() noexcept { count_refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (count_refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }

  // The engine's scratch, guarded by its lock.
  std::uint64_t visit = 0;     // the last backward pass that saw this node
  std::int64_t consumers = 0;  // edges to this node that have not been served
  // The op whose graph a backward pass freed: this one or, if this one was recorded afterwards, an
  // op before it.
  std::atomic<const char*> freed{nullptr};
  // The op in whose backward that pass failed, if it did.
  std::atomic<const char*> failed{nullptr};

 protected:
  // For nodes whose edges are members of the derived class.
  void set_edges(std::span<Edge> edges) { edges_ = edges; }

 private:
  void destroy() noexcept;

  std::atomic<std::int64_t> count_refs_{1};
  const char* name_;
  std::span<Edge> edges_;
  std::uint32_t count_ = 1;
  Output first_;
  Output* more_ = nullptr;  // an array that this owns, unless there is one output
  Node* next_ = nullptr;    // in the list of nodes to be freed
};

}  // namespace gradus::detail
