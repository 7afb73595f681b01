#pragma once
#include <gradus/framework/core/detail/cotangent.h>
#include <gradus/framework/core/detail/node.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/core/storage.h>
#include <gradus/framework/core/tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace gradus {

/// A value held for backward: its storage and the version it had, but not its record, so that no
/// op ever owns its own output. Reading it after a change in place throws an AutogradError that
/// names the op.
class GRADUS_API Saved {
 public:
  /// An undefined tensor (an optional input that was left out) stays undefined.
  explicit Saved(const Tensor& tensor);
  /// The value, not part of any graph.
  Tensor operator*() const;
  bool defined() const { return offset_ >= 0; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }

 private:
  detail::Ref<detail::Storage> storage_;
  std::int64_t offset_ = -1;  // -1 for an undefined tensor
  std::uint64_t version_ = 0;
  Shape shape_;
  DType dtype_ = DType::float32;
};

/// A contribution that repeats along axes that `value` lacks or where it has size 1, such as the
/// gradient of a sum. It is expanded only where an op needs all of it.
struct Repeated {
  Tensor value;
};

/// The vector-Jacobian product of one input: see record().
template <class F, bool elementwise = false>
struct Vjp {
  static constexpr bool is_elementwise = elementwise;
  using Function = F;

  const Tensor& input;
  F function;
};

/// Says how the cotangent of an input is computed. `function` is one of
///   Tensor or SparseGrad or Gradient or Repeated (const Tensor& g): returns the contribution, or
///   void (const Tensor& g, const Tensor& sum): adds the contribution into `sum`, for ops that
///   touch only a part of their input (select, slice, gather).
/// If the input was broadcast, a contribution may have the shape of the op's result: the engine
/// sums it down to the input's shape. An undefined input (an optional one that was left out) needs
/// no gradient.
template <class F>
Vjp<std::decay_t<F>> vjp(const Tensor& input, F&& function) {
  return {input, std::forward<F>(function)};
}

/// The same for a function that works element by element and broadcasts, so that a repeated `g`
/// need not be expanded: the function may get a `g` of a smaller shape, and its result may repeat
/// too.
template <class F>
Vjp<std::decay_t<F>, true> elementwise_vjp(const Tensor& input, F&& function) {
  return {input, std::forward<F>(function)};
}

namespace detail {

/// False for an undefined tensor: an optional input that was left out.
inline bool needs_gradient(const Tensor& input) { return input.defined() && input.requires_grad(); }

template <class F>
inline constexpr bool adds_into_v = std::is_invocable_v<const F&, const Tensor&, const Tensor&>;

template <class V>
constexpr void check_vjp() {
  using F = typename V::Function;
  if constexpr (!adds_into_v<F>) {
    using R = std::invoke_result_t<const F&, const Tensor&>;
    static_assert(
        std::is_same_v<R, Tensor> ||
            (!V::is_elementwise && (std::is_same_v<R, Repeated> || std::is_same_v<R, SparseGrad> ||
                                    std::is_same_v<R, Gradient>)),
        "a vjp returns a Tensor, a SparseGrad, a Gradient or a Repeated (an "
        "elementwise_vjp a Tensor); evaluate lazy expressions before returning them");
  }
}

template <class... V>
class OpNode final : public Node {
 public:
  explicit OpNode(const char* name, V&&... vjps)
      : Node(name, {}), edges_{edge_to(vjps.input)...}, functions_(keep(std::move(vjps))...) {
    set_edges(edges_);
  }

  void apply(Sink& sink) override { apply_each(sink, std::index_sequence_for<V...>()); }
  void drop_saved() noexcept override {
    std::apply([](auto&... function) { (function.reset(), ...); }, functions_);
  }

 private:
  template <class W>
  static std::optional<typename W::Function> keep(W&& vjp) {
    if (!needs_gradient(vjp.input)) return std::nullopt;
    return std::optional<typename W::Function>(std::move(vjp.function));
  }

  template <std::size_t... I>
  void apply_each(Sink& sink, std::index_sequence<I...>) {
    Tensor g = std::move(outputs()[0].cotangent);
    (apply_one<I, V>(sink, g), ...);
  }

  template <std::size_t I, class W>
  void apply_one(Sink& sink, Tensor& g) {
    const auto& function = std::get<I>(functions_);
    if (!function) return;
    const Shape& shape = outputs()[0].shape;
    const bool repeats = W::is_elementwise && edges_[I].shape() == shape;
    if (!repeats && g.shape() != shape) g = repeat_to(g, shape);
    if constexpr (adds_into_v<typename W::Function>) {
      (*function)(g, sink.accumulator(I));
    } else {
      add(sink, I, (*function)(g), repeats);
    }
  }

  template <class R>
  static void add(Sink& sink, std::size_t i, R contribution, bool repeats) {
    if constexpr (std::is_same_v<R, Repeated>) {
      sink.add_repeated(i, std::move(contribution.value));
    } else if constexpr (std::is_same_v<R, Tensor>) {
      repeats ? sink.add_repeated(i, std::move(contribution))
              : sink.add(i, Gradient(std::move(contribution)));
    } else {
      sink.add(i, Gradient(std::move(contribution)));
    }
  }

  std::array<Edge, sizeof...(V)> edges_;
  std::tuple<std::optional<typename V::Function>...> functions_;
};

/// Attaches a node to its outputs; throws AutogradError if one is already part of a graph.
GRADUS_API void attach(const Ref<Node>& node, std::span<const Tensor> outputs);
GRADUS_API bool any_requires_grad(std::span<const Tensor> tensors);

}  // namespace detail

/// Ends an op: returns `result`, which the op has just computed, recorded with one vjp per
/// differentiable input. No node is made under NoGradGuard or if no input needs a gradient, and no
/// closure is kept for an input that needs none.
///
///   Tensor y = map(x, kernels::tanh);
///   return record("tanh", y, vjp(x, [y = Saved(y)](const Tensor& g) { ... }));
template <class... F, bool... elementwise>
Tensor record(const char* name, Tensor result, Vjp<F, elementwise>... vjps) {
  (detail::check_vjp<Vjp<F, elementwise>>(), ...);
  detail::note_op(name);
  if (grad_enabled() && (detail::needs_gradient(vjps.input) || ...)) {
    detail::attach(detail::Ref<detail::Node>::adopt(
                       new detail::OpNode<Vjp<F, elementwise>...>(name, std::move(vjps)...)),
                   {&result, 1});
  }
  return result;
}

/// The cotangents of an op's outputs, in order; undefined where an output was not used.
using Cotangents = std::span<const Tensor>;
/// Which inputs need a gradient, in order.
using Needs = std::span<const bool>;

namespace detail {

/// Moves the cotangents out of a node's outputs, calls the node's function with them, and passes
/// the gradients that it returns on to the inputs.
using CallJoint = std::vector<Gradient> (*)(Node& node, Cotangents g, Needs needs);
GRADUS_API void apply_joint(Node& node, Sink& sink, CallJoint call);

template <class F>
class JointNode final : public Node {
 public:
  JointNode(const char* name, std::span<const Tensor> inputs, F function)
      : Node(name, {}), function_(std::move(function)) {
    edges_.reserve(inputs.size());
    for (const Tensor& input : inputs) edges_.push_back(edge_to(input));
    set_edges(edges_);
  }

  void apply(Sink& sink) override {
    apply_joint(*this, sink, [](Node& node, Cotangents g, Needs needs) {
      return (*static_cast<JointNode&>(node).function_)(g, needs);
    });
  }
  void drop_saved() noexcept override { function_.reset(); }

 private:
  std::vector<Edge> edges_;
  std::optional<F> function_;
};

}  // namespace detail

/// Records one node for an op with several outputs, or one whose inputs share work in backward:
/// `function(Cotangents g, Needs needs)` returns a std::vector<Gradient> with one entry per input
/// (entries of inputs that need none, including undefined ones, are ignored). Integer outputs are
/// not recorded: leave them out.
template <class F>
void record_joint(const char* name, std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                  F function) {
  static_assert(std::is_same_v<std::invoke_result_t<F&, Cotangents, Needs>, std::vector<Gradient>>,
                "the function of record_joint returns std::vector<Gradient>");
  detail::note_op(name);
  if (grad_enabled() && detail::any_requires_grad(inputs)) {
    detail::attach(detail::Ref<detail::Node>::adopt(
                       new detail::JointNode<F>(name, inputs, std::move(function))),
                   outputs);
  }
}
template <class F>
void record_joint(const char* name, std::initializer_list<Tensor> outputs,
                  std::initializer_list<Tensor> inputs, F function) {
  record_joint(name, std::span<const Tensor>(outputs.begin(), outputs.size()),
               std::span<const Tensor>(inputs.begin(), inputs.size()), std::move(function));
}

}  // namespace gradus
