// How the golden cases call activations, softmin and normalize.
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {

void add_activations(Runners& all) {
  all["mish"] = unary<mish>;
  all["softsign"] = unary<softsign>;
  all["hardsigmoid"] = unary<hardsigmoid>;
  all["hardswish"] = unary<hardswish>;
  all["celu"] = [](Case& c) -> Results { return {celu(c.inputs[0], c.number("alpha"))}; };
  all["prelu"] = [](Case& c) -> Results { return {prelu(c.inputs[0], c.inputs[1])}; };
  all["glu"] = [](Case& c) -> Results { return {glu(c.inputs[0], c.integer("axis"))}; };
  all["softmin"] = [](Case& c) -> Results { return {softmin(c.inputs[0], c.integer("axis"))}; };
  all["normalize"] = [](Case& c) -> Results {
    return {normalize(c.inputs[0], c.number("p"), c.integer("axis"), c.number("eps"))};
  };
}

}  // namespace gradus::golden
