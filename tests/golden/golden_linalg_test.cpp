// How the golden cases call normalization, distances and linear algebra.
#include <gradus/framework/ops/distance.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/framework/ops/nn/normalization.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

// The last `axes` sizes of x.
Shape normalized_shape(const Case& c) {
  const auto sizes = c.inputs[0].shape().sizes();
  return Shape(sizes.last(static_cast<std::size_t>(c.integer("axes"))));
}

// The next input if the case has one of that name.
Tensor next(const Case& c, const char* name, std::size_t& used) {
  return c.flag(name) ? c.inputs[++used] : Tensor();
}

Results layer_norm_of(Case& c) {
  std::size_t used = 0;
  const Tensor weight = next(c, "weight", used), bias = next(c, "bias", used);
  return {layer_norm(c.inputs[0], normalized_shape(c), weight, bias, c.number("eps"))};
}

Results rms_norm_of(Case& c) {
  std::size_t used = 0;
  const Tensor weight = next(c, "weight", used);
  const Shape shape = normalized_shape(c);
  return {c.has("eps") ? rms_norm(c.inputs[0], shape, weight, c.number("eps"))
                       : rms_norm(c.inputs[0], shape, weight)};
}

Results cosine(Case& c) {
  return {cosine_similarity(c.inputs[0], c.inputs[1], c.integer("axis"), c.number("eps"))};
}

Results pairwise(Case& c) {
  return {pairwise_distance(c.inputs[0], c.inputs[1], c.number("p"), c.number("eps"),
                            c.flag("keepdim"))};
}

Results qr_of(Case& c) {
  const auto [q, r] = qr(c.inputs[0]);
  return {q, r};
}

}  // namespace

void add_linalg(Runners& all) {
  all["layer_norm"] = layer_norm_of;
  all["rms_norm"] = rms_norm_of;
  all["cosine_similarity"] = cosine;
  all["pairwise_distance"] = pairwise;
  all["cdist"] = [](Case& c) -> Results {
    return {cdist(c.inputs[0], c.inputs[1], c.number("p"))};
  };
  all["solve"] = [](Case& c) -> Results { return {solve(c.inputs[0], c.inputs[1])}; };
  all["inv"] = [](Case& c) -> Results { return {inv(c.inputs[0])}; };
  all["cholesky"] = [](Case& c) -> Results { return {cholesky(c.inputs[0])}; };
  all["qr"] = qr_of;
  all["svd"] = [](Case& c) -> Results { return {svd(c.inputs[0]).s}; };
}

}  // namespace gradus::golden
