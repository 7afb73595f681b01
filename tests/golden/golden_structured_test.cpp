// How the golden cases call losses over sequences and over large vocabularies.
#include <gradus/framework/ops/nn/ctc.h>
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

}  // namespace

void add_structured(Runners& all) { all["ctc_loss"] = run_ctc; }

}  // namespace gradus::golden
