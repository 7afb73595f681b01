// How the golden cases call sorting and indexing.
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/scatter.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

Results sorted(Case& c) {
  const auto [values, indices] = sort(c.inputs[0], c.integer("axis"), c.flag("descending"));
  return {values, indices};
}

Results order(Case& c) { return {argsort(c.inputs[0], c.integer("axis"), c.flag("descending"))}; }

Results top(Case& c) {
  const auto [values, indices] =
      topk(c.inputs[0], c.integer("k"), c.integer("axis"), c.flag("largest"));
  return {values, indices};
}

Results distinct(Case& c) {
  const Unique y = unique(c.inputs[0], {.inverse = true, .counts = true});
  return {y.values, y.inverse, y.counts};
}

Results counted(Case& c) {
  if (c.inputs.size() == 1) return {bincount(c.inputs[0], c.integer("minlength"))};
  return {bincount(c.inputs[1], c.inputs[0], c.integer("minlength"))};
}

Results scattered(Case& c) {
  if (c.has("number")) {
    return {scatter(c.inputs[0], c.integer("axis"), c.inputs[1], c.number("number"))};
  }
  return {scatter(c.inputs[0], c.integer("axis"), c.inputs[2], c.inputs[1])};
}

}  // namespace

void add_indexing(Runners& all) {
  all["sort"] = sorted;
  all["argsort"] = order;
  all["topk"] = top;
  all["unique"] = distinct;
  all["nonzero"] = [](Case& c) -> Results { return {nonzero(c.inputs[0])}; };
  all["bincount"] = counted;
  all["searchsorted"] = [](Case& c) -> Results {
    return {searchsorted(c.inputs[0], c.inputs[1], c.flag("right"))};
  };
  all["scatter"] = scattered;
  all["scatter_add"] = [](Case& c) -> Results {
    return {scatter_add(c.inputs[0], c.integer("axis"), c.inputs[2], c.inputs[1])};
  };
  all["index_add"] = [](Case& c) -> Results {
    return {index_add(c.inputs[0], c.integer("axis"), c.inputs[2], c.inputs[1], c.number("alpha"))};
  };
  all["index_fill"] = [](Case& c) -> Results {
    return {index_fill(c.inputs[0], c.integer("axis"), c.inputs[1], c.number("number"))};
  };
  all["take_along_axis"] = [](Case& c) -> Results {
    return {take_along_axis(c.inputs[0], c.inputs[1], c.integer("axis"))};
  };
}

}  // namespace gradus::golden
