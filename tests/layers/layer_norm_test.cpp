#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/normalization.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/layer_norm.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

TEST(LayerNorm, NormalizesTheLastAxis) {
  const LayerNorm layer(3);
  const double y = 1.2247356859083902;  // sqrt(3 / 2) for eps = 0
  EXPECT_TRUE(is_close(layer(tensor({1.F, 2.F, 3.F})), {3}, {-y, 0, y}, 1e-6));
  EXPECT_TRUE(has_values(layer(full({2, 3}, 7)), {2, 3}, {0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(has_values(layer(zeros({0, 3})), {0, 3}, {}));
}

TEST(LayerNorm, NormalizesSeveralAxesTogether) {
  const LayerNorm layer({2, 2}, {.eps = 0});
  EXPECT_EQ(layer.normalized_shape(), (Shape{2, 2}));
  EXPECT_TRUE(
      is_close(layer(tensor({1.F, -1.F, -1.F, 1.F}, {1, 2, 2})), {1, 2, 2}, {1, -1, -1, 1}, 1e-6));
}

TEST(LayerNorm, StartsWithWeightOneAndBiasZeroUnderTheNamesOfPyTorch) {
  const LayerNorm layer({2, 3});
  EXPECT_EQ(layer.parameters().size(), 2u);
  EXPECT_EQ(layer.parameters()[0].path, "weight");
  EXPECT_EQ(layer.parameters()[1].path, "bias");
  EXPECT_TRUE(has_values(layer.weight, {2, 3}, {1, 1, 1, 1, 1, 1}));
  EXPECT_TRUE(has_values(layer.bias, {2, 3}, {0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(layer.eps(), 1e-5);
}

TEST(LayerNorm, UsesAndTrainsWeightAndBias) {
  const LayerNorm layer(2, {.eps = 0});
  {
    const NoGradGuard no_grad;
    layer.weight.copy_(tensor({2.F, 3.F}));
    layer.bias.copy_(tensor({10.F, 20.F}));
  }
  const Tensor y = layer(tensor({1.F, 5.F, 4.F, 0.F}, {2, 2}));
  EXPECT_TRUE(is_close(y, {2, 2}, {8, 23, 12, 17}, 1e-6));
  y.backward(tensor({1.F, 2.F, 3.F, 4.F}, {2, 2}));
  EXPECT_TRUE(is_close(layer.weight.grad().dense(), {2}, {2, -2}, 1e-6));
  EXPECT_TRUE(is_close(layer.bias.grad().dense(), {2}, {4, 6}, 1e-6));
}

TEST(LayerNorm, LeavesOutWhatTheOptionsLeaveOut) {
  const LayerNorm plain(4, {.elementwise_affine = false}), unbiased(4, {.bias = false});
  EXPECT_EQ(plain.num_parameters(), 0);
  EXPECT_FALSE(plain.weight.defined());
  EXPECT_FALSE(plain.bias.defined());
  EXPECT_EQ(unbiased.num_parameters(), 4);
  EXPECT_FALSE(unbiased.bias.defined());
  const Tensor x = rand({3, 4});
  EXPECT_EQ(values_of(plain(x)), values_of(LayerNorm(4)(x)));
  EXPECT_EQ(values_of(unbiased(x)), values_of(LayerNorm(4)(x)));
}

TEST(LayerNorm, LoadsAStateAndConvertsToFloat64) {
  const LayerNorm from(2), to(2);
  {
    const NoGradGuard no_grad;
    from.weight.fill_(3);
    from.bias.fill_(-1);
  }
  to.load_state_dict(from.state_dict());
  to.to(DType::float64);
  EXPECT_TRUE(is_close(to(tensor({-1.0, 1.0})), {2}, {-4, 2}, 2e-5));
}

TEST(LayerNorm, SaysWhatItIs) {
  EXPECT_EQ(LayerNorm({2, 3}).str(),
            "LayerNorm([2, 3], eps=1e-05, elementwise_affine=true, bias=true)");
  EXPECT_EQ(LayerNorm(4, {.bias = false}).str(),
            "LayerNorm([4], eps=1e-05, elementwise_affine=true, bias=false)");
}

TEST(LayerNorm, RefusesBrokenShapesAndEps) {
  EXPECT_ERROR(LayerNorm(Shape{}), ShapeError, "LayerNorm: normalized_shape has no axes");
  EXPECT_ERROR(LayerNorm(3, {.eps = -1}), ValueError,
               "LayerNorm: eps is -1: it must be a finite number >= 0");
  EXPECT_ERROR(LayerNorm(3)(zeros({2, 4})), ShapeError,
               "layer_norm: x is [2, 4], its last axes must be normalized_shape [3]");
}

TEST(RMSNorm, DividesByTheRootOfTheMeanSquare) {
  const RMSNorm layer(2);
  const Tensor x = tensor({1.F, 7.F});  // mean square 25
  EXPECT_TRUE(is_close(layer(x), {2}, {0.2, 1.4}, 1e-6));
  EXPECT_TRUE(has_values(layer(zeros({1, 2})), {1, 2}, {0, 0}));
  EXPECT_TRUE(is_close(RMSNorm(2, {.eps = 11})(x), {2}, {1.0 / 6, 7.0 / 6}, 1e-6));
}

TEST(RMSNorm, TrainsItsWeight) {
  const RMSNorm layer({2}), plain(2, {.elementwise_affine = false});
  EXPECT_EQ(layer.parameters().size(), 1u);
  EXPECT_EQ(layer.parameters()[0].path, "weight");
  EXPECT_TRUE(has_values(layer.weight, {2}, {1, 1}));
  layer(tensor({1.F, 7.F})).backward(tensor({1.F, 10.F}));
  EXPECT_TRUE(is_close(layer.weight.grad().dense(), {2}, {0.2, 14}, 1e-6));
  EXPECT_EQ(plain.num_parameters(), 0);
}

TEST(RMSNorm, TakesTheEpsilonOfTheDtypeByDefault) {
  const RMSNorm layer(1);
  EXPECT_FALSE(layer.eps().has_value());
  const double small = 1e-4;
  const double narrow = small / std::sqrt(small * small + 0x1p-23);
  const double wide = small / std::sqrt(small * small + 0x1p-52);
  EXPECT_TRUE(is_close(layer(full({1}, small)), {1}, {narrow}, 1e-6));
  layer.to(DType::float64);
  EXPECT_TRUE(is_close(layer(full({1}, small, DType::float64)), {1}, {wide}, 1e-14));
}

TEST(RMSNorm, SaysWhatItIsAndRefusesBrokenArguments) {
  EXPECT_EQ(RMSNorm(4).str(), "RMSNorm([4], eps=none, elementwise_affine=true)");
  EXPECT_EQ(RMSNorm(4, {.eps = 0.5, .elementwise_affine = false}).str(),
            "RMSNorm([4], eps=0.5, elementwise_affine=false)");
  EXPECT_ERROR(RMSNorm(Shape{}), ShapeError, "RMSNorm: normalized_shape has no axes");
  EXPECT_ERROR(RMSNorm(3, {.eps = infinity}), ValueError,
               "RMSNorm: eps is inf: it must be a finite number >= 0");
}

TEST(LayerNorm, NamesANegativeSize) {
  EXPECT_ERROR(LayerNorm(-1), ShapeError,
               "LayerNorm: normalized_shape is [-1]: sizes cannot be negative");
  EXPECT_ERROR(LayerNorm({3, -2}), ShapeError,
               "LayerNorm: normalized_shape is [3, -2]: sizes cannot be negative");
  EXPECT_ERROR(RMSNorm(-1), ShapeError,
               "RMSNorm: normalized_shape is [-1]: sizes cannot be negative");
}

}  // namespace
}  // namespace gradus
