// Embeddings in training: what users of other frameworks met trouble with.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace gradus {
namespace {

using testing::Each;
using testing::HasSubstr;

const double infinity = std::numeric_limits<double>::infinity();

Embedding table_of(const Tensor& values, const EmbeddingOptions& options = {}) {
  return Embedding::from_pretrained(values.clone(), /*freeze=*/false, options);
}

std::vector<double> row_of(const Tensor& table, std::int64_t row) {
  const std::vector<double> all =
      values_of(table.dtype() == DType::float64 ? table : table.to(DType::float64));
  const std::int64_t width = table.size(1);
  return {all.begin() + row * width, all.begin() + (row + 1) * width};
}

// Another kernel runs for large inputs.
TEST(EmbeddingTraining, PaddingGetsNoGradientFromLargeInputsEither) {
  for (const bool sparse : {false, true}) {
    for (const bool by_freq : {false, true}) {
      const auto gradients = with_threads([&] {
        Generator generator(1);
        const Embedding table(100, 16,
                              {.padding_idx = 7, .scale_grad_by_freq = by_freq, .sparse = sparse},
                              generator);
        const Tensor ids = randint(0, 100, {200, 100}, generator);
        table(ids).backward(randn({200, 100, 16}, 0, 1, DType::float32, generator));
        if (sparse) {
          for (const std::int64_t id : table.weight.grad().sparse().ids().span<std::int64_t>()) {
            EXPECT_NE(id, 7);
          }
        }
        const Tensor gradient = table.weight.grad().to_dense();
        EXPECT_THAT(row_of(gradient, 7), Each(0));
        EXPECT_NE(row_of(gradient, 8)[0], 0);
        return hash_of<float>(gradient);
      });
      EXPECT_THAT(gradients, Each(gradients[0]));
    }
  }
}

TEST(EmbeddingTraining, TwoRenormingLookupsInOneGraphGiveTheSumOfTheirGradients) {
  for (const double p : {1.0, 2.0, infinity}) {
    const Tensor start = tensor({3.0, -4.0, 0.1, 0.2, 6.0, 8.0}, {3, 2});
    const Embedding table = table_of(start, {.max_norm = 2, .norm_type = p});
    const Tensor a = table({0, 1}), b = table({2, 0});
    EXPECT_EQ(values_of(a), values_of(table({0, 1})));  // no longer too long
    sum(a * b).backward();
    // d(a * b) by row 0: b[0] + a[1], by row 1: b[1] = row 0, by row 2: a[0] = row 0.
    const std::vector<double> w = values_of(table.weight);
    const std::vector<double> g = values_of(table.weight.grad().dense());
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_DOUBLE_EQ(g[i], w[4 + i] + w[2 + i]) << p;
      EXPECT_DOUBLE_EQ(g[2 + i], w[i]);
      EXPECT_DOUBLE_EQ(g[4 + i], w[i]);
    }
    const double norm = p == 1 ? 7 : p == 2 ? 5 : 4;
    EXPECT_DOUBLE_EQ(w[0], 3 * (2 / (norm + 1e-7)));
    EXPECT_DOUBLE_EQ(w[2], 0.1);
  }
}

TEST(EmbeddingTraining, MaxNormOfACopyOfTheWeightLeavesAnEarlierUseAlone) {
  const Embedding table = table_of(random_tensor({3, 2}, 1), {.max_norm = 0.1});
  const Tensor before = table.weight.clone();
  const Tensor scaled = table.weight * 1.0;  // a value of its own
  const Tensor loss = sum(scaled * scaled) + sum(table({0, 1, 2}));
  loss.backward();
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_DOUBLE_EQ(table.weight.grad().dense().span<double>()[i],
                     2 * before.span<double>()[i] + 1);
  }
}

TEST(EmbeddingTraining, MaxNormReadsTheRowsThatAreLookedUpOnly) {
  Tensor rows = ones({4, 2}, DType::float64);
  rows.set_row(3, tensor({std::nan(""), 1.0}));
  const Embedding table = table_of(rows, {.max_norm = 1, .sparse = true});
  table({0, 1, 0});
  EXPECT_THAT(row_of(table.weight, 2), Each(1));
  EXPECT_TRUE(std::isnan(row_of(table.weight, 3)[0]));
}

// The gradient of a row is the sum of its cotangents over the count of its lookups in the call.
TEST(EmbeddingTraining, FrequencyScalingIsTheSameForBothKindsOfGradient) {
  const Tensor start = random_tensor({6, 3}, 1);
  const std::vector<std::int64_t> ids{5, 0, 5, 2, 5, 2};
  const Tensor g = random_tensor({6, 3}, 2);
  std::vector<double> expected(18, 0.0);
  for (std::size_t k = 0; k < 6; ++k) {
    const double count = ids[k] == 5 ? 3 : ids[k] == 2 ? 2 : 1;
    for (std::size_t i = 0; i < 3; ++i) {
      expected[static_cast<std::size_t>(ids[k]) * 3 + i] += g.span<double>()[k * 3 + i] / count;
    }
  }
  for (const bool sparse : {false, true}) {
    const Embedding table = table_of(start, {.scale_grad_by_freq = true, .sparse = sparse});
    table(ids).backward(g);
    EXPECT_EQ(table.weight.grad().is_sparse(), sparse);
    const std::vector<double> actual = values_of(table.weight.grad().to_dense());
    for (std::size_t i = 0; i < 18; ++i) EXPECT_NEAR(actual[i], expected[i], 1e-15);
  }
}

TEST(EmbeddingTraining, GradientsOfManyBackwardPassesStayBoundedAndExact) {
  const Embedding table = table_of(zeros({5, 2}, DType::float64), {.sparse = true});
  std::vector<double> expected(10, 0.0);
  for (int pass = 0; pass < 20; ++pass) {
    const std::int64_t id = pass % 4;
    table({id, id + 1}).backward(full({2, 2}, pass, DType::float64));
    for (const std::int64_t row : {id, id + 1}) {
      for (std::int64_t i = 0; i < 2; ++i) expected[static_cast<std::size_t>(row * 2 + i)] += pass;
    }
    EXPECT_LE(table.weight.grad().sparse().nnz(), 5);
    EXPECT_EQ(values_of(table.weight.grad().to_dense()), expected);
  }
  // One call with more entries than rows stays as it is: nothing has been added to it.
  table.zero_grad();
  table({0, 0, 0, 0, 0, 1}).backward(ones({6, 2}, DType::float64));
  EXPECT_EQ(table.weight.grad().sparse().nnz(), 6);
}

struct Tagger : Module {
  explicit Tagger(const Embedding& table)
      : embedding(add("embedding", table)),
        output(add("output", Linear(table.embedding_dim(), 3))) {}
  Tensor operator()(const Tensor& ids) const { return output(embedding(ids)); }
  const Embedding embedding;
  const Linear output;
};

// Epochs with a frozen table, then unfrozen, then frozen again, one optimizer for all.
template <class Optimizer, class Options>
void freeze_and_unfreeze(const Options& options) {
  manual_seed(5);
  const Tagger model(Embedding::from_pretrained(randn({20, 4}), /*freeze=*/true, {.sparse = true}));
  Optimizer optimizer(model.parameters(), options);
  Generator generator(2);
  const auto epoch = [&] {
    const std::uint64_t above = hash_of<float>(model.output.weight);
    for (int step = 0; step < 3; ++step) {
      optimizer.zero_grad();
      const Tensor ids = randint(0, 10, {8}, generator);
      cross_entropy(model(ids), randint(0, 3, {8}, generator)).backward();
      optimizer.step();
    }
    EXPECT_NE(hash_of<float>(model.output.weight), above);  // only the table is frozen
  };
  const auto bytes = [&] { return hash_of<float>(model.embedding.weight); };
  const std::uint64_t start = bytes();
  epoch();
  EXPECT_EQ(bytes(), start);
  EXPECT_EQ(optimizer.state_dict().metadata.at("parameter.embedding.weight.steps"), "0");
  for (const StateEntry& entry : optimizer.state_dict()) {
    EXPECT_THAT(entry.name, testing::Not(HasSubstr("embedding")));  // it costs nothing
  }
  model.embedding.set_trainable(true);
  const std::vector<double> untouched = row_of(model.embedding.weight, 15);
  epoch();
  const std::uint64_t trained = bytes();
  EXPECT_NE(trained, start);
  EXPECT_EQ(row_of(model.embedding.weight, 15), untouched);  // was in no batch
  model.embedding.set_trainable(false);                      // the last gradient is still there
  EXPECT_FALSE(model.embedding.weight.grad().empty());
  optimizer.step();
  EXPECT_EQ(bytes(), trained);
  epoch();
  EXPECT_EQ(bytes(), trained);
  model.embedding.set_trainable(true);
  epoch();
  EXPECT_NE(bytes(), trained);
}

TEST(EmbeddingTraining, FreezesAndUnfreezesWithOneOptimizer) {
  freeze_and_unfreeze<SGD>(SGDOptions{.lr = 0.1});
  freeze_and_unfreeze<Adam>(AdamOptions{.lr = 0.1, .lazy = true});
  freeze_and_unfreeze<AdamW>(AdamWOptions{.lr = 0.1, .weight_decay = 0, .lazy = true});
  freeze_and_unfreeze<Adagrad>(AdagradOptions{.lr = 0.1});
  freeze_and_unfreeze<RowwiseAdagrad>(RowwiseAdagradOptions{.lr = 0.1});
}

TEST(EmbeddingTraining, AFrozenTableIsNoPartOfTheNormOfTheGradients) {
  const Embedding table = table_of(ones({4, 2}, DType::float64), {.sparse = true});
  const Tensor other = tensor({3.0, 4.0}).set_trainable(true);
  sum(table({0, 0, 1})).backward();
  other.set_grad(tensor({3.0, 4.0}));
  const std::vector<NamedParameter> all{{"table", table.weight}, {"other", Parameter(other)}};
  EXPECT_DOUBLE_EQ(clip_grad_norm(all, 1e9), std::sqrt(25 + 10.0));
  table.set_trainable(false);
  EXPECT_DOUBLE_EQ(clip_grad_norm(all, 1e9), 5);
}

TEST(EmbeddingTraining, BatchesOfPaddingAloneChangeNothing) {
  const auto check = [](auto& optimizer, const Embedding& table) {
    const std::uint64_t before = hash_of<float>(table.weight);
    sum(table({0, 0})).backward();
    EXPECT_EQ(table.weight.grad().sparse().nnz(), 0);
    clip_grad_norm({{"table", table.weight}}, 1);
    clip_grad_value({{"table", table.weight}}, 1);
    optimizer.step();
    EXPECT_EQ(hash_of<float>(table.weight), before);
  };
  const EmbeddingOptions options{.padding_idx = 0, .sparse = true};
  const Embedding a(4, 3, options), b(4, 3, options), c(4, 3, options), d(4, 3, options);
  SGD sgd(a.parameters(), {.lr = 0.1});
  SparseAdam sparse_adam(b.parameters());
  Adagrad adagrad(c.parameters());
  Adam adam(d.parameters(), {.lazy = true});
  check(sgd, a);
  check(sparse_adam, b);
  check(adagrad, c);
  check(adam, d);
}

TEST(EmbeddingTraining, WeightDecayMovesThePaddingRowAndACallClearsIt) {
  const Embedding table = table_of(ones({3, 2}, DType::float64), {.padding_idx = 0});
  SGD optimizer(table.parameters(), {.lr = 0.1, .weight_decay = 0.5});
  sum(table({0, 1})).backward();
  optimizer.step();
  EXPECT_THAT(row_of(table.weight, 0), Each(0.95));  // as PyTorch
  table.zero_padding_row();
  EXPECT_THAT(row_of(table.weight, 0), Each(0));
}

TEST(EmbeddingTraining, SparseMomentumKeepsAStateOfTheTablesSize) {
  const Embedding table = table_of(ones({6, 2}, DType::float64), {.sparse = true});
  SGD optimizer(table.parameters(), {.lr = 0.1, .momentum = 0.9});
  for (std::int64_t id = 0; id < 6; ++id) {
    optimizer.zero_grad();
    sum(table({id, id})).backward();
    optimizer.step();
    EXPECT_EQ(optimizer.state_dict().at("weight.momentum_buffer").shape(), (Shape{6, 2}));
  }
}

TEST(EmbeddingTraining, AccumulatedGradientsAreThoseOfTheWholeBatch) {
  const Tensor start = random_tensor({6, 3}, 1);
  const Embedding parts = table_of(start, {.sparse = true}),
                  whole = table_of(start, {.sparse = true});
  const Tensor g = random_tensor({4, 3}, 2);
  whole({1, 3, 1, 5}).backward(g);
  parts({1, 3}).backward(slice(g, 0, 0, 2));
  parts({1, 5}).backward(slice(g, 0, 2, 4));
  EXPECT_TRUE(same_bytes(parts.weight.grad().to_dense(), whole.weight.grad().to_dense()));
}

TEST(EmbeddingTraining, ParametersThatABatchDoesNotUseAreLeftAlone) {
  const Embedding used(4, 3, {.sparse = true}), unused(4, 3, {.sparse = true});
  Adam optimizer({{"used", used.weight}, {"unused", unused.weight}}, {.lazy = true});
  const std::uint64_t before = hash_of<float>(unused.weight), other = hash_of<float>(used.weight);
  sum(used({1})).backward();
  optimizer.step();
  EXPECT_EQ(hash_of<float>(unused.weight), before);
  EXPECT_NE(hash_of<float>(used.weight), other);
}

std::vector<std::uint64_t> row_access_bits(std::int64_t rows, std::int64_t n, std::int64_t width) {
  Generator generator(static_cast<std::uint64_t>(n));
  const Embedding table(rows, width, {.sparse = true}, generator);
  const Tensor ids = randint(0, rows, {n}, generator);
  const Tensor y = table(ids);
  y.backward(randn({n, width}, 0, 1, DType::float32, generator));
  const SparseGrad gradient = table.weight.grad().sparse();
  const SparseGrad sum = gradient.coalesce();
  EXPECT_TRUE(sum.is_coalesced());
  for (std::int64_t k = 1; k < sum.nnz(); ++k) {
    EXPECT_LT(sum.ids().data<std::int64_t>()[k - 1], sum.ids().data<std::int64_t>()[k]);
  }
  std::uint64_t ids_hash = 0;
  for (const std::int64_t id : sum.ids().span<std::int64_t>()) {
    ids_hash = ids_hash * 1099511628211U + static_cast<std::uint64_t>(id);
  }
  return {hash_of<float>(y), ids_hash, hash_of<float>(sum.values()),
          hash_of<float>(gradient.to_dense()), hash_of<float>(sum.to_dense())};
}

TEST(EmbeddingTraining, RowAccessHasTheSameBitsForAnyNumberOfThreads) {
  // Few rows; many rows, whose distinct ones are found by a sort, of one part and of two; rows
  // shorter than a cache line.
  for (const auto& [rows, n, width] : {std::tuple{50, 20000, 33}, std::tuple{400000, 1500, 5},
                                       std::tuple{6000000, 20000, 1}, std::tuple{3000, 20000, 1}}) {
    const auto bits =
        with_threads([&, r = rows, k = n, w = width] { return row_access_bits(r, k, w); });
    EXPECT_THAT(bits, Each(bits[0]));
  }
}

// What a step allocates follows the batch: two tables, one a hundred times larger.
template <class Optimizer, class Options>
std::int64_t peak_of_step(std::int64_t rows, const Options& options, double max_norm = 0) {
  manual_seed(1);
  EmbeddingOptions table_options{.padding_idx = 0, .sparse = true};
  if (max_norm > 0) table_options.max_norm = max_norm;
  const Embedding table(rows, 8, table_options);
  Optimizer optimizer(table.parameters(), options);
  std::int64_t most = 0;
  for (int step = 0; step < 4; ++step) {
    const Tensor ids = randint(0, rows, {64});
    reset_peak_memory();
    const std::int64_t before = memory_stats().live;
    optimizer.zero_grad();
    const Tensor y = table(ids);
    sum(y * y).backward();
    clip_grad_norm(table.parameters(), 1.0);
    optimizer.step();
    if (step > 0) most = std::max(most, memory_stats().peak - before);
  }
  return most;
}

TEST(EmbeddingTraining, AStepAllocatesNothingThatFollowsTheTable) {
  const OneThread one;
  const auto check = [](auto peak) {
    EXPECT_LE(peak(std::int64_t{200000}), peak(std::int64_t{2000}) + 16384);  // distinct ids differ
    EXPECT_GT(peak(std::int64_t{2000}), 64 * 8 * 4);
  };
  check([](std::int64_t rows) { return peak_of_step<SGD>(rows, SGDOptions{.lr = 0.1}); });
  check([](std::int64_t rows) { return peak_of_step<SGD>(rows, SGDOptions{.lr = 0.1}, 1.0); });
  check([](std::int64_t rows) {
    return peak_of_step<SGD>(rows, SGDOptions{.lr = 0.1, .momentum = 0.9});
  });
  check([](std::int64_t rows) { return peak_of_step<Adagrad>(rows, AdagradOptions{}); });
  check([](std::int64_t rows) {
    return peak_of_step<RowwiseAdagrad>(rows, RowwiseAdagradOptions{});
  });
  check([](std::int64_t rows) { return peak_of_step<Adam>(rows, AdamOptions{.lazy = true}); });
  check([](std::int64_t rows) { return peak_of_step<SparseAdam>(rows, SparseAdamOptions{}); });
}

}  // namespace
}  // namespace gradus
