// How the golden cases call batch, group and weight normalization.
#include <gradus/framework/ops/nn/channel_norm.h>
#include <gradus/framework/ops/nn/weight_norm.h>
#include <gradus/layers/batch_norm.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/weight_norm.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

/// The inputs of a case after the first, as far as its flags say that they are there.
class Rest {
 public:
  explicit Rest(const Case& c) : case_(c) {}
  Tensor next(const char* flag) { return case_.flag(flag) ? case_.inputs[used_++] : Tensor(); }

 private:
  const Case& case_;
  std::size_t used_ = 1;
};

Results run_batch_norm(Case& c) {
  Rest rest(c);
  const Tensor weight = rest.next("weight"), bias = rest.next("bias");
  const Tensor mean = rest.next("running"), var = rest.next("running");
  const BatchNormOptions options{.training = c.flag("training"),
                                 .momentum = c.number("momentum"),
                                 .eps = c.number("eps"),
                                 .lengths = rest.next("lengths")};
  const Tensor y = batch_norm(c.inputs[0], mean, var, weight, bias, options);
  if (!options.training || !mean.defined()) return {y};
  return {y, mean, var};
}

Results run_batch_norm_layer(Case& c) {
  const std::size_t steps = 4;
  BatchNorm1dOptions options{.eps = c.number("eps"),
                             .affine = c.flag("affine"),
                             .track_running_stats = c.flag("track"),
                             .dtype = c.dtype()};
  options.momentum = c.has("momentum") ? std::optional(c.number("momentum")) : std::nullopt;
  const BatchNorm1d norm(c.inputs[0].size(-1), options);
  if (options.affine) {
    StateDict weights;
    weights.set("weight", c.inputs[steps]);
    weights.set("bias", c.inputs[steps + 1]);
    norm.load_state_dict(weights, {.strict = false});
    c.inputs[steps] = norm.weight;
    c.inputs[steps + 1] = norm.bias;
  }
  Results results;
  for (std::size_t k = 0; k < steps; ++k) {
    norm.train(k < steps - 1);
    results.push_back(norm(c.inputs[k]));
  }
  for (const StateEntry& entry : norm.state_dict())
    if (entry.name != "weight" && entry.name != "bias") results.push_back(entry.tensor);
  return results;
}

Results run_group_norm(Case& c) {
  Rest rest(c);
  const Tensor weight = rest.next("weight"), bias = rest.next("bias");
  return {group_norm(c.inputs[0], c.integer("groups"), weight, bias, c.number("eps"),
                     {.lengths = rest.next("lengths")})};
}

std::optional<std::int64_t> dim_of(const Case& c) {
  return c.has("dim") ? std::optional(c.integer("dim")) : std::nullopt;
}

Results run_weight_norm(Case& c) { return {weight_norm(c.inputs[0], c.inputs[1], dim_of(c))}; }

Results run_weight_norm_linear(Case& c) {
  const Linear linear(3, 2, {.dtype = c.dtype()});
  StateDict weights;
  weights.set("weight", c.inputs[1]);
  weights.set("bias", c.inputs[2]);
  linear.load_state_dict(weights);
  const WeightNorm layer(linear, {.dim = dim_of(c)});
  const Tensor y = layer(c.inputs[0]);
  y.backward(ones(y.shape(), y.dtype()));
  Results results{y.detach()};
  for (const char* name : {"weight_g", "weight_v"})
    results.push_back(layer.state_dict().at(name).detach());
  for (const char* name : {"weight_g", "weight_v", "bias"})
    results.push_back(layer.state_dict().at(name).grad().dense());
  return results;
}

}  // namespace

void add_norms(Runners& all) {
  all["batch_norm"] = run_batch_norm;
  all["batch_norm_1d"] = run_batch_norm_layer;
  all["group_norm"] = run_group_norm;
  all["weight_norm"] = run_weight_norm;
  all["weight_norm_linear"] = run_weight_norm_linear;
}

}  // namespace gradus::golden
