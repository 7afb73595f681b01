// With .maximize an optimizer does to a gradient what it does to the opposite one without.
#include <gradus/optim/adadelta.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/nadam.h>
#include <gradus/optim/radam.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gtest/gtest.h>

#include "optim_testing.h"

namespace gradus {
namespace {

const Shape shape{6, 3};

Gradient gradient(bool sparse, unsigned step, bool opposite) {
  const auto sign = [opposite](Tensor values) { return opposite ? values.mul_(-1) : values; };
  if (!sparse) return sign(random_tensor(shape, step));
  const SparseGrad rows = random_rows({4, 1, 4, step % 6}, shape, step);
  return SparseGrad(rows.ids(), sign(rows.values().clone()), shape);
}

template <class Optimizer, class Options>
Tensor trained(const Options& options, bool sparse, bool opposite) {
  const NamedParameter w = named("w", random_tensor(shape, 1));
  Optimizer optimizer({w}, options);
  for (unsigned step = 0; step < 4; ++step) {
    w.parameter.set_grad(gradient(sparse, 10 + step, opposite));
    optimizer.step();
  }
  return w.parameter;
}

template <class Optimizer, class Options>
void expect_opposite(Options options, bool sparse) {
  options.lr = 0.05;
  const Tensor down = trained<Optimizer>(options, sparse, false);
  const Tensor down_from_opposite = trained<Optimizer>(options, sparse, true);
  options.maximize = true;
  const NamedParameter w = named("w", ones({1}));
  EXPECT_TRUE(same_bytes(trained<Optimizer>(options, sparse, false), down_from_opposite))
      << Optimizer({w}, options).state_dict().metadata.at("optimizer");
  EXPECT_FALSE(same_bytes(down, down_from_opposite));
}

TEST(Maximize, OfEveryOptimizerThatHasIt) {
  expect_opposite<SGD>(SGDOptions{.weight_decay = 0.1}, false);
  expect_opposite<SGD>(SGDOptions{.momentum = 0.9, .weight_decay = 0.1, .nesterov = true}, false);
  expect_opposite<Adam>(AdamOptions{.weight_decay = 0.1}, false);
  expect_opposite<Adam>(AdamOptions{.amsgrad = true}, false);
  expect_opposite<AdamW>(AdamWOptions{}, false);
  expect_opposite<Adagrad>(AdagradOptions{.weight_decay = 0.1}, false);
  expect_opposite<RMSprop>(RMSpropOptions{.weight_decay = 0.1, .centered = true}, false);
  expect_opposite<Adadelta>(AdadeltaOptions{.weight_decay = 0.1}, false);
  expect_opposite<Adamax>(AdamaxOptions{.weight_decay = 0.1}, false);
  expect_opposite<NAdam>(NAdamOptions{.weight_decay = 0.1}, false);
  expect_opposite<RAdam>(RAdamOptions{.weight_decay = 0.1}, false);
}

TEST(Maximize, OfSparseGradients) {
  expect_opposite<SGD>(SGDOptions{}, true);
  expect_opposite<SGD>(SGDOptions{.momentum = 0.9, .dampening = 0.5}, true);
  expect_opposite<Adam>(AdamOptions{.amsgrad = true, .lazy = true}, true);
  expect_opposite<AdamW>(AdamWOptions{.weight_decay = 0, .lazy = true}, true);
  expect_opposite<Adagrad>(AdagradOptions{}, true);
  expect_opposite<SparseAdam>(SparseAdamOptions{}, true);
}

}  // namespace
}  // namespace gradus
