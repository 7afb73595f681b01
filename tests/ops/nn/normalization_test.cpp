#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/normalization.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>
#include <optional>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"layer_norm", "x, weight, bias", leaves({{3, 5}, {5}, {5}}),
           [](const Inputs& in) { return layer_norm(in[0], {5}, in[1], in[2]); }},
    OpCase{"layer_norm", "two axes, eps", leaves({{2, 3, 4}, {3, 4}, {3, 4}}),
           [](const Inputs& in) {
             return layer_norm(in[0], {3, 4}, in[1], in[2], 0.3);
           }},
    OpCase{"layer_norm", "x alone", leaves({{4, 3}}),
           [](const Inputs& in) { return layer_norm(in[0], {3}); }},
    OpCase{"layer_norm", "a bias but no weight", leaves({{4, 3}, {3}}),
           [](const Inputs& in) { return layer_norm(in[0], {3}, {}, in[1]); }},
    OpCase{"rms_norm", "x, weight", leaves({{3, 5}, {5}}),
           [](const Inputs& in) { return rms_norm(in[0], {5}, in[1], 1e-3); }},
    OpCase{"rms_norm", "two axes", leaves({{2, 3, 4}, {3, 4}}),
           [](const Inputs& in) {
             return rms_norm(in[0], {3, 4}, in[1], 0.3);
           }},
    OpCase{"rms_norm", "x alone", leaves({{4, 3}}),
           [](const Inputs& in) { return rms_norm(in[0], {3}, {}, 1e-3); }},
};

// The definitions, in ops that have tests of their own.
Tensor composed_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor deviation = x - mean(x, -1, true);
  return deviation / sqrt(mean(deviation * deviation, -1, true) + eps) * weight + bias;
}
Tensor composed_rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return x / sqrt(mean(x * x, -1, true) + eps) * weight;
}

void expect_same_gradients(const Tensor& fused, const Tensor& composed, const Inputs& inputs) {
  EXPECT_TRUE(is_close(fused, composed.shape(), values_of(composed), 1e-13));
  const Tensor g = frozen(random_leaf(fused.shape(), 9));
  fused.backward(g);
  std::vector<std::vector<double>> expected;
  std::vector<Tensor> actual;
  for (const Tensor& input : inputs) {
    actual.push_back(input.grad().dense());
    input.clear_grad();
  }
  composed.backward(g);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(is_close(actual[i], inputs[i].shape(), gradient_of(inputs[i]), 1e-12)) << i;
    inputs[i].clear_grad();
  }
}

TEST(OpLayerNorm, KnownValues) {
  const double y = 1.2247356859083902;
  EXPECT_TRUE(is_close(layer_norm(tensor({1.0, 2.0, 3.0}), {3}), {3}, {-y, 0, y}, 1e-15));
  const Tensor weight = tensor({1.0, 2.0}), bias = tensor({10.0, 20.0});
  EXPECT_TRUE(is_close(layer_norm(tensor({1.0, 3.0, 5.0, 1.0}, {2, 2}), {2}, weight, bias, 0),
                       {2, 2}, {9, 22, 11, 18}, 1e-15));
  EXPECT_TRUE(is_close(layer_norm(tensor({1.0, 3.0}), {2}, {}, bias, 3), {2}, {9.5, 20.5}, 1e-15));
}
TEST(OpLayerNorm, KnownValuesOfTheComposedForm) {
  for (const Shape& shape : {Shape{1}, Shape{2}, Shape{5, 7}, Shape{2, 3, 19}, Shape{3, 1}}) {
    SCOPED_TRACE(shape.str());
    const Shape width{shape[shape.rank() - 1]};
    const Inputs in{random_leaf(shape, 1), random_leaf(width, 2), random_leaf(width, 3)};
    expect_same_gradients(layer_norm(in[0], width, in[1], in[2], 1e-3),
                          composed_layer_norm(in[0], in[1], in[2], 1e-3), in);
  }
}
TEST(OpLayerNorm, KnownValuesFarFromZero) {
  const Tensor x = tensor({1000001.F, 999999.F, 1000000.F, 1000000.F});
  const double y = std::sqrt(2.0);
  EXPECT_TRUE(is_close(layer_norm(x, {4}, {}, {}, 0), {4}, {y, -y, 0, 0}, 1e-7));
  const Tensor z = tensor({16777216.F, 16777218.F});  // neighbours
  EXPECT_TRUE(is_close(layer_norm(z, {2}, {}, {}, 0), {2}, {-1, 1}, 1e-7));
}
TEST(OpLayerNorm, KnownValuesOfEqualValuesAndOneElement) {
  const Tensor bias = tensor({1.0, 2.0, 3.0});
  EXPECT_TRUE(
      has_values(layer_norm(full({1, 3}, 0.1, DType::float64), {3}, {}, bias), {1, 3}, {1, 2, 3}));
  EXPECT_TRUE(has_values(layer_norm(full({1, 3}, 0.1, DType::float64), {3}, {}, bias, 0), {1, 3},
                         {1, 2, 3}));
  EXPECT_TRUE(has_values(layer_norm(tensor({7.0}), {1}), {1}, {0}));
}
TEST(OpLayerNorm, KnownValuesAtTheEndsOfTheRange) {
  const double one = std::sqrt(1.5);
  for (const double unit : {1e-310, 1e-308, 1e-170, 1e170, 1e308, 1.7e308}) {
    EXPECT_TRUE(is_close(layer_norm(tensor({unit, -unit, 0.0}), {3}, {}, {}, 0), {3},
                         {one, -one, 0}, 1e-12))
        << unit;
  }
  const Tensor x = leaf({1e300, -1e300, 0}, {3}), weight = leaf({1.0, 1.0, 1.0}, {3});
  layer_norm(x, {3}, weight, {}, 0).backward(tensor({1.0, 2.0, 3.0}));
  EXPECT_TRUE(is_close(weight.grad().dense(), {3}, {one, -2 * one, 0}, 1e-12));
  // scale (g - mean(g) - n mean(g n)), where mean(g n) = -one / 3
  EXPECT_TRUE(is_close(x.grad().dense() * 1e300, {3}, {-0.5 * one, -0.5 * one, one}, 1e-12));
}
TEST(OpLayerNorm, KnownValuesOfNothing) {
  EXPECT_TRUE(has_values(layer_norm(zeros({0, 3}), {3}, ones({3}), ones({3})), {0, 3}, {}));
  EXPECT_TRUE(has_values(layer_norm(zeros({3, 0}), {0}, ones({0})), {3, 0}, {}));
}
TEST(OpLayerNorm, KnownValuesOfNaNStayInTheirRow) {
  const Tensor x = tensor({1.0, not_a_number, 1.0, 3.0, infinity, 0.0}, {3, 2});
  EXPECT_TRUE(is_close(layer_norm(x, {2}, {}, {}, 0), {3, 2},
                       {not_a_number, not_a_number, -1, 1, not_a_number, not_a_number}, 1e-15));
}

TEST(OpLayerNorm, Gradient) {
  const auto op = [](const Inputs& in) {
    return layer_norm(in[0], {in[0].size(-1)}, in[1], in[2], 1e-2);
  };
  for (const std::int64_t n : {2, 17}) {
    EXPECT_TRUE(passes_gradcheck(op, {random_leaf({3, n}), random_leaf({n}), random_leaf({n})}));
  }
  const Inputs one = leaves({{3, 1}, {1}, {1}})();
  op(one).backward(frozen(random_leaf({3, 1})));
  EXPECT_TRUE(is_close(one[0].grad().dense(), {3, 1}, {0, 0, 0}, 1e-15));
}
TEST(OpLayerNorm, GradientOfOneNodeForEachInput) {
  for (int frozen_one = 0; frozen_one < 3; ++frozen_one) {
    const Inputs in = leaves({{3, 4}, {4}, {4}})();
    in[static_cast<std::size_t>(frozen_one)].set_trainable(false);
    layer_norm(in[0], {4}, in[1], in[2]).backward(ones({3, 4}, DType::float64));
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(in[static_cast<std::size_t>(i)].grad().empty(), i == frozen_one);
  }
}
TEST(OpLayerNorm, GradientOfNothing) {
  const Inputs in = leaves({{0, 3}, {3}, {3}})();
  layer_norm(in[0], {3}, in[1], in[2]).backward(zeros({0, 3}, DType::float64));
  EXPECT_TRUE(has_values(in[0].grad().dense(), {0, 3}, {}));
  EXPECT_TRUE(has_values(in[1].grad().dense(), {3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(in[2].grad().dense(), {3}, {0, 0, 0}));
}
TEST(OpLayerNorm, GradientAtEqualValues) {
  // (g - mean(g)) / sqrt(eps)
  const Tensor x = leaf({5, 5, 5});
  layer_norm(x, {3}, {}, {}, 0.25).backward(tensor({1.0, 2.0, 6.0}));
  EXPECT_TRUE(is_close(x.grad().dense(), {3}, {-4, -2, 6}, 1e-15));
  const Tensor y = leaf({5, 5, 5});
  layer_norm(y, {3}, {}, {}, 0).backward(tensor({1.0, 2.0, 6.0}));
  EXPECT_EQ(gradient_of(y), (std::vector<double>{0, 0, 0}));
}
TEST(OpLayerNorm, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({not_a_number, 1, 1, 3}, {2, 2}), weight = leaf({1, 1});
  layer_norm(x, {2}, weight, {}, 0).backward(tensor({0.0, 0.0, 0.0, 1.0}, {2, 2}));
  EXPECT_TRUE(is_close(x.grad().dense(), {2, 2}, {0, 0, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(weight.grad().dense(), {2}, {0, 1}, 1e-15));
}
TEST(OpLayerNorm, GradientSeesAChangeInPlace) {
  const Tensor x = leaf({1, 2, 3});
  const Tensor copy = x * 1;
  const Tensor y = layer_norm(copy, {3});
  copy.detach().fill_(0);
  EXPECT_THROW(y.backward(ones({3}, DType::float64)), AutogradError);
}

TEST(OpLayerNorm, BrokenInput) {
  EXPECT_ERROR(layer_norm(ones({2, 3}), {2}), ShapeError,
               "layer_norm: x is [2, 3], its last axes must be normalized_shape [2]");
  EXPECT_ERROR(layer_norm(ones({3}), {2, 3}), ShapeError,
               "layer_norm: x is [3], its last axes must be normalized_shape [2, 3]");
  EXPECT_ERROR(layer_norm(ones({3}), Shape{}), ShapeError,
               "layer_norm: normalized_shape has no axes");
  EXPECT_ERROR(layer_norm(ones({2, 3}), {3}, ones({2})), ShapeError,
               "layer_norm: weight is [2], normalized_shape is [3]");
  EXPECT_ERROR(layer_norm(ones({2, 3}), {3}, ones({3}), ones({1, 3})), ShapeError,
               "layer_norm: bias is [1, 3], normalized_shape is [3]");
  EXPECT_ERROR(layer_norm(ones({3}), {3}, {}, {}, -1), ValueError,
               "layer_norm: eps is -1: it must be a finite number >= 0");
  EXPECT_ERROR(layer_norm(ones({3}), {3}, {}, {}, not_a_number), ValueError,
               "layer_norm: eps is nan: it must be a finite number >= 0");
  EXPECT_ERROR(layer_norm(tensor({1, 2}), {2}), DTypeError,
               "layer_norm: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(layer_norm(ones({3}), {3}, ones({3}, DType::float64)), DTypeError);
  EXPECT_THROW(layer_norm(ones({3}), {3}, {}, ones({3}, DType::float64)), DTypeError);
}

TEST(OpRmsNorm, KnownValues) {
  EXPECT_TRUE(is_close(rms_norm(tensor({1.0, 7.0}), {2}, {}, 0), {2}, {0.2, 1.4}, 1e-15));
  const Tensor weight = tensor({10.0, -1.0});
  EXPECT_TRUE(is_close(rms_norm(tensor({1.0, 7.0, 3.0, 4.0}, {2, 2}), {2}, weight, 11), {2, 2},
                       {10 / 6.0, -7 / 6.0, 30 / std::sqrt(23.5), -4 / std::sqrt(23.5)}, 1e-15));
  EXPECT_TRUE(is_close(rms_norm(tensor({1e-8, 0.0}), {2}), {2},
                       {1e-8 / std::sqrt(0.5e-16 + 0x1p-52), 0}, 1e-15));
  EXPECT_TRUE(is_close(rms_norm(tensor({1e-4F, 0.F}), {2}), {2},
                       {1e-4 / std::sqrt(0.5e-8 + 0x1p-23), 0}, 1e-6));
}
TEST(OpRmsNorm, KnownValuesOfTheComposedForm) {
  for (const Shape& shape : {Shape{1}, Shape{2}, Shape{5, 7}, Shape{2, 3, 19}}) {
    SCOPED_TRACE(shape.str());
    const Shape width{shape[shape.rank() - 1]};
    const Inputs in{random_leaf(shape, 1), random_leaf(width, 2)};
    expect_same_gradients(rms_norm(in[0], width, in[1], 1e-3),
                          composed_rms_norm(in[0], in[1], 1e-3), in);
  }
}
TEST(OpRmsNorm, KnownValuesOutsideTheRangeOfSquares) {
  for (const double unit : {1e200, 1e-200}) {
    EXPECT_TRUE(is_close(rms_norm(tensor({unit, 7 * unit}), {2}, {}, 0), {2}, {0.2, 1.4}, 1e-15));
  }
  EXPECT_TRUE(is_close(rms_norm(tensor({1e30F, 7e30F}), {2}), {2}, {0.2, 1.4}, 1e-6));
}
TEST(OpRmsNorm, KnownValuesAtTheEndsOfTheRange) {
  for (const double unit : {1e-310, 1e-308, 1e307}) {
    const Tensor x = leaf({unit, 7 * unit}, {2}), weight = leaf({1.0, 1.0}, {2});
    const Tensor y = rms_norm(x, {2}, weight, 0);
    EXPECT_TRUE(is_close(y, {2}, {0.2, 1.4}, 1e-12));
    y.backward(tensor({1.0, 1.0}));
    EXPECT_TRUE(is_close(weight.grad().dense(), {2}, {0.2, 1.4}, 1e-12));
    EXPECT_TRUE(is_close(rms_norm(x, {2}, {}, 1e-3), {2},  // eps in its units
                         {unit / std::hypot(5 * unit, std::sqrt(1e-3)),
                          7 * unit / std::hypot(5 * unit, std::sqrt(1e-3))},
                         1e-12));
  }
}
TEST(OpRmsNorm, KnownValuesOfZerosNothingAndNaN) {
  EXPECT_TRUE(has_values(rms_norm(zeros({1, 2}), {2}, {}, 0), {1, 2}, {0, 0}));
  EXPECT_TRUE(has_values(rms_norm(zeros({0, 2}), {2}, ones({2})), {0, 2}, {}));
  EXPECT_TRUE(has_values(rms_norm(zeros({2, 0}), {0}), {2, 0}, {}));
  for (const double bad : {not_a_number, infinity}) {
    EXPECT_TRUE(has_values(rms_norm(tensor({bad, 1.0}), {2}), {2}, {not_a_number, not_a_number}));
  }
}

TEST(OpRmsNorm, Gradient) {
  const auto op = [](const Inputs& in) { return rms_norm(in[0], {in[0].size(-1)}, in[1], 1e-2); };
  for (const std::int64_t n : {1, 2, 17}) {
    EXPECT_TRUE(passes_gradcheck(op, {random_leaf({3, n}), random_leaf({n})}));
  }
  EXPECT_TRUE(passes_gradcheck(  // the input is used elsewhere as well
      [](const Inputs& in) { return rms_norm(in[0], {3}) * in[0]; }, {random_leaf({2, 3})}));
}
TEST(OpRmsNorm, GradientAtZeros) {
  const Tensor x = leaf({0, 0}), y = leaf({0, 0});
  rms_norm(x, {2}, {}, 0.25).backward(tensor({1.0, 3.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{2, 6}));
  rms_norm(y, {2}, {}, 0).backward(tensor({1.0, 3.0}));
  EXPECT_EQ(gradient_of(y), (std::vector<double>{0, 0}));
}
TEST(OpRmsNorm, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({not_a_number, 1, infinity, 3}, {2, 2}), weight = leaf({1, 1});
  rms_norm(x, {2}, weight).backward(zeros({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(x), std::vector<double>(4, 0.0));
  EXPECT_EQ(gradient_of(weight), std::vector<double>(2, 0.0));
}

TEST(OpRmsNorm, BrokenInput) {
  EXPECT_ERROR(rms_norm(ones({2, 3}), {2}), ShapeError,
               "rms_norm: x is [2, 3], its last axes must be normalized_shape [2]");
  EXPECT_ERROR(rms_norm(ones({3}), Shape{}), ShapeError, "rms_norm: normalized_shape has no axes");
  EXPECT_ERROR(rms_norm(ones({2, 3}), {3}, ones({2})), ShapeError,
               "rms_norm: weight is [2], normalized_shape is [3]");
  EXPECT_ERROR(rms_norm(ones({3}), {3}, {}, infinity), ValueError,
               "rms_norm: eps is inf: it must be a finite number >= 0");
  EXPECT_ERROR(rms_norm(tensor({1, 2}), {2}), DTypeError,
               "rms_norm: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(rms_norm(ones({3}), {3}, ones({3}, DType::float64)), DTypeError);
}

}  // namespace
}  // namespace gradus
