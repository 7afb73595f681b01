// The table of docs/optimizers.md says what each optimizer does with each kind of gradient.
#include <gradus/framework/error.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/lion.h>
#include <gradus/optim/nadam.h>
#include <gradus/optim/radam.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "optim_testing.h"

namespace gradus {
namespace {

const Shape shape{6, 3};

SparseGrad some_rows(unsigned seed) { return random_rows({4, 1, 4}, shape, seed); }
SparseGrad no_rows() { return {empty({0}, DType::int64), empty({0, 3}, DType::float64), shape}; }

// "refused", "skipped", "all rows" or "its rows": what a second step changes in a table whose first
// step had a gradient of that kind for row 0 too.
template <class Optimizer, class Options, class Make>
std::string effect(const Options& options, Make gradient, bool frozen = false) {
  const NamedParameter w = named("w", random_tensor(shape, 1));
  Optimizer optimizer({w}, options);
  try {
    w.parameter.set_grad(random_rows({0, 2}, shape, 2));
    optimizer.step();
  } catch (const AutogradError&) {
    w.parameter.set_grad(random_tensor(shape, 2));
    optimizer.step();
  }
  const Tensor before = w.parameter.clone();
  w.parameter.set_grad(gradient());
  if (frozen) w.parameter.set_trainable(false);
  try {
    optimizer.step();
  } catch (const AutogradError& error) {
    EXPECT_NE(std::string(error.what()).find(" of w is "), std::string::npos) << error.what();
    return "refused";
  }
  int moved = 0;
  bool others = false;
  for (std::size_t row = 0; row < 6; ++row) {
    const bool same = w.parameter.span<double>()[3 * row] == before.span<double>()[3 * row];
    moved += same ? 0 : 1;
    others = others || (!same && row != 1 && row != 4);
  }
  return moved == 0 ? "skipped" : others ? "all rows" : "its rows";
}

// A dense gradient for one parameter and a sparse one for another, in one optimizer.
template <class Optimizer, class Options>
std::string both(const Options& options) {
  const NamedParameter a = named("a", random_tensor(shape, 1)), b = named("b", a.parameter);
  Optimizer optimizer({a, b}, options);
  a.parameter.set_grad(random_tensor(shape, 2));
  b.parameter.set_grad(some_rows(3));
  try {
    optimizer.step();
  } catch (const AutogradError&) {
    return same_bytes(a.parameter, b.parameter) ? "refused" : "half done";
  }
  return "taken";
}

template <class Optimizer, class Options>
std::string line(const std::string& name, const Options& options) {
  const auto kinds = {effect<Optimizer>(options, [] { return Gradient(random_tensor(shape, 4)); }),
                      effect<Optimizer>(options, [] { return Gradient(some_rows(4)); }),
                      both<Optimizer>(options),
                      effect<Optimizer>(options, [] { return Gradient(no_rows()); }),
                      effect<Optimizer>(options, [] { return Gradient(); }),
                      effect<Optimizer>(
                          options, [] { return Gradient(some_rows(4)); }, true)};
  std::string result = "| " + name + " |";
  for (const std::string& kind : kinds) result += " " + kind + " |";
  return result;
}

TEST(OptimizersPage, HasTheTableOfWhatOptimizersDo) {
  std::ifstream file("docs/optimizers.md");
  ASSERT_TRUE(file) << "run the tests from the root of the tree";
  std::stringstream page;
  page << file.rdbuf();
  for (const std::string& expected : {
           line<SGD>("`SGD`", SGDOptions{}),
           line<SGD>("`SGD`, momentum", SGDOptions{.momentum = 0.9}),
           line<SGD>("`SGD`, weight decay", SGDOptions{.weight_decay = 0.1}),
           line<Adam>("`Adam`", AdamOptions{}),
           line<Adam>("`Adam`, lazy", AdamOptions{.lazy = true}),
           line<AdamW>("`AdamW`", AdamWOptions{}),
           line<AdamW>("`AdamW`, lazy, no decay", AdamWOptions{.weight_decay = 0, .lazy = true}),
           line<SparseAdam>("`SparseAdam`", SparseAdamOptions{}),
           line<Adagrad>("`Adagrad`", AdagradOptions{}),
           line<Adagrad>("`Adagrad`, weight decay", AdagradOptions{.weight_decay = 0.1}),
           line<RowwiseAdagrad>("`RowwiseAdagrad`", RowwiseAdagradOptions{}),
           line<RMSprop>("`RMSprop`", RMSpropOptions{}),
           line<Adadelta>("`Adadelta`", AdadeltaOptions{}),
           line<Adamax>("`Adamax`", AdamaxOptions{}),
           line<NAdam>("`NAdam`", NAdamOptions{}),
           line<RAdam>("`RAdam`", RAdamOptions{}),
           line<Lion>("`Lion`", LionOptions{}),
       }) {
    EXPECT_NE(page.str().find(expected + "\n"), std::string::npos)
        << "docs/optimizers.md lacks the line\n"
        << expected;
  }
}

}  // namespace
}  // namespace gradus
