// The gradient of bags, whose entries share rows, from backward to the step: what it gives is what
// the gradient with all entries written out gives.
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/nn/embedding_bag.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/accumulate.h>
#include <gradus/optim/training/clip.h>
#include <gtest/gtest.h>

#include "optim_testing.h"

namespace gradus {
namespace {

const Shape shape{6, 3};

Tensor ids() { return tensor({4, 1, 4, 0, 1, 1, 4}); }

// One lookup of bags, its cotangent drawn from the seed; weighted, if asked.
Tensor bags(const Tensor& weight, bool weighted) {
  const Tensor factors = weighted ? random_tensor({7}, 9) : Tensor();
  return embedding_bag(weight, ids(), tensor({0, 3, 3, 5}),
                       {.mode = weighted ? BagMode::sum : BagMode::mean, .sparse = true}, factors);
}

void run_backward(const Tensor& weight, bool weighted, unsigned seed) {
  const Tensor y = bags(weight, weighted);
  y.backward(random_tensor(y.shape(), seed));
}

// The same gradient with one row of values for each entry.
SparseGrad written_out(const SparseGrad& gradient) {
  return {gradient.ids().clone(), gradient.values().clone(), gradient.shape()};
}

void expect_close(const Tensor& found, const Tensor& wanted) {
  ASSERT_EQ(found.shape(), wanted.shape());
  for (std::size_t i = 0; i < found.span<double>().size(); ++i) {
    EXPECT_NEAR(found.span<double>()[i], wanted.span<double>()[i], 1e-14) << i;
  }
}

template <class Optimizer, class Options>
void expect_equal_steps(const Options& options) {
  for (const bool weighted : {false, true}) {
    const NamedParameter a = named("w", random_tensor(shape, 1)),
                         b = named("w", random_tensor(shape, 1));
    Optimizer first({a}, options), second({b}, options);
    for (unsigned step = 0; step < 3; ++step) {
      a.parameter.clear_grad();
      run_backward(a.parameter, weighted, step);
      const SparseGrad copy = a.parameter.grad().sparse();
      EXPECT_EQ(copy.entries().rows.size(0), 4);  // bags
      first.step();
      EXPECT_TRUE(copy.entries().sources.defined()) << "the step wrote the entries out";
      b.parameter.set_grad(written_out(copy));
      second.step();
      expect_close(a.parameter, b.parameter);
    }
    EXPECT_FALSE(same_bytes(a.parameter, random_tensor(shape, 1)));
  }
}

TEST(BagGradient, StepsEqualThoseOfWrittenOutEntries) {
  expect_equal_steps<SGD>(SGDOptions{.lr = 0.1});
  expect_equal_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9});
  expect_equal_steps<Adagrad>(AdagradOptions{.lr = 0.1});
  expect_equal_steps<RowwiseAdagrad>(RowwiseAdagradOptions{.lr = 0.1});
  expect_equal_steps<Adam>(AdamOptions{.lr = 0.1, .lazy = true});
  expect_equal_steps<SparseAdam>(SparseAdamOptions{.lr = 0.1});
}

TEST(BagGradient, ClippingCoalescesWithoutWritingEntriesOut) {
  const NamedParameter a = named("a", random_tensor(shape, 1)),
                       b = named("b", random_tensor(shape, 1));
  run_backward(a.parameter, true, 3);
  const SparseGrad before = a.parameter.grad().sparse();
  b.parameter.set_grad(written_out(SparseGrad(before)));
  a.parameter.clear_grad();
  run_backward(a.parameter, true, 3);
  const SparseGrad again = a.parameter.grad().sparse();
  EXPECT_NEAR(clip_grad_norm({a}, 0.1), clip_grad_norm({b}, 0.1), 1e-14);
  EXPECT_TRUE(again.entries().sources.defined());
  EXPECT_TRUE(a.parameter.grad().sparse().is_coalesced());
  expect_close(a.parameter.grad().to_dense(), b.parameter.grad().to_dense());
}

TEST(BagGradient, AccumulatesWithGradientsOfEveryKind) {
  const Tensor start = random_tensor(shape, 1);
  const auto dense_of = [&](auto use) {
    const Tensor weight = start.clone().set_trainable(true);
    use(weight);
    return weight.grad().to_dense();
  };
  const Tensor mean_part = dense_of([](const Tensor& w) { run_backward(w, false, 1); });
  const Tensor sum_part = dense_of([](const Tensor& w) { run_backward(w, true, 2); });
  const auto look_up = [](const Tensor& w) {
    embedding(w, tensor({2, 4}), {.sparse = true}).backward(random_tensor({2, 3}, 5));
  };
  const Tensor plain_part = dense_of(look_up);
  const auto expect_sum = [&](const Tensor& weight, const Tensor& expected, bool sparse) {
    EXPECT_EQ(weight.grad().is_sparse(), sparse);
    expect_close(weight.grad().to_dense(), expected);
  };
  {  // three backward passes
    const Tensor weight = start.clone().set_trainable(true);
    run_backward(weight, false, 1);
    look_up(weight);
    EXPECT_EQ(weight.grad().sparse().nnz(), 4);  // coalesced: there were more entries than rows
    expect_sum(weight, mean_part + plain_part, true);
    run_backward(weight, true, 2);
    expect_sum(weight, mean_part + sum_part + plain_part, true);
    sum(weight * 2.0).backward();
    expect_sum(weight, mean_part + sum_part + plain_part + 2.0, false);
    run_backward(weight, true, 2);
    expect_sum(weight, mean_part + sum_part * 2.0 + plain_part + 2.0, false);
  }
  {  // one pass; the table is large enough not to be coalesced
    const Tensor weight = random_tensor({40, 3}, 1).set_trainable(true);
    const Tensor means = bags(weight, false), sums = bags(weight, true);
    const Tensor rows = embedding(weight, tensor({2, 4}), {.sparse = true});
    (sum(means * random_tensor({4, 3}, 1)) + sum(sums * random_tensor({4, 3}, 2)) +
     sum(rows * random_tensor({2, 3}, 5)))
        .backward();
    const SparseGrad& gradient = weight.grad().sparse();
    EXPECT_EQ(gradient.nnz(), 16);
    EXPECT_EQ(gradient.entries().rows.size(0), 10);
    const std::vector<double> found = values_of(gradient.to_dense());
    const std::vector<double> wanted = values_of(mean_part + sum_part + plain_part);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i], i < wanted.size() ? wanted[i] : 0, 1e-14) << i;
    }
    const SparseGrad kept = gradient;
    EXPECT_EQ(kept.values().shape(), (Shape{16, 3}));
    EXPECT_TRUE(same_bytes(gradient.to_dense(), written_out(kept).to_dense()));
  }
}

TEST(BagGradient, BelongsToTheParameterAlone) {
  for (const bool weighted : {false, true}) {  // the cotangent itself is the rows of a sum
    const Tensor weight = random_tensor(shape, 1).set_trainable(true);
    const Tensor y = bags(weight, weighted);
    const Tensor g = random_tensor(y.shape(), 1);
    y.backward(g, {.retain_graph = true});
    const Tensor once = weight.grad().to_dense();
    g.fill_(100);
    EXPECT_TRUE(same_bytes(weight.grad().to_dense(), once));
    weight.grad().sparse().mul_(3);  // in place
    expect_close(weight.grad().to_dense(), once * 3.0);
    EXPECT_EQ(g.span<double>()[0], 100);
    weight.clear_grad();
    y.backward(random_tensor(y.shape(), 1));
    EXPECT_TRUE(same_bytes(weight.grad().to_dense(), once));
  }
}

TEST(BagGradient, CopiesStayTheSameGradientWhenEntriesAreWrittenOut) {
  const Tensor weight = random_tensor(shape, 1).set_trainable(true);
  run_backward(weight, true, 1);
  const SparseGrad copy = weight.grad().sparse();
  copy.values().mul_(2);
  const Tensor doubled = written_out(copy).to_dense();
  EXPECT_TRUE(same_bytes(weight.grad().to_dense(), doubled));
  EXPECT_TRUE(same_bytes(weight.grad().sparse().coalesce().to_dense(), doubled));
}

TEST(BagGradient, IsAveragedByAnAccumulator) {
  const NamedParameter w = named("w", random_tensor(shape, 1));
  run_backward(w.parameter, false, 1);
  const Tensor whole = w.parameter.grad().to_dense();
  w.parameter.clear_grad();
  GradientAccumulator accumulator({w});
  accumulator.backward(sum(bags(w.parameter, false) * random_tensor({4, 3}, 1)), 4);
  EXPECT_TRUE(w.parameter.grad().sparse().entries().sources.defined());
  accumulator.finish();
  expect_close(w.parameter.grad().to_dense(), whole * 0.25);
}

TEST(BagGradient, WithoutMembersMovesNothing) {
  const NamedParameter w = named("w", random_tensor(shape, 1));
  const Tensor before = w.parameter.clone();
  embedding_bag(w.parameter, tensor({1, 1}), tensor({0}), {.padding_idx = 1, .sparse = true})
      .backward(random_tensor({1, 3}, 1));
  EXPECT_EQ(w.parameter.grad().sparse().nnz(), 0);
  SGD({w}, {.lr = 0.1}).step();
  Adagrad({w}, {.lr = 0.1}).step();
  SparseAdam({w}, {.lr = 0.1}).step();
  clip_grad_norm({w}, 1);
  EXPECT_TRUE(same_bytes(w.parameter, before));
}

}  // namespace
}  // namespace gradus
