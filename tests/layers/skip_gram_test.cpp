#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/skip_gram.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

struct Tables {
  Embedding input, output;
};

Tables random_tables(std::int64_t V, std::int64_t D, const EmbeddingOptions& options = {},
                     std::uint64_t seed = 1) {
  return {Embedding::from_pretrained(random_leaf({V, D}, seed).detach(), false, options),
          Embedding::from_pretrained(random_leaf({V, D}, seed + 1).detach(), false, options)};
}

struct Batch {
  Tensor centers, contexts, negatives;
};

Batch random_batch(std::int64_t V, std::int64_t B, std::int64_t K, std::uint64_t seed = 3) {
  Generator generator(seed);
  return {randint(0, V, {B}, generator), randint(0, V, {B}, generator),
          randint(0, V, {B, K}, generator)};
}

Tensor loss_of(const Tables& tables, const Batch& batch, Reduction reduction = Reduction::sum) {
  return skip_gram_loss(tables.input, tables.output, batch.centers, batch.contexts, batch.negatives,
                        reduction);
}

// -log s(x) of a tensor, from other ops.
Tensor minus_log_sigmoid(const Tensor& x) { return neg(log(sigmoid(x))); }

// The loss of each pair, [B], from two lookups and other ops.
Tensor composed(const Tables& tables, const Batch& batch) {
  const std::int64_t B = batch.centers.numel(), K = batch.negatives.size(1);
  std::vector<std::int64_t> center, context, negative;  // one row each: no broadcasting
  for (std::int64_t b = 0; b < B; ++b) {
    center.push_back(batch.centers.span<std::int64_t>()[static_cast<std::size_t>(b)]);
    context.push_back(batch.contexts.span<std::int64_t>()[static_cast<std::size_t>(b)]);
  }
  const Tensor v = tables.input(center), u = tables.output(context);
  Tensor loss = minus_log_sigmoid(sum(v * u, 1));
  for (std::int64_t k = 0; k < K; ++k) {
    negative.clear();
    for (std::int64_t b = 0; b < B; ++b) {
      negative.push_back(batch.negatives.span<std::int64_t>()[static_cast<std::size_t>(b * K + k)]);
    }
    loss = loss + minus_log_sigmoid(neg(sum(v * tables.output(negative), 1)));
  }
  return loss;
}

std::vector<double> dense_gradient(const Embedding& table) {
  return values_of(table.weight.grad().to_dense());
}

TEST(OpSkipGramLoss, KnownValuesOfOnePair) {
  const Tables tables{Embedding::from_pretrained(tensor({1.0, 2.0}, {1, 2}), false),
                      Embedding::from_pretrained(tensor({0.5, 0.25, -1.0, 1.0}, {2, 2}), false)};
  const Tensor zero = zeros({1}, DType::int64);
  // v u_0 = 1, v u_1 = 1: -log s(1) - log s(-1)
  const Tensor loss =
      skip_gram_loss(tables.input, tables.output, zero, zero, ones({1, 1}, DType::int64));
  EXPECT_TRUE(is_close(loss, {}, {0.3132616875182228 + 1.3132616875182228}, 1e-14));
  loss.backward();
  const double s = 0.7310585786300049;  // s(1): dv = (s - 1) u_0 + s u_1
  EXPECT_TRUE(is_close(tables.input.weight.grad().to_dense(), {1, 2},
                       {(s - 1) * 0.5 - s, (s - 1) * 0.25 + s}, 1e-14));
  EXPECT_TRUE(is_close(tables.output.weight.grad().to_dense(), {2, 2},
                       {s - 1, 2 * (s - 1), s, 2 * s}, 1e-14));
}

TEST(OpSkipGramLoss, KnownValuesOfZeroTablesAreLogTwoATerm) {
  const Tables tables{Embedding::from_pretrained(zeros({3, 4}), false),
                      Embedding::from_pretrained(zeros({3, 4}), false)};
  const Batch batch = random_batch(3, 7, 5);
  EXPECT_TRUE(is_close(loss_of(tables, batch, Reduction::none), {7},
                       std::vector<double>(7, 6 * std::log(2.0)), 1e-6));
  EXPECT_NEAR(loss_of(tables, batch, Reduction::mean).item(), 6 * std::log(2.0), 1e-6);
  EXPECT_NEAR(loss_of(tables, batch).item(), 42 * std::log(2.0), 1e-5);
}

TEST(OpSkipGramLoss, KnownValuesStayExactForLargeScores) {
  const Tables tables{
      Embedding::from_pretrained(tensor({1.0F, 1.0F, 1.0F}, {3, 1}), false),
      Embedding::from_pretrained(tensor({-1000.0F, 30.0F, 1000.0F}, {3, 1}), false)};
  const auto loss = [&](std::int64_t context, std::int64_t negative) {
    return skip_gram_loss(tables.input, tables.output, tensor({0}), tensor({context}),
                          tensor({negative}, {1, 1}));
  };
  EXPECT_FLOAT_EQ(loss(0, 2).item<float>(), 2000);
  EXPECT_EQ(loss(2, 0).item(), 0);
  EXPECT_FLOAT_EQ(loss(1, 0).item<float>(), 9.3576230e-14F);  // exp(-30)
  loss(0, 2).backward();
  EXPECT_EQ(dense_gradient(tables.output), (std::vector<double>{-1, 0, 1}));
}

TEST(OpSkipGramLoss, KnownValuesAgreeWithOtherOpsForAnyWidth) {
  for (const std::int64_t D : {1, 2, 7, 8, 15, 16, 17, 31, 33, 100}) {
    for (const std::int64_t K : {0, 1, 5}) {
      const Tables fused = random_tables(9, D), other = random_tables(9, D);
      const Batch batch = random_batch(9, 37, K);  // three blocks of pairs, the last one short
      const Tensor g = random_leaf({37}, 5).detach();
      const Tensor loss = loss_of(fused, batch, Reduction::none);
      const Tensor expected = composed(other, batch);
      // log(sigmoid) of a score of 30 keeps 3 digits only.
      EXPECT_TRUE(is_close(loss, {37}, values_of(expected), 1e-9)) << "D " << D << ", K " << K;
      loss.backward(g);
      expected.backward(g);
      EXPECT_TRUE(is_close(fused.input.weight.grad().to_dense(), {9, D},
                           dense_gradient(other.input), 1e-9));
      EXPECT_TRUE(is_close(fused.output.weight.grad().to_dense(), {9, D},
                           dense_gradient(other.output), 1e-9));
    }
  }
}

TEST(OpSkipGramLoss, KnownValuesOfFloatsAgreeWithDoubles) {
  const Tables wide = random_tables(50, 100);
  const Tables narrow{
      Embedding::from_pretrained(wide.input.weight.detach().to(DType::float32), false),
      Embedding::from_pretrained(wide.output.weight.detach().to(DType::float32), false)};
  const Batch batch = random_batch(50, 64, 5);
  const Tensor a = loss_of(narrow, batch, Reduction::mean),
               b = loss_of(wide, batch, Reduction::mean);
  EXPECT_NEAR(a.item(), b.item(), 1e-5 * b.item());
  a.backward();
  b.backward();
  EXPECT_TRUE(is_close(narrow.output.weight.grad().to_dense(), {50, 100},
                       dense_gradient(wide.output), 1e-5));
}

TEST(OpSkipGramLoss, GradientAgreesWithDifferences) {
  for (const Reduction reduction : {Reduction::none, Reduction::sum, Reduction::mean}) {
    for (const bool sparse : {false, true}) {
      const Tables tables = random_tables(5, 3, {.sparse = sparse});
      const Batch batch = random_batch(5, 4, 2);
      EXPECT_TRUE(passes_gradcheck(
          [&](const std::vector<Tensor>&) { return loss_of(tables, batch, reduction); },
          {tables.input.weight, tables.output.weight}));
    }
  }
}

TEST(OpSkipGramLoss, GradientsAreSparseWhereTheTablesAre) {
  const Tables tables = random_tables(9, 4, {.sparse = true});
  const Batch batch{tensor({3, 3}), tensor({1, 2}), tensor({4, 4, 5, 1}, {2, 2})};
  loss_of(tables, batch).backward();
  const SparseGrad& in = tables.input.weight.grad().sparse();
  const SparseGrad& out = tables.output.weight.grad().sparse();
  EXPECT_TRUE(has_values(in.ids(), {2}, {3, 3}));
  EXPECT_TRUE(has_values(out.ids(), {6}, {1, 4, 4, 2, 5, 1}));
  EXPECT_EQ(in.values().shape(), (Shape{2, 4}));
  EXPECT_EQ(out.values().shape(), (Shape{6, 4}));
  const Tables dense = random_tables(9, 4);
  loss_of(dense, batch).backward();
  EXPECT_TRUE(dense.input.weight.grad().is_dense());
  EXPECT_EQ(dense_gradient(dense.input), dense_gradient(tables.input));
}

TEST(OpSkipGramLoss, GradientOfATiedTableIsTheSum) {
  const Tables two = random_tables(6, 5, {}, 1);
  const Embedding one = Embedding::from_pretrained(two.input.weight.clone(), false);
  const Tables copies{two.input, Embedding::from_pretrained(two.input.weight.clone(), false)};
  const Batch batch = random_batch(6, 10, 3);
  skip_gram_loss(one, one, batch.centers, batch.contexts, batch.negatives).backward();
  loss_of(copies, batch).backward();
  std::vector<double> expected = dense_gradient(copies.input);
  const std::vector<double> more = dense_gradient(copies.output);
  for (std::size_t i = 0; i < more.size(); ++i) expected[i] += more[i];
  EXPECT_TRUE(is_close(one.weight.grad().dense(), {6, 5}, expected, 1e-13));
}

TEST(OpSkipGramLoss, GradientSkipsFrozenTables) {
  for (const bool freeze_input : {false, true}) {
    const Tables tables = random_tables(6, 5), reference = random_tables(6, 5);
    const Embedding& frozen_table = freeze_input ? tables.input : tables.output;
    frozen_table.set_trainable(false);
    const Batch batch = random_batch(6, 10, 3);
    loss_of(tables, batch).backward();
    loss_of(reference, batch).backward();
    EXPECT_TRUE(frozen_table.weight.grad().empty());
    EXPECT_EQ(dense_gradient(freeze_input ? tables.output : tables.input),
              dense_gradient(freeze_input ? reference.output : reference.input));
  }
  const Tables tables = random_tables(6, 5);
  tables.input.set_trainable(false);
  tables.output.set_trainable(false);
  EXPECT_FALSE(loss_of(tables, random_batch(6, 10, 3)).requires_grad());
}

TEST(OpSkipGramLoss, GradientHoldsTheOptionsOfTheTables) {
  for (const bool sparse : {false, true}) {
    const EmbeddingOptions options{
        .padding_idx = 2, .max_norm = 1.5, .scale_grad_by_freq = true, .sparse = sparse};
    const Tables fused = random_tables(6, 5, options), other = random_tables(6, 5, options);
    // All lookups of a table in one call of it, so that the counts are those of the fused op.
    const Batch batch{tensor({0, 2, 3, 3}), tensor({1, 2, 4, 1}), zeros({4, 0}, DType::int64)};
    loss_of(fused, batch).backward();
    sum(composed(other, batch)).backward();
    for (const auto& [a, b] : {std::pair(fused.input, other.input), {fused.output, other.output}}) {
      EXPECT_TRUE(is_close(a.weight, {6, 5}, values_of(b.weight), 1e-15));
      EXPECT_TRUE(is_close(a.weight.grad().to_dense(), {6, 5}, dense_gradient(b), 1e-12));
      EXPECT_EQ(a.weight.grad().is_sparse(), sparse);
    }
  }
}

TEST(OpSkipGramLoss, GradientAllowsChangesOfWeightsAndIdsBeforeBackward) {
  const Tables tables = random_tables(6, 5, {.sparse = true}), reference = random_tables(6, 5);
  const Batch batch = random_batch(6, 10, 3);
  const Tensor loss = loss_of(tables, batch);
  loss_of(reference, batch).backward();
  {
    const NoGradGuard no_grad;
    tables.input.weight.fill_(0);
    tables.output.weight.fill_(0);
  }
  batch.centers.zero_();
  batch.contexts.zero_();
  batch.negatives.zero_();
  loss.backward();
  EXPECT_EQ(dense_gradient(tables.input), dense_gradient(reference.input));
  EXPECT_EQ(dense_gradient(tables.output), dense_gradient(reference.output));
}

TEST(OpSkipGramLoss, GradientOfAKeptGraphAddsUp) {
  const Tables tables = random_tables(6, 5, {.sparse = true});
  const Tensor loss = loss_of(tables, random_batch(6, 10, 3));
  loss.backward({.retain_graph = true});
  const std::vector<double> once = dense_gradient(tables.output);
  loss.backward({.retain_graph = true});
  std::vector<double> twice = once;
  for (double& v : twice) v *= 2;
  EXPECT_TRUE(is_close(tables.output.weight.grad().to_dense(), {6, 5}, twice, 1e-14));
  tables.output.zero_grad();
  loss.backward({.retain_graph = true});
  tables.output.weight.grad().sparse().values().mul_(0.5);
  tables.output.zero_grad();
  loss.backward();
  EXPECT_EQ(dense_gradient(tables.output), once);
}

TEST(OpSkipGramLoss, TakesAnEmptyBatch) {
  const Tables tables = random_tables(6, 5, {.sparse = true});
  const Batch batch = random_batch(6, 0, 3);
  EXPECT_EQ(loss_of(tables, batch, Reduction::none).shape(), (Shape{0}));
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    const Tensor loss = loss_of(tables, batch, reduction);
    EXPECT_EQ(loss.item(), 0);
    loss.backward();
  }
  EXPECT_EQ(tables.input.weight.grad().sparse().nnz(), 0);
  EXPECT_EQ(tables.output.weight.grad().sparse().nnz(), 0);
}

TEST(OpSkipGramLoss, OnlyPaddingGivesAnEmptyGradient) {
  const Tables tables = random_tables(6, 5, {.padding_idx = 0, .sparse = true});
  const Tensor loss = loss_of(
      tables, {zeros({4}, DType::int64), zeros({4}, DType::int64), zeros({4, 2}, DType::int64)});
  loss.backward();
  EXPECT_EQ(tables.input.weight.grad().sparse().nnz(), 0);
  EXPECT_EQ(tables.output.weight.grad().sparse().nnz(), 0);
}

TEST(OpSkipGramLoss, RecordsNothingUnderNoGrad) {
  const Tables tables = random_tables(6, 5);
  const NoGradGuard no_grad;
  const Tensor loss = loss_of(tables, random_batch(6, 10, 3));
  EXPECT_FALSE(loss.requires_grad());
  EXPECT_TRUE(std::isfinite(loss.item()));
}

TEST(OpSkipGramLoss, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const Batch batch = random_batch(300, 1000, 5);
  const auto run = [&](int n) {
    set_num_threads(n);
    const Tables tables = random_tables(300, 50);
    const Tensor loss = loss_of(tables, batch);
    loss.backward();
    auto all = dense_gradient(tables.input);
    for (const double v : dense_gradient(tables.output)) all.push_back(v);
    all.push_back(loss.item());
    return all;
  };
  const auto one = run(1);
  for (const int n : {2, 3, 8}) EXPECT_EQ(run(n), one) << n << " threads";
  set_num_threads(threads);
}

TEST(OpSkipGramLoss, BrokenInputSaysWhatIsWrong) {
  const Tables tables = random_tables(5, 3);
  const Tensor two = tensor({1, 2}), three = tensor({1, 2, 3});
  const Tensor negatives = tensor({0, 1, 2, 3}, {2, 2});
  const auto loss = [&](const Tensor& centers, const Tensor& contexts, const Tensor& noise) {
    return skip_gram_loss(tables.input, tables.output, centers, contexts, noise);
  };
  EXPECT_ERROR(loss(two, three, negatives), ShapeError,
               "skip_gram_loss: centers are [2], contexts [3], negatives [2, 2]: they must be "
               "[B], [B] and [B, K]");
  EXPECT_THROW(loss(three, three, negatives), ShapeError);
  EXPECT_THROW(loss(two, two, two), ShapeError);
  EXPECT_ERROR(loss(tensor({1, 5}), two, negatives), IndexError,
               "skip_gram_loss: centers: index 5 at position [1] is outside [0, 5)");
  EXPECT_ERROR(loss(two, tensor({-1, 5}), negatives), IndexError,
               "skip_gram_loss: contexts: index -1 at position [0] is outside [0, 5)");
  EXPECT_ERROR(loss(two, two, tensor({0, 1, 9, 3}, {2, 2})), IndexError,
               "skip_gram_loss: negatives: index 9 at position [1, 0] is outside [0, 5)");
  EXPECT_THROW(loss(ones({2}), two, negatives), DTypeError);
  EXPECT_ERROR(skip_gram_loss(tables.input, random_tables(5, 4).output, two, two, negatives),
               ShapeError,
               "skip_gram_loss: the tables differ in width: input is [5, 3], output is [5, 4]");
  EXPECT_THROW(skip_gram_loss(tables.input, Embedding(5, 3), two, two, negatives), DTypeError);
}

TEST(OpSkipGramLoss, BrokenInputChangesNoRow) {
  const Tables tables = random_tables(5, 3, {.max_norm = 0.1});
  const auto before = values_of(tables.input.weight);
  EXPECT_THROW(loss_of(tables, {tensor({1}), tensor({1}), tensor({7}, {1, 1})}), IndexError);
  EXPECT_EQ(values_of(tables.input.weight), before);
}

TEST(InitSkipGram, StartsAsWord2vec) {
  Generator generator(1);
  const Embedding input(100, 20, {.padding_idx = 3}), output(100, 20);
  init_skip_gram(input, output, generator);
  double low = 0, high = 0;
  for (const double v : values_of(input.weight)) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  EXPECT_NEAR(low, -0.025, 2e-4);
  EXPECT_NEAR(high, 0.025, 2e-4);
  EXPECT_EQ(values_of(output.weight), std::vector<double>(2000, 0.0));
  for (std::size_t i = 60; i < 80; ++i) EXPECT_EQ(values_of(input.weight)[i], 0);
  EXPECT_TRUE(input.weight.trainable());
}

}  // namespace
}  // namespace gradus
