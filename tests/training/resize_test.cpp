// Tables that get other rows in mid-training.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/adafactor.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/lion.h>
#include <gradus/optim/muon.h>
#include <gradus/optim/nadam.h>
#include <gradus/optim/radam.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/average.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gradus/tests/support/statistics.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::Pointwise;

Embedding random_table(std::int64_t rows, const EmbeddingOptions& options = {}, unsigned seed = 1) {
  return Embedding::from_pretrained(random_tensor({rows, 3}, seed), /*freeze=*/false, options);
}

std::vector<double> row_of(const Tensor& table, std::int64_t row) {
  const std::vector<double> all = values_of(table);
  const std::int64_t width = table.numel() / table.size(0);
  return {all.begin() + row * width, all.begin() + (row + 1) * width};
}

template <class Optimizer>
void train(const Embedding& table, Optimizer& optimizer, const std::vector<std::int64_t>& ids,
           unsigned seed) {
  optimizer.zero_grad();
  table(ids).backward(random_tensor({static_cast<std::int64_t>(ids.size()), 3}, seed));
  optimizer.step();
}

TEST(Resize, GrowsByRowsOfANormalDistributionAndKeepsTheOthersBitForBit) {
  const Embedding table = random_table(4);
  const Embedding copy = table;  // NOLINT(performance-unnecessary-copy-initialization)
  const Tensor before = table.weight.clone();
  manual_seed(3);
  table.resize(3004);
  EXPECT_EQ(copy.num_embeddings(), 3004);
  EXPECT_EQ(copy.str(), "Embedding(3004, 3)");
  EXPECT_TRUE(copy.weight.trainable());
  for (std::int64_t r = 0; r < 4; ++r) EXPECT_EQ(row_of(copy.weight, r), row_of(before, r));
  const std::vector<double> all = values_of(copy.weight);
  EXPECT_TRUE(fits_distribution({all.begin() + 12, all.end()}, normal_cdf));
  manual_seed(3);
  const Embedding other = random_table(4);
  other.resize(3004);
  EXPECT_TRUE(same_bytes(other.weight, table.weight));
}

TEST(Resize, TakesAnInitialiser) {
  const Embedding table = random_table(2);
  table.resize(4, {.init = [](const Tensor& rows) {
                 EXPECT_EQ(rows.shape(), (Shape{2, 3}));
                 rows.fill_(7);
               }});
  EXPECT_THAT(row_of(table.weight, 2), Each(7));
  EXPECT_THAT(row_of(table.weight, 3), Each(7));
  table.resize(3, {.init = [](const Tensor&) { FAIL() << "there are no new rows"; }});
  EXPECT_EQ(table.num_embeddings(), 3);
}

TEST(Resize, ShrinksToNothingAndGrowsFromNothing) {
  const Embedding table = random_table(3);
  table.resize(0);
  EXPECT_EQ(table(std::vector<int>{}).shape(), (Shape{0, 3}));
  EXPECT_THROW(table({0}), IndexError);
  table.resize(2);
  EXPECT_EQ(table({1}).shape(), (Shape{1, 3}));
}

TEST(Resize, DropsTheGradientAndKeepsTheFrozenFlag) {
  const Embedding table = random_table(3, {.sparse = true});
  sum(table({1})).backward();
  table.resize(5);
  EXPECT_TRUE(table.weight.grad().empty());
  sum(table({4})).backward();
  EXPECT_EQ(table.weight.grad().sparse().shape(), (Shape{5, 3}));
  table.set_trainable(false);
  table.resize(6);
  EXPECT_TRUE(table.is_frozen());
}

TEST(Resize, RefusesToDropThePaddingRow) {
  const Embedding table = random_table(4, {.padding_idx = 2});
  EXPECT_EQ(message_of<ValueError>([&] { table.resize(2); }),
            "Embedding: the padding row 2 would not be among 2 rows: call set_padding_idx() first");
  table.resize(3);
  EXPECT_EQ(table.options().padding_idx, 2);
  table.resize(9);
  EXPECT_EQ(table.options().padding_idx, 2);
  table.set_padding_idx(std::nullopt);
  table.resize(1);
  EXPECT_EQ(table.num_embeddings(), 1);
}

TEST(Resize, BackwardThroughAnEarlierLookupThrowsAndChangesNothing) {
  for (const bool sparse : {false, true}) {
    for (const std::int64_t rows : {2, 9}) {
      const Embedding table = random_table(4, {.sparse = sparse});
      const Tensor factor = tensor({2.0}).set_trainable(true);
      const Tensor loss = sum(table({3, 0}) * factor);
      table.resize(rows);
      EXPECT_EQ(message_of<AutogradError>([&] { loss.backward(); }),
                "backward of embedding: a leaf that it used was resized or converted to another "
                "dtype after the forward pass and is now [" +
                    std::to_string(rows) + ", 3] of float64: compute the loss again");
      EXPECT_TRUE(factor.grad().empty());
      EXPECT_TRUE(table.weight.grad().empty());
    }
  }
}

TEST(Resize, ConvertingALeafToAnotherTypeIsNoticedByBackwardToo) {
  const Embedding table = random_table(4);
  const Tensor loss = sum(table({3, 0}));
  table.to(DType::float32);
  EXPECT_THROW(loss.backward(), AutogradError);
  EXPECT_TRUE(table.weight.grad().empty());
}

TEST(Remap, KeepsReordersRepeatsAndDropsRows) {
  const Embedding table = random_table(4, {.padding_idx = 3});
  const Tensor before = table.weight.clone();
  table.remap(tensor({2, -1, 3, 0, 2}), {.init = [](const Tensor& rows) { rows.fill_(5); }});
  EXPECT_EQ(table.num_embeddings(), 5);
  EXPECT_EQ(row_of(table.weight, 0), row_of(before, 2));
  EXPECT_THAT(row_of(table.weight, 1), Each(5));
  EXPECT_EQ(row_of(table.weight, 2), row_of(before, 3));
  EXPECT_EQ(row_of(table.weight, 3), row_of(before, 0));
  EXPECT_EQ(row_of(table.weight, 4), row_of(before, 2));
  EXPECT_EQ(table.options().padding_idx, 2);  // it went along
  table({2, 0}).backward(ones({2, 3}, DType::float64));
  EXPECT_THAT(row_of(table.weight.grad().dense(), 2), Each(0));
}

TEST(Remap, SaysWhatIsWrong) {
  const Embedding table = random_table(4, {.padding_idx = 3});
  const Tensor before = table.weight.clone();
  EXPECT_EQ(message_of<ValueError>([&] {
              table.remap(tensor({0, 1}));
            }),
            "Embedding: the padding row 3 is not among the sources: call set_padding_idx() first");
  EXPECT_EQ(message_of<IndexError>([&] {
              table.remap(tensor({3, 4}));
            }),
            "remap_rows: source 4 at position 1 is outside [0, 4), and not -1 for a new row");
  EXPECT_THROW(table.remap(tensor({3, -2})), IndexError);
  EXPECT_THROW(table.remap(Tensor()), Error);
  EXPECT_EQ(message_of<ShapeError>([&] {
              table.remap(tensor({3, 1}, {1, 2}));
            }),
            "remap_rows: sources are [1, 2], a vector [rows] is needed");
  EXPECT_EQ(message_of<DTypeError>([&] {
              table.remap(tensor({3.0, 1.0}));
            }),
            "remap_rows: sources are float64, int64 is needed");
  EXPECT_TRUE(same_bytes(table.weight, before));
  EXPECT_EQ(table.options().padding_idx, 3);
}

TEST(ResizeRows, SaysWhatIsWrong) {
  EXPECT_EQ(message_of<ShapeError>([] { resize_rows(scalar(1.0), 2); }),
            "resize_rows: the tensor has rank 0, so it has no rows");
  EXPECT_EQ(message_of<ValueError>([] {
              resize_rows(zeros({2, 2}), -1);
            }),
            "resize_rows: rows is -1, it must be at least 0");
  const Tensor x = zeros({2, 2}).set_trainable(true);
  EXPECT_EQ(message_of<AutogradError>([&] { resize_rows(x * 2.0, 3); }),
            "resize_rows: the tensor [2, 2] was made by an op: only a leaf has rows of its own");
}

TEST(ResizeRows, FillsWithZerosAndTakesAnyType) {
  const Tensor counts = tensor({4, 5});
  resize_rows(counts, 3);
  EXPECT_THAT(counts.span<std::int64_t>(), ElementsAre(4, 5, 0));
  const Tensor cube = ones({1, 2, 2});
  resize_rows(cube, 2);
  EXPECT_THAT(cube.span<float>(), ElementsAre(1, 1, 1, 1, 0, 0, 0, 0));
}

TEST(Resize, ChangesNothingIfTheInitialiserOrAFollowerThrows) {
  const Embedding table = random_table(3), stranger = random_table(3);
  SGD own(table.parameters(), {.lr = 0.1, .momentum = 0.9});
  SGD other(stranger.parameters(), {.lr = 0.1});
  train(table, own, {1}, 1);
  const Tensor before = table.weight.clone();
  EXPECT_THROW(
      table.resize(5, {.init = [](const Tensor&) { throw std::runtime_error("no numbers"); },
                       .followers = {&own}}),
      std::runtime_error);
  EXPECT_EQ(message_of<ValueError>([&] {
              table.resize(5, {.followers = {&own, &other}});
            }),
            "SGD: the parameter [3, 3], whose rows change, is not one of its parameters: pass the "
            "optimizers that train it as followers");
  EXPECT_TRUE(same_bytes(table.weight, before));
  EXPECT_EQ(own.state_dict().at("weight.momentum_buffer").shape(), (Shape{3, 3}));
  train(table, own, {1}, 2);
}

TEST(Resize, BagsGrowAndArePrunedWithTheirOptimizer) {
  const EmbeddingBag bag(3, 2, {.padding_idx = 1, .mode = BagMode::sum, .sparse = true});
  bag.to(DType::float64);
  Adagrad optimizer(bag.parameters(), {.lr = 0.5});
  const auto step = [&](const std::vector<std::int64_t>& ids) {
    bag(ids, std::vector<std::int64_t>{0}).backward(ones({1, 2}, DType::float64));
    optimizer.step();
    optimizer.zero_grad();
  };
  step({0, 2});
  const Tensor before = bag.weight.clone();
  bag.resize(5, {.init = [](const Tensor& rows) { rows.fill_(7); }, .followers = {&optimizer}});
  EXPECT_EQ(bag.num_embeddings(), 5);
  EXPECT_EQ(row_of(bag.weight, 2), row_of(before, 2));
  EXPECT_THAT(row_of(bag.weight, 4), Each(7));
  EXPECT_TRUE(bag.weight.grad().empty());
  step({2, 4});
  EXPECT_EQ(row_of(optimizer.state_dict().at("weight.sum"), 4), (std::vector<double>{1, 1}));
  bag.remap(tensor({4, 1}), {.followers = {&optimizer}});
  EXPECT_EQ(bag.options().padding_idx, 1);
  EXPECT_THAT(row_of(bag.weight, 0), Each(DoubleNear(6.5, 1e-9)));  // 7 less lr, its first step
  EXPECT_EQ(message_of<ValueError>([&] { bag.resize(1); }),
            "EmbeddingBag: the padding row 1 would not be among 1 rows: call set_padding_idx() "
            "first");
  EXPECT_EQ(message_of<ValueError>([&] { bag.remap(tensor({0})); }),
            "EmbeddingBag: the padding row 1 is not among the sources: call set_padding_idx() "
            "first");
}

TEST(Resize, AnOptimizerThatDoesNotFollowRefusesToStep) {
  const Embedding table = random_table(3);
  SGD optimizer(table.parameters(), {.lr = 0.1, .momentum = 0.9});
  train(table, optimizer, {1}, 1);
  table.resize(4);
  EXPECT_EQ(message_of<ShapeError>([&] { train(table, optimizer, {1}, 2); }),
            "SGD: weight.momentum_buffer is [3, 3], its parameter is [4, 3] now: resize it with "
            ".followers = {&optimizer}, or make a new optimizer");
}

// Training of a table of three rows that grows to five must go on as that of one which had five
// from the start, whose last two rows had no part before.
template <class Optimizer, class Options>
void expect_state_follows(const Options& options, bool sparse, bool new_rows_alike = true) {
  const Embedding grown = random_table(3, {.sparse = sparse});
  const Embedding whole = random_table(5, {.sparse = sparse});
  whole.set_rows(tensor({0, 1, 2}), grown.weight);
  Optimizer a(grown.parameters(), options), b(whole.parameters(), options);
  for (unsigned seed = 0; seed < 3; ++seed) {
    train(grown, a, {2, 0, 2}, seed);
    train(whole, b, {2, 0, 2}, seed);
  }
  const Tensor rest = whole.rows(tensor({3, 4}));
  grown.resize(5, {.init = [&](const Tensor& rows) { rows.copy_(rest); }, .followers = {&a}});
  EXPECT_TRUE(same_bytes(grown.weight, whole.weight));
  const StateDict state = a.state_dict(), expected = b.state_dict();
  ASSERT_EQ(state.size(), expected.size());
  EXPECT_EQ(state.metadata, expected.metadata);
  for (const StateEntry& entry : state) {
    const Tensor& all = expected.at(entry.name);
    for (const std::int64_t row : {0, 1, 2}) {
      EXPECT_EQ(row_of(entry.tensor, row), row_of(all, row)) << entry.name;
    }
    EXPECT_TRUE(!new_rows_alike || same_bytes(entry.tensor, all)) << entry.name;
  }
  for (unsigned seed = 3; seed < 6; ++seed) {
    train(grown, a, {4, 2, 1}, seed);
    train(whole, b, {4, 2, 1}, seed);
  }
  EXPECT_TRUE(same_bytes(grown.weight, whole.weight));
  // And back: what is left of three rows, in another order.
  grown.remap(tensor({2, 4, -1}),
              {.init = [](const Tensor& rows) { rows.fill_(1); }, .followers = {&a}});
  const StateDict less = a.state_dict(), all = b.state_dict();
  for (const StateEntry& entry : less) {
    EXPECT_EQ(row_of(entry.tensor, 0), row_of(all.at(entry.name), 2)) << entry.name;
    EXPECT_EQ(row_of(entry.tensor, 1), row_of(all.at(entry.name), 4)) << entry.name;
  }
  EXPECT_EQ(row_of(grown.weight, 0), row_of(whole.weight, 2));
  train(grown, a, {0, 2}, 6);
}

TEST(Resize, StateOfOptimizersFollows) {
  for (const bool sparse : {false, true}) {
    expect_state_follows<SGD>(SGDOptions{.lr = 0.1}, sparse);
    expect_state_follows<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.2}, sparse);
    expect_state_follows<Adagrad>(AdagradOptions{.lr = 0.1, .initial_accumulator_value = 0.3},
                                  sparse);
    expect_state_follows<RowwiseAdagrad>(
        RowwiseAdagradOptions{.lr = 0.1, .initial_accumulator_value = 0.3}, sparse);
    expect_state_follows<Adam>(AdamOptions{.lr = 0.1, .amsgrad = true, .lazy = sparse}, sparse);
  }
  expect_state_follows<SparseAdam>(SparseAdamOptions{.lr = 0.1}, true);
}

TEST(Resize, StateOfOptimizersThatMoveAllRowsFollows) {
  expect_state_follows<AdamW>(AdamWOptions{.lr = 0.1, .weight_decay = 0.1}, false);
  expect_state_follows<RMSprop>(RMSpropOptions{.lr = 0.1}, false);
  expect_state_follows<RMSprop>(RMSpropOptions{.lr = 0.1, .momentum = 0.9, .centered = true},
                                false);
  expect_state_follows<Adadelta>(AdadeltaOptions{}, false);
  // What a step without a gradient leaves is eps.
  expect_state_follows<Adamax>(AdamaxOptions{.lr = 0.1}, false, /*new_rows_alike=*/false);
  expect_state_follows<NAdam>(NAdamOptions{.lr = 0.1}, false);
  expect_state_follows<RAdam>(RAdamOptions{.lr = 0.1}, false);
  expect_state_follows<Lion>(LionOptions{.lr = 0.1}, false);
  expect_state_follows<Muon>(MuonOptions{.lr = 0.1, .adamw = true}, false);
}

// Rows of zeros do not change the direction of the others, nor the scale while there are as many
// columns.
TEST(Resize, TheMomentumOfMuonFollows) {
  const auto table_of = [](std::int64_t rows) {
    return Embedding::from_pretrained(random_tensor({rows, 8}, 1), /*freeze=*/false);
  };
  const Embedding grown = table_of(3), whole = table_of(5);
  Muon a(grown.parameters(), {.lr = 0.1}), b(whole.parameters(), {.lr = 0.1});
  const auto train = [](const Embedding& table, Muon& muon, unsigned seed) {
    muon.zero_grad();
    table({2, 0, 1}).backward(random_tensor({3, 8}, seed));
    muon.step();
  };
  for (unsigned seed = 0; seed < 3; ++seed) {
    train(grown, a, seed);
    train(whole, b, seed);
  }
  const Tensor rest = whole.rows(tensor({3, 4}));
  grown.resize(5, {.init = [&](const Tensor& rows) { rows.copy_(rest); }, .followers = {&a}});
  const Tensor momentum = a.state_dict().at("weight.momentum_buffer");
  EXPECT_EQ(momentum.shape(), (Shape{5, 8}));
  EXPECT_THAT(row_of(momentum, 4), Each(0));
  for (unsigned seed = 3; seed < 6; ++seed) {
    train(grown, a, seed);
    train(whole, b, seed);
  }
  EXPECT_THAT(values_of(grown.weight), Pointwise(DoubleNear(1e-12), values_of(whole.weight)));
  EXPECT_THAT(values_of(a.state_dict().at("weight.momentum_buffer")),
              Pointwise(DoubleNear(1e-12), values_of(b.state_dict().at("weight.momentum_buffer"))));
}

// The second moments of Adafactor, r c / mean(r).
std::vector<double> moments_of(const Adafactor& optimizer, std::int64_t row) {
  const StateDict state = optimizer.state_dict();
  const std::vector<double> r = values_of(state.at("weight.row_var"));
  double mean = 0;
  for (const double x : r) mean += x / static_cast<double>(r.size());
  std::vector<double> v = values_of(state.at("weight.col_var"));
  for (double& x : v) x *= r[static_cast<std::size_t>(row)] / mean;
  return v;
}

TEST(Resize, TheSecondMomentsOfAdafactorStayForKeptRows) {
  const Embedding table = random_table(3);
  Adafactor optimizer(table.parameters(), {.lr = 0.1});
  train(table, optimizer, {0, 1, 2, 2}, 1);
  train(table, optimizer, {0, 1, 2}, 2);
  const std::vector<double> first = moments_of(optimizer, 0), last = moments_of(optimizer, 2);
  const auto expect_moments = [&](std::int64_t row, const std::vector<double>& expected) {
    const std::vector<double> found = moments_of(optimizer, row);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[i], expected[i], 1e-12 * expected[i]);
  };
  table.resize(7, {.followers = {&optimizer}});
  EXPECT_EQ(optimizer.state_dict().at("weight.row_var").shape(), (Shape{7, 1}));
  expect_moments(0, first);
  expect_moments(2, last);
  table.remap(tensor({2}), {.followers = {&optimizer}});
  EXPECT_EQ(optimizer.state_dict().at("weight.col_var").shape(), (Shape{1, 3}));
  expect_moments(0, last);
  table.remap(tensor({0}), {.followers = {&optimizer}});  // one row, as the sums of columns have
  expect_moments(0, last);
  table.remap(tensor({-1, 0}), {.followers = {&optimizer}});
  expect_moments(1, last);
  train(table, optimizer, {0, 1}, 3);
  table.resize(0, {.followers = {&optimizer}});
  table.resize(2, {.followers = {&optimizer}});
  train(table, optimizer, {0, 1}, 4);
}

TEST(Resize, WhatAdafactorKeepsForAVectorFollows) {
  const Parameter bias(tensor({1.0, 2.0}).set_trainable(true));
  Adafactor optimizer({{"bias", bias}}, {.lr = 0.1});
  bias.set_grad(tensor({2.0, 3.0}));
  optimizer.step();
  remap_rows(bias, tensor({1, -1, 0}), {.followers = {&optimizer}});
  EXPECT_THAT(optimizer.state_dict().at("bias.variance").span<double>(), ElementsAre(9, 0, 4));
}

TEST(Resize, LBFGSStartsAfresh) {
  const Embedding table = random_table(2);
  LBFGS optimizer(table.parameters(), {.max_iter = 3});
  const auto closure = [&] {
    optimizer.zero_grad();
    const Tensor loss = sum(table.weight * table.weight);
    loss.backward();
    return loss;
  };
  optimizer.step(closure);
  table.resize(4, {.followers = {&optimizer}});
  for (int i = 0; i < 5; ++i) optimizer.step(closure);
  EXPECT_THAT(values_of(table.weight), Each(DoubleNear(0, 1e-9)));
}

TEST(Resize, NewRowsStartWithTheInitialAccumulator) {
  const Embedding table = random_table(2);
  RowwiseAdagrad optimizer(table.parameters(), {.lr = 0.1, .initial_accumulator_value = 0.25});
  train(table, optimizer, {0, 1}, 1);
  table.resize(3, {.followers = {&optimizer}});
  EXPECT_EQ(optimizer.state_dict().at("weight.row_sum").span<double>()[2], 0.25);
}

TEST(Resize, AveragesFollow) {
  const Embedding table = random_table(2);
  AveragedParameters averages(table.parameters(), 0.5);
  averages.update();
  table.set_row(0, zeros({3}, DType::float64));
  averages.update();
  const Tensor before = averages.state_dict().at("weight");
  table.remap(tensor({1, -1, 0}),
              {.init = [](const Tensor& rows) { rows.fill_(4); }, .followers = {&averages}});
  const Tensor after = averages.state_dict().at("weight");
  EXPECT_EQ(row_of(after, 0), row_of(before, 1));
  EXPECT_THAT(row_of(after, 1), Each(4));
  EXPECT_EQ(row_of(after, 2), row_of(before, 0));
  EXPECT_NE(row_of(after, 2), row_of(table.weight, 2));
  averages.update();
  averages.swap();
  const Embedding stranger = random_table(2);
  EXPECT_EQ(message_of<ValueError>([&] { stranger.resize(5, {.followers = {&averages}}); }),
            "AveragedParameters: the parameter [2, 3], whose rows change, is not one of its "
            "parameters: pass the averages that it is part of as followers");
}

TEST(Resize, ATiedLayerFollowsAndItsBiasMust) {
  const Embedding table = random_table(4);
  const Linear output(table.weight);
  const Tensor x = random_tensor({2, 3}, 5);
  table.resize(6);
  EXPECT_EQ(output.out_features(), 6);
  EXPECT_EQ(message_of<ShapeError>([&] { output(x); }),
            "linear: bias does not fit the weight: bias is [4], weight is [6, 3]: bias [out] and "
            "weight [out, in] are needed");
  resize_rows(output.bias, 6);
  EXPECT_EQ(output(x).shape(), (Shape{2, 6}));
  const Linear without(table.weight, {.bias = false});
  table.resize(7);
  EXPECT_EQ(without(x).shape(), (Shape{2, 7}));
}

TEST(EmbeddingRows, AreReadAndWrittenOneByOneOrMany) {
  for (const bool freeze : {false, true}) {
    const Embedding table = Embedding::from_pretrained(random_tensor({4, 3}, 1), freeze,
                                                       {.padding_idx = 0, .max_norm = 1e-3});
    const Tensor before = table.weight.clone();
    const Tensor one = table.row(2);
    EXPECT_EQ(one.shape(), (Shape{3}));
    EXPECT_EQ(values_of(one), row_of(before, 2));
    EXPECT_FALSE(one.requires_grad());
    one.fill_(9);  // a copy
    EXPECT_TRUE(same_bytes(table.weight, before));
    EXPECT_EQ(row_of(table.rows(tensor({0, 3})), 1), row_of(before, 3));
    table.set_row(1, tensor({1.0, 2.0, 3.0}));
    table.set_rows(tensor({2, 3, 2}), ones({3, 3}, DType::float64));
    EXPECT_THAT(row_of(table.weight, 1), ElementsAre(1, 2, 3));
    EXPECT_THAT(row_of(table.weight, 2), Each(1));
    EXPECT_EQ(row_of(table.weight, 0), row_of(before, 0));
    EXPECT_EQ(table.is_frozen(), freeze);
  }
  const Embedding table = random_table(4);
  EXPECT_EQ(message_of<IndexError>([&] { table.row(4); }),
            "embedding: index 4 at position [] is outside [0, 4)");
  EXPECT_THROW(table.rows(tensor({0, -1})), IndexError);
  EXPECT_EQ(message_of<ShapeError>([&] {
              table.rows(tensor({0, 1}, {1, 2}));
            }),
            "Embedding: rows of ids [1, 2]: a vector [n] is needed");
  EXPECT_THROW(table.set_row(4, zeros({3}, DType::float64)), IndexError);
  EXPECT_THROW(table.set_row(0, zeros({2}, DType::float64)), ShapeError);
  EXPECT_THROW(table.set_rows(tensor({0}), zeros({1, 3})), DTypeError);
}

}  // namespace
}  // namespace gradus
