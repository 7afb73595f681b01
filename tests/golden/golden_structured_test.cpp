// How the golden cases call losses over sequences and over large vocabularies.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/nn/ctc.h>
#include <gradus/layers/adaptive_log_softmax.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

Results run_ctc(Case& c) {
  CtcOptions options{.blank = c.integer("blank"),
                     .reduction = c.reduction(),
                     .zero_infinity = c.flag("zero_infinity")};
  std::size_t next = 2;
  if (c.flag("lengths")) options.lengths = c.inputs[next++];
  if (c.flag("target_lengths")) options.target_lengths = c.inputs[next++];
  return {ctc_loss(c.inputs[0], c.inputs[1], options)};
}

Results run_adaptive(Case& c) {
  const AdaptiveLogSoftmaxWithLoss layer(
      c.inputs[0].size(1), c.integer("classes"), c.integers("cutoffs"),
      {.div_value = c.number("div_value"), .head_bias = c.flag("head_bias"), .dtype = c.dtype()});
  StateDict weights;
  std::istringstream names(c.word("parameters"));
  std::size_t next = 2;
  for (std::string name; std::getline(names, name, ',');) weights.set(name, c.inputs[next++]);
  layer.load_state_dict(weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    for (const NamedParameter& p : layer.parameters()) {
      if (p.path == weights.entries()[i].name) c.inputs[i + 2] = p.parameter;
    }
  }
  const AdaptiveLogSoftmaxResult y = layer(c.inputs[0], c.inputs[1]);
  const NoGradGuard no_grad;
  return {y.output, y.loss, layer.log_prob(c.inputs[0]), layer.predict(c.inputs[0])};
}

}  // namespace

void add_structured(Runners& all) {
  all["ctc_loss"] = run_ctc;
  all["adaptive_log_softmax"] = run_adaptive;
}

}  // namespace gradus::golden
