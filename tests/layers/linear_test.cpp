#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

using testing::ElementsAre;

// weight [[1, 2], [3, 4], [5, 6]], bias [10, 20, 30]
Linear counting() {
  Linear layer(2, 3);
  const NoGradGuard no_grad;
  layer.weight.copy_(tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {3, 2}));
  layer.bias.copy_(tensor({10.0F, 20.0F, 30.0F}));
  return layer;
}

TEST(Linear, MultipliesByTheTransposedWeightAndAddsTheBias) {
  const Linear layer = counting();
  EXPECT_TRUE(has_values(layer(tensor({1.0F, 1.0F})), {3}, {13, 27, 41}));
  EXPECT_TRUE(has_values(layer(tensor({1.0F, 0.0F, 0.0F, 2.0F}, {2, 1, 2})), {2, 1, 3},
                         {11, 23, 35, 14, 28, 42}));
  EXPECT_TRUE(has_values(layer(zeros({0, 2})), {0, 3}, {}));
}

TEST(Linear, TrainsWeightAndBias) {
  const Linear layer = counting();
  layer(tensor({1.0F, 0.0F, 0.0F, 2.0F}, {2, 2}))
      .backward(tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.F}, {2, 3}));
  // g^T x and the column sums of g
  EXPECT_EQ(gradient_of(layer.weight), (std::vector<double>{1, 8, 2, 10, 3, 12}));
  EXPECT_EQ(gradient_of(layer.bias), (std::vector<double>{5, 7, 9}));
}

TEST(Linear, StartsUniformWithinOneByTheRootOfItsInputs) {
  Generator generator(1);
  const Linear layer(400, 300, {}, generator);
  double low = 0, high = 0, squares = 0;
  for (const double w : values_of(layer.weight)) {
    low = std::min(low, w);
    high = std::max(high, w);
    squares += w * w;
  }
  EXPECT_NEAR(low, -0.05, 1e-4);
  EXPECT_GE(low, -0.05);
  EXPECT_NEAR(high, 0.05, 1e-4);
  EXPECT_LE(high, 0.05);
  EXPECT_NEAR(std::sqrt(squares / 120000), 0.05 / std::sqrt(3), 2e-4);
  for (const double b : values_of(layer.bias)) EXPECT_LE(std::abs(b), 0.05);
  EXPECT_GT(std::abs(values_of(layer.bias)[0]), 0);
  EXPECT_NE(values_of(layer.bias)[0], values_of(layer.weight)[0]);
}

TEST(Linear, RegistersWeightAndBias) {
  const Linear layer(4, 2), unbiased(4, 2, {.bias = false});
  EXPECT_EQ(layer.num_parameters(), 10);
  EXPECT_EQ(layer.parameters()[0].path, "weight");
  EXPECT_EQ(layer.parameters()[0].parameter.shape(), (Shape{2, 4}));
  EXPECT_EQ(layer.parameters()[1].path, "bias");
  EXPECT_EQ(unbiased.num_parameters(), 8);
  EXPECT_FALSE(unbiased.bias.defined());
  EXPECT_EQ(values_of(unbiased(zeros({4}))), (std::vector<double>{0, 0}));
}

TEST(Linear, ConvertsToFloat64) {
  const Linear layer = counting();
  layer.to(DType::float64);
  EXPECT_TRUE(has_values(layer(tensor({1.0, 1.0})), {3}, {13, 27, 41}));
}

TEST(Linear, SharesTheTableOfAnEmbedding) {
  struct Model : Module {
    Model()
        : table(add("table", Embedding(3, 2))),
          output(add("output", Linear(table.weight, {.bias = false}))) {}
    const Embedding table;
    const Linear output;
  };
  const Model model;
  EXPECT_EQ(model.parameters().size(), 1U);
  std::vector<std::string> names;
  for (const StateEntry& entry : model.state_dict()) names.push_back(entry.name);
  EXPECT_THAT(names, ElementsAre("table.weight", "output.weight"));
  {
    const NoGradGuard no_grad;
    model.table.weight.copy_(tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {3, 2}));
  }
  // y = W w_1, dW = g w_1^T, and row 1 gets W^T g beside
  model.output(model.table({1})).backward(tensor({1.0F, 0.0F, 2.0F}, {1, 3}));
  EXPECT_EQ(gradient_of(model.output.weight), (std::vector<double>{3, 4, 1 + 10, 2 + 12, 6, 8}));
  model.table.set_trainable(false);
  EXPECT_FALSE(model.output.weight.trainable());
}

TEST(Linear, SaysWhatDoesNotFit) {
  const Linear layer(3, 2);
  EXPECT_ERROR(layer(zeros({2, 4})), ShapeError,
               "linear: x is [2, 4], its last axis must be 3: layer Linear(in_features=3, "
               "out_features=2, bias=true)");
  EXPECT_THROW(layer(scalar(1.0F)), ShapeError);
  EXPECT_THROW(layer(zeros({2, 3}, DType::float64)), DTypeError);
  EXPECT_ERROR(Linear(-1, 2), ValueError,
               "Linear: in_features is -1, out_features is 2: sizes cannot be negative");
  EXPECT_ERROR(Linear(Parameter(zeros({3}))), ShapeError,
               "Linear: weight is [3], it must be 2-D [out_features, in_features]");
}

TEST(Linear, TakesSizesOfZero) {
  EXPECT_TRUE(has_values(Linear(0, 2, {.bias = false})(zeros({3, 0})), {3, 2}, {0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(Linear(2, 0)(zeros({3, 2})).shape(), (Shape{3, 0}));
}

}  // namespace
}  // namespace gradus
