// The models of docs/published_models.md with the files that families/published.py wrote.
#include <gradus/gradus.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

#include "published_models.inc"  // the blocks of the page that define a struct

StateDict bert_file() {
  return rename(load(folder() / "bert.safetensors"), {{"embeddings.position_ids", ""}});
}

StateDict gpt2_file() {
  return transpose(rename(load(folder() / "gpt2.safetensors"), {{"h.*.attn.bias", ""}}),
                   {"h.*.c_*.weight"});
}

Results run_bert(Case& c) {
  const Bert bert({.vocabulary = c.integer("vocabulary"),
                   .positions = c.integer("positions"),
                   .types = c.integer("types"),
                   .width = c.integer("width"),
                   .heads = c.integer("heads"),
                   .hidden = c.integer("hidden"),
                   .layers = c.integer("layers"),
                   .eps = c.number("eps")});
  bert.load_state_dict(bert_file());
  bert.to(c.dtype());
  if (c.inputs.size() == 1) {
    const Tensor y = bert(c.inputs[0]);
    return {y, bert.pooled(y)};
  }
  const Tensor y = bert(c.inputs[0], c.inputs[1], c.inputs[2]);
  return {zero_padding(y, c.inputs[1]), bert.pooled(y)};
}

Gpt2 gpt2_of(const Case& c) {
  Gpt2 gpt({.vocabulary = c.integer("vocabulary"),
            .positions = c.integer("positions"),
            .width = c.integer("width"),
            .heads = c.integer("heads"),
            .layers = c.integer("layers"),
            .eps = c.number("eps")});
  gpt.load_state_dict(gpt2_file());
  gpt.to(c.dtype());
  return gpt;
}

Results run_gpt2(Case& c) { return {gpt2_of(c)(c.inputs[0])}; }

const Line& gpt2_line() {
  for (const Line& line : lines()) {
    if (line.op == "gpt2") return line;
  }
  throw Error("no case of gpt2");
}

TEST(PublishedModels, DecodingThroughTheCacheEqualsTheFullPass) {
  const Case c(gpt2_line(), DType::float64);
  const Gpt2 gpt = gpt2_of(c);
  const Tensor& ids = c.inputs[0];  // [2, 11]
  const NoGradGuard no_grad;
  const std::vector<double> expected = values_of(gpt(ids));
  for (const std::vector<std::int64_t>& steps :
       {std::vector<std::int64_t>(11, 1), {5, 1, 1, 4}, {1, 10}, {11}}) {
    TransformerCache cache;
    std::vector<Tensor> parts;
    for (const Tensor& part : split(ids, steps, 1)) parts.push_back(gpt(part, &cache));
    EXPECT_EQ(cache.size(), 11);
    EXPECT_TRUE(is_close(cat(parts, 1), {2, 11, 19}, expected, 1e-12));
  }
}

TEST(PublishedModels, ACacheGoesOnFromTheRowsThatWereSelected) {
  const Case c(gpt2_line(), DType::float64);
  const Gpt2 gpt = gpt2_of(c);
  const NoGradGuard no_grad;
  const Tensor order = tensor({1, 1, 0});
  const Tensor ids = index_select(c.inputs[0], 0, order);
  TransformerCache cache;
  gpt(slice(c.inputs[0], 1, 0, 7), &cache);
  TransformerCache rows = cache.select(order);
  const Tensor last = gpt(slice(ids, 1, 7, 11), &rows);
  EXPECT_TRUE(is_close(last, {3, 4, 19}, values_of(slice(gpt(ids), 1, 7, 11)), 1e-12));
}

// Every weight takes part: a model that left one out would not learn it.
TEST(PublishedModels, EveryWeightHasAGradient) {
  const Gpt2 gpt = gpt2_of(Case(gpt2_line(), DType::float64));
  const Bert bert(
      {.vocabulary = 5, .positions = 4, .width = 6, .heads = 2, .hidden = 8, .layers = 2});
  const Tensor ids = tensor({{1, 2, 3}});
  sum(square(gpt(ids))).backward();
  sum(square(bert.pooled(bert(ids)))).backward();
  for (const Module& model : {Module(gpt), Module(bert)}) {
    for (const NamedParameter& p : model.parameters()) {
      EXPECT_FALSE(p.parameter.grad().empty()) << p.path;
    }
  }
}

}  // namespace

void add_published(Runners& all) { all.insert({{"bert", run_bert}, {"gpt2", run_gpt2}}); }

}  // namespace gradus::golden
