// Training with a vocabulary that grows and is cut: all that is kept for a row goes along.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/subword_embedding.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/schedule/lr_scheduler.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/average.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/optim/optim_testing.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::Each;
using testing::ElementsAre;

// Two texts: "sky" and "ice" come with the second.
Vocabulary first_words() { return Vocabulary::from_words({"<pad>", "<unk>", "sea", "land"}); }
Vocabulary all_words() { return merged(first_words(), Vocabulary::from_words({"ice", "sky"})); }

std::vector<double> row_of(const Tensor& table, std::int64_t row) {
  const std::vector<double> all = values_of(table);
  const std::int64_t width = table.numel() / table.size(0);
  return {all.begin() + row * width, all.begin() + (row + 1) * width};
}

// A table for a vocabulary, and all that goes with it.
struct GrowingRun {
  GrowingRun(const Vocabulary& words, double decay, bool by_rows)
      : vocabulary(words),
        table(Embedding::from_pretrained(random_tensor({words.size(), 3}, 1), /*freeze=*/false,
                                         {.padding_idx = 0, .sparse = true})),
        optimizer(table.parameters(), {.lr = 0.5}),
        scheduler(optimizer, exponential_lr(0.9)),
        averages(table.parameters(), decay, {.by_rows = by_rows}) {}

  void train(const std::vector<std::string>& words, unsigned seed) {
    optimizer.zero_grad();
    table(vocabulary.ids(words)).backward(random_tensor({std::ssize(words), 3}, seed));
    averages.update();
    optimizer.step();
    scheduler.step();
  }

  void take(const Vocabulary& words, const Tensor& new_rows) {
    table.remap(tensor(row_sources(vocabulary, words)),
                {.init = [&](const Tensor& rows) { rows.copy_(new_rows); },
                 .followers = {&optimizer, &averages}});
    vocabulary = words;
  }

  std::vector<CheckpointPart> parts() {
    return {{"table", table},
            {"optimizer", optimizer},
            {"scheduler", scheduler},
            {"averages", averages},
            {"vocabulary", vocabulary}};
  }

  Vocabulary vocabulary;
  Embedding table;
  Adagrad optimizer;
  LRScheduler scheduler;
  AveragedParameters averages;
};

void expect_same_rows(GrowingRun& a, GrowingRun& b) {
  for (const std::string& word : a.vocabulary.words()) {
    const std::int64_t i = a.vocabulary.id(word), j = b.vocabulary.id(word);
    EXPECT_EQ(row_of(a.table.weight, i), row_of(b.table.weight, j)) << word;
    EXPECT_EQ(row_of(a.optimizer.state_dict().at("weight.sum"), i),
              row_of(b.optimizer.state_dict().at("weight.sum"), j))
        << word;
    EXPECT_EQ(row_of(a.averages.averages().at("weight"), i),
              row_of(b.averages.averages().at("weight"), j))
        << word;
  }
  EXPECT_EQ(a.optimizer.lr(), b.optimizer.lr());
  EXPECT_EQ(a.averages.updates(), b.averages.updates());
}

// A run whose vocabulary grows, against one that had all words from the start.
struct Pair {
  Pair(double decay, bool by_rows)
      : grown(first_words(), decay, by_rows), whole(all_words(), decay, by_rows) {
    whole.table.set_rows(tensor({0, 1, 2, 3}), grown.table.weight);
    train({{"sea", "land", "sea"}, {"land", "<pad>"}, {"sea", "<unk>"}}, 10);
    grown.take(all_words(), whole.table.rows(tensor({4, 5})));
  }
  void train(const std::vector<std::vector<std::string>>& batches, unsigned seed) {
    for (const auto& batch : batches) {
      grown.train(batch, seed);
      whole.train(batch, seed++);
    }
  }
  GrowingRun grown, whole;
};

constexpr double ema = 0.9, swa = 0;

TEST(Growth, IsAsIfTheWordsHadBeenThereFromTheStart) {
  for (const bool by_rows : {false, true}) {
    for (const double decay : {ema, swa}) {
      Pair runs(decay, by_rows);
      expect_same_rows(runs.grown, runs.whole);
      runs.train({{"sky", "sea"}, {"ice", "sky", "land"}, {"sea", "<pad>"}}, 20);
      expect_same_rows(runs.grown, runs.whole);
      EXPECT_TRUE(same_bytes(runs.grown.table.weight, runs.whole.table.weight));
    }
  }
}

TEST(Growth, GoesOnAfterWordsWereCut) {
  Pair runs(ema, true);
  runs.train({{"sky", "sea"}, {"ice", "land"}}, 20);
  const Vocabulary less = Vocabulary::from_words({"<unk>", "sky", "<pad>", "sea"});
  runs.grown.take(less, Tensor());
  EXPECT_EQ(runs.grown.table.options().padding_idx, 2);
  expect_same_rows(runs.grown, runs.whole);
  runs.train({{"sky", "sea"}, {"<pad>", "<unk>"}, {"sky"}}, 30);
  expect_same_rows(runs.grown, runs.whole);
}

using GrowthFile = FolderTest;

TEST_F(GrowthFile, ResumesFromACheckpointOfTheGrownRun) {
  const std::string path = file("run.safetensors").string();
  Pair runs(ema, true);
  runs.train({{"sky", "sea"}}, 20);
  save_checkpoint(runs.grown.parts(), path);
  GrowingRun resumed(checkpoint_vocabulary(path), ema, true);
  load_checkpoint(resumed.parts(), path);
  expect_same_rows(resumed, runs.whole);
  resumed.train({"ice", "sky", "land"}, 30);
  runs.whole.train({"ice", "sky", "land"}, 30);
  expect_same_rows(resumed, runs.whole);

  GrowingRun before(first_words(), ema, true);
  EXPECT_THAT(message_of<Error>([&] { load_checkpoint(before.parts(), path); }),
              testing::HasSubstr("6 words in it, 4 here"));
  EXPECT_EQ(before.averages.updates(), 0);
}

TEST(Growth, NewRowsMayComeWhileAveragesAreSwappedIn) {
  GrowingRun run(first_words(), ema, false);
  run.train({"sea", "land"}, 1);
  run.train({"sea", "land"}, 2);
  const Tensor trained = run.table.weight.clone(), averages = run.averages.averages().at("weight");
  run.averages.swap();
  run.take(all_words(), ones({2, 3}, DType::float64));
  EXPECT_EQ(row_of(run.table.weight, 2), row_of(averages, 2));
  run.averages.swap();
  EXPECT_EQ(row_of(run.table.weight, 2), row_of(trained, 2));
  EXPECT_THAT(row_of(run.table.weight, 5), Each(1));
}

TEST(Growth, OfAFrozenTableNeedsNothing) {
  const Embedding table = Embedding::from_pretrained(random_tensor({4, 3}, 1));
  const Linear output(3, 2, {.dtype = DType::float64});
  const std::vector<NamedParameter> all{
      {"table.weight", table.weight}, {"weight", output.weight}, {"bias", output.bias}};
  Adam optimizer(all, {.lr = 0.1});
  AveragedParameters averages(all, 0.9);
  const auto step = [&](std::int64_t id) {
    optimizer.zero_grad();
    output(table({id})).backward(ones({1, 2}, DType::float64));
    optimizer.step();
    averages.update();
  };
  step(3);
  const std::vector<double> kept = row_of(table.weight, 3);
  table.remap(tensor(row_sources(first_words(), all_words())),
              {.followers = {&optimizer, &averages}});
  step(5);
  EXPECT_TRUE(table.is_frozen());
  EXPECT_EQ(row_of(table.weight, 3), kept);
  EXPECT_TRUE(same_bytes(averages.averages().at("table.weight"), table.weight));
  table.set_trainable(true);
  step(5);
  EXPECT_NE(row_of(table.weight, 5), row_of(averages.averages().at("table.weight"), 5));
  EXPECT_EQ(row_of(table.weight, 3), kept);  // the moments of its gradient, 0, are new
}

TEST(Growth, CarriesATiedWeightAndItsBias) {
  const Vocabulary before = first_words(), after = Vocabulary::from_words({"sky", "land", "sea"});
  const Embedding table = Embedding::from_pretrained(random_tensor({4, 3}, 1), /*freeze=*/false);
  const Linear output(table.weight);
  AdamW optimizer(output.parameters(), {.lr = 0.1});
  AveragedParameters averages(output.parameters(), 0.5);
  const auto step = [&](unsigned seed) {
    optimizer.zero_grad();
    const Tensor logits = output(table({0, 1}));
    logits.backward(random_tensor(logits.shape(), seed));
    optimizer.step();
    averages.update();
  };
  for (unsigned seed = 0; seed < 3; ++seed) step(seed);
  const StateDict old = optimizer.state_dict(), mean = averages.averages();
  const Tensor bias = output.bias.clone(), sources = tensor(row_sources(before, after));
  const ResizeOptions options{.followers = {&optimizer, &averages}};
  table.remap(sources, options);
  remap_rows(output.bias, sources, options);
  EXPECT_THAT(output.bias.span<double>(), ElementsAre(0, row_of(bias, 3)[0], row_of(bias, 2)[0]));
  const StateDict now = optimizer.state_dict();
  for (const std::string name : {"weight.exp_avg", "weight.exp_avg_sq", "bias.exp_avg_sq"}) {
    EXPECT_THAT(row_of(now.at(name), 0), Each(0)) << name;
    EXPECT_EQ(row_of(now.at(name), 1), row_of(old.at(name), 3)) << name;
    EXPECT_EQ(row_of(now.at(name), 2), row_of(old.at(name), 2)) << name;
  }
  for (const std::string name : {"weight", "bias"}) {
    EXPECT_EQ(row_of(averages.averages().at(name), 1), row_of(mean.at(name), 3)) << name;
  }
  step(3);
  EXPECT_EQ(output(table({2})).shape(), (Shape{1, 3}));
}

// As Growth.IsAsIfTheWordsHadBeenThereFromTheStart, for bags.
TEST(Growth, OfBagsIsAsIfTheWordsHadBeenThereFromTheStart) {
  for (const BagMode mode : {BagMode::sum, BagMode::mean}) {
    const EmbeddingBagOptions options{.padding_idx = 0, .mode = mode, .sparse = true};
    const auto bag_of = [&](std::int64_t rows) {
      return EmbeddingBag::from_pretrained(random_tensor({rows, 3}, 1), /*freeze=*/false, options);
    };
    const EmbeddingBag grown = bag_of(4), whole = bag_of(6);
    SparseAdam a(grown.parameters(), {.lr = 0.1}), b(whole.parameters(), {.lr = 0.1});
    const auto train = [](const EmbeddingBag& bag, SparseAdam& adam,
                          const std::vector<std::int64_t>& ids, unsigned seed) {
      adam.zero_grad();
      bag(ids, std::vector<std::int64_t>{0, 2}).backward(random_tensor({2, 3}, seed));
      adam.step();
    };
    const auto train_both = [&](const std::vector<std::int64_t>& ids, unsigned seed) {
      train(grown, a, ids, seed);
      train(whole, b, ids, seed);
    };
    train_both({1, 2, 3}, 1);
    train_both({2, 0, 2}, 2);
    const Tensor rest = whole.rows(tensor({4, 5}));
    grown.remap(tensor(row_sources(first_words(), all_words())),
                {.init = [&](const Tensor& rows) { rows.copy_(rest); }, .followers = {&a}});
    train_both({4, 2, 5}, 3);
    train_both({5, 0, 1}, 4);
    EXPECT_TRUE(same_bytes(grown.weight, whole.weight));
    EXPECT_TRUE(
        same_bytes(a.state_dict().at("weight.exp_avg_sq"), b.state_dict().at("weight.exp_avg_sq")));
  }
}

// ---- words made of n-grams

const SubwordOptions subwords{.ngrams = {.minn = 3, .maxn = 4, .buckets = 20}};

TEST(SubwordGrowth, KeepsWordsAndNgrams) {
  const SubwordEmbedding words(first_words(), 3, subwords);
  const SubwordEmbedding copy = words;  // NOLINT(performance-unnecessary-copy-initialization)
  const std::vector<std::string> known{"sea", "land"}, unseen{"ice"};
  const Tensor before = words(known), ngrams = words(unseen);
  const Tensor weight = words.weight.clone();
  words.remap(Vocabulary::from_words({"ice", "land", "<unk>", "<pad>", "sea"}),
              {.init = [](const Tensor& rows) { rows.fill_(7); }});
  EXPECT_EQ(copy.num_words(), 5);
  EXPECT_EQ(copy.weight.shape(), (Shape{25, 3}));
  EXPECT_EQ(copy.str().substr(0, 22), "SubwordEmbedding(5, 3,");
  EXPECT_TRUE(same_bytes(words(known), before));
  EXPECT_TRUE(same_bytes(words(tensor({4, 1})), before));
  EXPECT_TRUE(same_bytes(slice(words.weight, 0, 5, 25), slice(weight, 0, 4, 24)));
  EXPECT_THAT(words(tensor({3})).span<float>(), Each(0));  // the padding word
  const std::int64_t n = std::ssize(words.rows("ice"));
  for (std::int64_t d = 0; d < 3; ++d) {  // the mean has a member more, 7
    const double sum = static_cast<double>(ngrams.data<float>()[d]) * static_cast<double>(n - 1);
    EXPECT_NEAR(words(unseen).data<float>()[d], (sum + 7) / static_cast<double>(n), 1e-6);
  }
}

TEST(SubwordGrowth, TakesItsOptimizerAlong) {
  const SubwordEmbedding words(first_words(), 3, subwords);
  words.to(DType::float64);
  Adagrad optimizer(words.parameters(), {.lr = 0.1});
  const auto step = [&](const std::vector<std::string>& batch) {
    optimizer.zero_grad();
    words(batch).backward(ones({std::ssize(batch), 3}, DType::float64));
    optimizer.step();
  };
  step({"sea", "land"});
  const Tensor sum = optimizer.state_dict().at("weight.sum");
  words.remap(all_words(), {.followers = {&optimizer}});
  const Tensor moved = optimizer.state_dict().at("weight.sum");
  EXPECT_TRUE(same_bytes(slice(moved, 0, 0, 4), slice(sum, 0, 0, 4)));
  EXPECT_THAT(row_of(moved, 4), Each(0));
  EXPECT_TRUE(same_bytes(slice(moved, 0, 6, 26), slice(sum, 0, 4, 24)));
  step({"ice", "sea"});
}

TEST(SubwordGrowth, DrawsNewRowsAsANewLayerDoesAndChangesNothingIfAFollowerThrows) {
  const SubwordEmbedding words(first_words(), 100, subwords), other(first_words(), 100, subwords);
  SGD stranger(other.parameters(), {.lr = 0.1});
  const Tensor before = words.weight.clone();
  EXPECT_THROW(words.remap(all_words(), {.followers = {&stranger}}), ValueError);
  EXPECT_EQ(words.num_words(), 4);
  EXPECT_TRUE(same_bytes(words.weight, before));
  words.remap(all_words());
  const auto drawn = slice(words.weight, 0, 4, 6).span<float>();
  const auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
  EXPECT_THAT(std::vector<float>({*least, *most}),
              ElementsAre(testing::AllOf(testing::Ge(-0.01F), testing::Lt(-0.005F)),
                          testing::AllOf(testing::Le(0.01F), testing::Gt(0.005F))));
}

}  // namespace
}  // namespace gradus
