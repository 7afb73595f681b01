// How the golden cases call the elementwise ops that take numbers and masks, and the rest of
// the functions.
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/power.h>
#include <gradus/framework/ops/rounding.h>
#include <gradus/framework/ops/special.h>
#include <gradus/framework/ops/where.h>
#include <gradus/tests/golden/golden_case.h>

#include <optional>

namespace gradus::golden {
namespace {

template <Tensor (*f)(const Tensor&, const Tensor&)>
Results binary(Case& c) {
  return {f(c.inputs[0], c.inputs[1])};
}

Results power(Case& c) {
  if (c.flag("reverse")) return {pow(c.number("number"), c.inputs[0])};
  if (c.has("number")) return {pow(c.inputs[0], c.number("number"))};
  return {pow(c.inputs[0], c.inputs[1])};
}

template <Tensor (*tensors)(const Tensor&, const Tensor&), Tensor (*number)(const Tensor&, Number)>
Results division(Case& c) {
  if (c.has("number")) return {number(c.inputs[0], c.number("number"))};
  return {tensors(c.inputs[0], c.inputs[1])};
}

Results clamped(Case& c) {
  const auto bound = [&](const char* name) {
    return c.has(name) ? std::optional<double>(c.number(name)) : std::nullopt;
  };
  return {clamp(c.inputs[0], bound("min"), bound("max"))};
}

Results chosen(Case& c) {
  if (!c.has("number")) return {where(c.inputs[2], c.inputs[0], c.inputs[1])};
  return {where(c.inputs[1], c.inputs[0], c.number("number"))};
}

void add_functions(Runners& all) {
  all["square"] = unary<square>;
  all["reciprocal"] = unary<reciprocal>;
  all["rsqrt"] = unary<rsqrt>;
  all["expm1"] = unary<expm1>;
  all["log1p"] = unary<log1p>;
  all["sin"] = unary<sin>;
  all["cos"] = unary<cos>;
  all["erf"] = unary<erf>;
  all["silu"] = unary<silu>;
  all["logsigmoid"] = unary<logsigmoid>;
  all["abs"] = unary<abs>;
  all["sign"] = unary<sign>;
  all["floor"] = unary<floor>;
  all["ceil"] = unary<ceil>;
  all["round"] = unary<round>;
  all["trunc"] = unary<trunc>;
}

}  // namespace

void add_more_elementwise(Runners& all) {
  add_functions(all);
  all["pow"] = power;
  all["gelu"] = [](Case& c) -> Results {
    return {gelu(c.inputs[0], c.flag("tanh") ? Approximate::tanh : Approximate::none)};
  };
  all["softplus"] = [](Case& c) -> Results {
    return {softplus(c.inputs[0], c.number("beta"), c.number("threshold"))};
  };
  all["elu"] = [](Case& c) -> Results { return {elu(c.inputs[0], c.number("alpha"))}; };
  all["leaky_relu"] = [](Case& c) -> Results {
    return {leaky_relu(c.inputs[0], c.number("slope"))};
  };
  all["hardtanh"] = [](Case& c) -> Results {
    return {hardtanh(c.inputs[0], c.number("min"), c.number("max"))};
  };
  all["clamp"] = clamped;
  all["maximum"] = binary<maximum>;
  all["minimum"] = binary<minimum>;
  all["fmod"] = division<fmod, fmod>;
  all["remainder"] = division<remainder, remainder>;
  all["floor_divide"] = division<floor_divide, floor_divide>;
  all["logical_xor"] = binary<logical_xor>;
  all["where"] = chosen;
  all["masked_fill"] = [](Case& c) -> Results {
    return {masked_fill(c.inputs[0], c.inputs[1], c.number("number"))};
  };
  all["masked_select"] = binary<masked_select>;
}

}  // namespace gradus::golden
