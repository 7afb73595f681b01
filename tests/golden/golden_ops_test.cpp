// How the golden cases call the ops.
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/tests/golden/golden_case.h>

#include <limits>

namespace gradus::golden {
namespace {

// f(a, b), f(a, number), f(number, a) if the op has that, or f(a, a).
template <class F>
Results binary(Case& c, F f) {
  if (c.flag("reverse")) {
    if constexpr (std::is_invocable_v<F, double, const Tensor&>) {
      return {f(c.number("number"), c.inputs[0])};
    }
  }
  if (c.has("number")) return {f(c.inputs[0], c.number("number"))};
  return {f(c.inputs[0], c.flag("same") ? c.inputs[0] : c.inputs[1])};
}

// f(x), or f(x, axes, keepdim) if the case names axes.
template <class F>
Results reduction(Case& c, F f) {
  if constexpr (std::is_invocable_v<F, const Tensor&>) {
    if (!c.has("axes")) return {f(c.inputs[0])};
  }
  if constexpr (std::is_invocable_v<F, const Tensor&, const Axes&, bool>) {
    const std::vector<std::int64_t> axes = c.integers("axes");
    return {f(c.inputs[0], Axes(std::span<const std::int64_t>(axes)), c.flag("keepdim"))};
  }
}

template <class F>
Results along(Case& c, F f) {
  const ValuesAndIndices found = f(c.inputs[0], c.integer("axis"), c.flag("keepdim"));
  return {found.values, found.indices};
}

template <class F>
Results place(Case& c, F f) {
  if (!c.has("axis")) return {f(c.inputs[0])};
  return {f(c.inputs[0], c.integer("axis"), c.flag("keepdim"))};
}

Results convert(Case& c) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
    if (c.word("to") == name(dtype)) return {c.inputs[0].to(dtype)};
  }
  return {};
}

Results reshape_to(Case& c) {
  if (c.word("sizes") == "none") return {reshape(c.inputs[0], Shape{})};
  const std::vector<std::int64_t> sizes = c.integers("sizes");
  return {reshape(c.inputs[0], std::span<const std::int64_t>(sizes))};
}

Results split_up(Case& c) {
  if (c.has("size")) return split(c.inputs[0], c.integer("size"), c.integer("axis"));
  const std::vector<std::int64_t> sizes = c.integers("sizes");
  return split(c.inputs[0], std::span<const std::int64_t>(sizes), c.integer("axis"));
}

// A lambda around an overloaded function, so that it can be passed on.
#define GOLDEN_CALL(f) \
  [](const auto&... arguments) -> decltype(f(arguments...)) { return f(arguments...); }

void add_elementwise(Runners& all) {
  all["exp"] = unary<exp>;
  all["log"] = unary<log>;
  all["sqrt"] = unary<sqrt>;
  all["tanh"] = unary<tanh>;
  all["sigmoid"] = unary<sigmoid>;
  all["relu"] = unary<relu>;
  all["neg"] = unary<neg>;
  all["isnan"] = unary<isnan>;
  all["logical_not"] = unary<logical_not>;
  all["logical_and"] = [](Case& c) -> Results { return {logical_and(c.inputs[0], c.inputs[1])}; };
  all["logical_or"] = [](Case& c) -> Results { return {logical_or(c.inputs[0], c.inputs[1])}; };
  all["add"] = [](Case& c) { return binary(c, GOLDEN_CALL(add)); };
  all["sub"] = [](Case& c) { return binary(c, GOLDEN_CALL(sub)); };
  all["mul"] = [](Case& c) { return binary(c, GOLDEN_CALL(mul)); };
  all["div"] = [](Case& c) { return binary(c, GOLDEN_CALL(div)); };
  all["equal"] = [](Case& c) { return binary(c, GOLDEN_CALL(equal)); };
  all["not_equal"] = [](Case& c) { return binary(c, GOLDEN_CALL(not_equal)); };
  all["less"] = [](Case& c) { return binary(c, GOLDEN_CALL(less)); };
  all["less_equal"] = [](Case& c) { return binary(c, GOLDEN_CALL(less_equal)); };
  all["greater"] = [](Case& c) { return binary(c, GOLDEN_CALL(greater)); };
  all["greater_equal"] = [](Case& c) { return binary(c, GOLDEN_CALL(greater_equal)); };
  all["to"] = convert;
}

void add_reductions(Runners& all) {
  all["sum"] = [](Case& c) { return reduction(c, GOLDEN_CALL(sum)); };
  all["mean"] = [](Case& c) { return reduction(c, GOLDEN_CALL(mean)); };
  all["any"] = [](Case& c) { return reduction(c, GOLDEN_CALL(any)); };
  all["all"] = [](Case& c) { return reduction(c, GOLDEN_CALL(gradus::all)); };
  all["amax"] = [](Case& c) { return reduction(c, GOLDEN_CALL(amax)); };
  all["amin"] = [](Case& c) { return reduction(c, GOLDEN_CALL(amin)); };
  all["max"] = [](Case& c) -> Results { return {max(c.inputs[0])}; };
  all["min"] = [](Case& c) -> Results { return {min(c.inputs[0])}; };
  all["max_along"] = [](Case& c) { return along(c, GOLDEN_CALL(max)); };
  all["min_along"] = [](Case& c) { return along(c, GOLDEN_CALL(min)); };
  all["argmax"] = [](Case& c) { return place(c, GOLDEN_CALL(argmax)); };
  all["argmin"] = [](Case& c) { return place(c, GOLDEN_CALL(argmin)); };
}

void add_products(Runners& all) {
  all["matmul"] = [](Case& c) -> Results {
    return {matmul(c.inputs[0], c.inputs[1],
                   {.trans_a = c.flag("trans_a"), .trans_b = c.flag("trans_b")})};
  };
  all["linear"] = [](Case& c) -> Results {
    return {linear(c.inputs[0], c.inputs[1], c.inputs.size() == 3 ? c.inputs[2] : Tensor())};
  };
  all["softmax"] = [](Case& c) -> Results { return {softmax(c.inputs[0], c.integer("axis"))}; };
  all["log_softmax"] = [](Case& c) -> Results {
    return {log_softmax(c.inputs[0], c.integer("axis"))};
  };
}

void add_shapes(Runners& all) {
  all["reshape"] = reshape_to;
  all["flatten"] = [](Case& c) -> Results {
    return {flatten(c.inputs[0], c.integer("first"), c.integer("last"))};
  };
  all["squeeze"] = [](Case& c) -> Results { return {squeeze(c.inputs[0], c.integer("axis"))}; };
  all["unsqueeze"] = [](Case& c) -> Results { return {unsqueeze(c.inputs[0], c.integer("axis"))}; };
  all["transpose"] = [](Case& c) -> Results {
    const std::vector<std::int64_t> axes = c.integers("axis");
    return {transpose(c.inputs[0], axes[0], axes[1])};
  };
  all["permute"] = [](Case& c) -> Results { return {permute(c.inputs[0], c.integers("axes"))}; };
  all["cat"] = [](Case& c) -> Results { return {cat(c.inputs, c.integer("axis"))}; };
  all["stack"] = [](Case& c) -> Results { return {stack(c.inputs, c.integer("axis"))}; };
  all["split"] = split_up;
  all["slice"] = [](Case& c) -> Results {
    return {slice(c.inputs[0], c.integer("axis"), c.integer("start"), c.integer("end"),
                  c.integer("step"))};
  };
  all["select"] = [](Case& c) -> Results {
    return {select(c.inputs[0], c.integer("axis"), c.integer("index"))};
  };
  all["broadcast_to"] = [](Case& c) -> Results {
    return {broadcast_to(c.inputs[0], Shape(c.integers("sizes")))};
  };
  all["index_select"] = [](Case& c) -> Results {
    return {index_select(c.inputs[0], c.integer("axis"), c.inputs[1])};
  };
  all["gather"] = [](Case& c) -> Results {
    return {gather(c.inputs[0], c.integer("axis"), c.inputs[1])};
  };
  all["one_hot"] = [](Case& c) -> Results {
    return {one_hot(c.inputs[0], c.integer("classes"), DType::int64)};
  };
}

}  // namespace

const Runners& op_runners() {
  static const Runners all = [] {
    Runners result;
    add_elementwise(result);
    add_more_elementwise(result);
    add_reductions(result);
    add_row_reductions(result);
    add_more_shapes(result);
    add_more_products(result);
    add_linalg(result);
    add_products(result);
    add_shapes(result);
    add_indexing(result);
    add_recurrent(result);
    add_convolution(result);
    add_structured(result);
    add_losses(result);
    add_norms(result);
    add_activations(result);
    add_attention(result);
    return result;
  }();
  return all;
}

}  // namespace gradus::golden
