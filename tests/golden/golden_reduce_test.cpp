// How the golden cases call reductions along rows, running sums and normalization.
#include <gradus/framework/ops/cumulative.h>
#include <gradus/framework/ops/moments.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

Axes axes_of(const Case& c) {
  const std::vector<std::int64_t> axes = c.integers("axes");
  return Axes(std::span<const std::int64_t>(axes));
}

Results product(Case& c) {
  if (!c.has("axes")) return {prod(c.inputs[0])};
  return {prod(c.inputs[0], axes_of(c), c.flag("keepdim"))};
}

Results log_sum(Case& c) { return {logsumexp(c.inputs[0], axes_of(c), c.flag("keepdim"))}; }

Results variance(Case& c) {
  return {var(c.inputs[0], axes_of(c), c.flag("keepdim"), c.number("correction"))};
}

Results deviation(Case& c) {
  return {gradus::std(c.inputs[0], axes_of(c), c.flag("keepdim"), c.number("correction"))};
}

Results norm_of(Case& c) {
  if (!c.has("axes")) return {norm(c.inputs[0], c.number("p"))};
  return {norm(c.inputs[0], c.number("p"), axes_of(c), c.flag("keepdim"))};
}

}  // namespace

void add_row_reductions(Runners& all) {
  all["prod"] = product;
  all["logsumexp"] = log_sum;
  all["var"] = variance;
  all["std"] = deviation;
  all["norm"] = norm_of;
  all["cumsum"] = [](Case& c) -> Results { return {cumsum(c.inputs[0], c.integer("axis"))}; };
  all["cumprod"] = [](Case& c) -> Results { return {cumprod(c.inputs[0], c.integer("axis"))}; };
}

}  // namespace gradus::golden
