// How the golden cases call embeddings and bags of them, on one thread and on several.
#include <gradus/framework/base/parallel.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/tests/golden/golden_case.h>

#include <algorithm>

namespace gradus::golden {
namespace {

template <class Options>
Options table_options(const Case& c) {
  Options options;
  options.norm_type = c.number("norm_type");
  options.scale_grad_by_freq = c.flag("freq");
  options.sparse = c.flag("sparse");
  if (c.has("padding")) options.padding_idx = c.integer("padding");
  if (c.has("max_norm")) options.max_norm = c.number("max_norm");
  return options;
}

Results embed(Case& c) {
  const Embedding table =
      Embedding::from_pretrained(c.inputs[0], /*freeze=*/false, table_options<EmbeddingOptions>(c));
  c.inputs[0] = table.weight;  // which has the gradient
  const Tensor rows = table(c.inputs[1]);
  return {rows, table.weight.detach()};
}

BagMode mode_of(const std::string& word) {
  return word == "sum" ? BagMode::sum : word == "mean" ? BagMode::mean : BagMode::max;
}

Results embed_bags(Case& c) {
  auto options = table_options<EmbeddingBagOptions>(c);
  options.mode = mode_of(c.word("mode"));
  options.include_last_offset = c.flag("last");
  const EmbeddingBag table = EmbeddingBag::from_pretrained(c.inputs[0], /*freeze=*/false, options);
  c.inputs[0] = table.weight;
  std::size_t next = 2;
  const Tensor offsets = c.flag("offsets") ? c.inputs[next++] : Tensor();
  const Tensor factors = c.flag("weights") ? c.inputs[next++] : Tensor();
  const Tensor bags = table(c.inputs[1], offsets, factors);
  return {bags, table.weight.detach()};
}

TEST(GoldenBags, AgreeOnSeveralThreadsInTheSmallestChunks) {
  const int threads = num_threads();
  const std::int64_t grain = detail::parallel_grain.load();
  set_num_threads(3);
  set_parallel_grain(1);
  run_cases("embedding", embed, /*training=*/true);
  run_cases("embedding_bag", embed_bags, /*training=*/true);
  set_num_threads(threads);
  set_parallel_grain(grain);
}

TEST(GoldenBags, AreThreeHundredCasesAndMore) {
  const auto count = std::count_if(lines().begin(), lines().end(), [](const Line& line) {
    return line.op == "embedding" || line.op == "embedding_bag";
  });
  EXPECT_GE(count, 300);  // each in float32 and float64
}

}  // namespace

void add_embeddings(Runners& all) {
  all["embedding"] = embed;
  all["embedding_bag"] = embed_bags;
}

}  // namespace gradus::golden
