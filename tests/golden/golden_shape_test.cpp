// How the golden cases call the ops of shape and product.
#include <gradus/framework/ops/einsum.h>
#include <gradus/framework/ops/pad.h>
#include <gradus/framework/ops/product.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/framework/ops/triangle.h>
#include <gradus/tests/golden/golden_case.h>

#include <map>

namespace gradus::golden {
namespace {

using Sizes = std::vector<std::int64_t>;

Results interleaved(Case& c) {
  if (c.inputs.size() == 2) return {repeat_interleave(c.inputs[0], c.inputs[1], c.integer("axis"))};
  return {repeat_interleave(c.inputs[0], c.integer("count"), c.integer("axis"))};
}

Results rolled(Case& c) {
  const Sizes shifts = c.integers("shifts");
  return {c.has("axes") ? roll(c.inputs[0], shifts, c.integers("axes"))
                        : roll(c.inputs[0], shifts[0])};
}

Results padded(Case& c) {
  const std::map<std::string, PadMode> modes{{"constant", PadMode::constant},
                                             {"reflect", PadMode::reflect},
                                             {"replicate", PadMode::replicate},
                                             {"circular", PadMode::circular}};
  return {pad(c.inputs[0], c.integers("padding"),
              {.mode = modes.at(c.word("mode")), .value = c.number("value")})};
}

template <Tensor (*f)(const Tensor&, std::int64_t, std::int64_t, std::int64_t)>
Results diagonals(Case& c) {
  const Sizes axes = c.integers("axes");
  return {f(c.inputs[0], c.integer("offset"), axes[0], axes[1])};
}

}  // namespace

void add_more_shapes(Runners& all) {
  all["repeat"] = [](Case& c) -> Results { return {repeat(c.inputs[0], c.integers("counts"))}; };
  all["tile"] = [](Case& c) -> Results { return {tile(c.inputs[0], c.integers("counts"))}; };
  all["repeat_interleave"] = interleaved;
  all["expand"] = [](Case& c) -> Results { return {expand(c.inputs[0], c.integers("sizes"))}; };
  all["meshgrid"] = [](Case& c) -> Results { return meshgrid(c.inputs, c.word("indexing")); };
  all["flip"] = [](Case& c) -> Results {
    const Sizes axes = c.integers("axes");
    return {flip(c.inputs[0], Axes(std::span<const std::int64_t>(axes)))};
  };
  all["roll"] = rolled;
  all["movedim"] = [](Case& c) -> Results {
    return {movedim(c.inputs[0], c.integers("source"), c.integers("to"))};
  };
  all["pad"] = padded;
  all["tril"] = [](Case& c) -> Results { return {tril(c.inputs[0], c.integer("k"))}; };
  all["triu"] = [](Case& c) -> Results { return {triu(c.inputs[0], c.integer("k"))}; };
  all["diagonal"] = diagonals<diagonal>;
  all["diag_embed"] = diagonals<diag_embed>;
  all["diag"] = [](Case& c) -> Results { return {diag(c.inputs[0], c.integer("offset"))}; };
  all["chunk"] = [](Case& c) -> Results {
    return chunk(c.inputs[0], c.integer("chunks"), c.integer("axis"));
  };
  all["unbind"] = [](Case& c) -> Results { return unbind(c.inputs[0], c.integer("axis")); };
}

void add_more_products(Runners& all) {
  all["addmm"] = [](Case& c) -> Results {
    return {addmm(c.inputs[0], c.inputs[1], c.inputs[2],
                  {.beta = c.number("beta"), .alpha = c.number("alpha")})};
  };
  all["dot"] = [](Case& c) -> Results { return {dot(c.inputs[0], c.inputs[1])}; };
  all["outer"] = [](Case& c) -> Results { return {outer(c.inputs[0], c.inputs[1])}; };
  all["tensordot"] = [](Case& c) -> Results {
    return {tensordot(c.inputs[0], c.inputs[1], c.integers("axes_a"), c.integers("axes_b"))};
  };
  all["einsum"] = [](Case& c) -> Results { return {einsum(c.word("equation"), c.inputs)}; };
}

}  // namespace gradus::golden
