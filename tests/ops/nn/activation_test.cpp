#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/ops/elementwise_testing.h>

#include <numbers>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"gelu", "with erf", leaves({{2, 3}}), [](const Inputs& in) { return gelu(in[0]); }},
    OpCase{"gelu", "with tanh", leaves({{2, 3}}),
           [](const Inputs& in) { return gelu(in[0], Approximate::tanh); }},
    OpCase{"silu", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return silu(in[0]); }},
    OpCase{"logsigmoid", "a matrix", leaves({{2, 3}}),
           [](const Inputs& in) { return logsigmoid(in[0]); }},
    OpCase{"softplus", "a matrix", leaves({{2, 3}}),
           [](const Inputs& in) { return softplus(in[0]); }},
    OpCase{"softplus", "with numbers", leaves({{2, 3}}, 0.5, 3),
           [](const Inputs& in) { return softplus(in[0], 2, 7); }},
    OpCase{"elu", "positive", leaves({{2, 3}}, 0.5, 2),
           [](const Inputs& in) { return elu(in[0]); }},
    OpCase{"elu", "negative", leaves({{2, 3}}, -2, -0.5),
           [](const Inputs& in) { return elu(in[0], 0.7); }},
    OpCase{"leaky_relu", "positive", leaves({{2, 3}}, 0.5, 2),
           [](const Inputs& in) { return leaky_relu(in[0]); }},
    OpCase{"leaky_relu", "negative", leaves({{2, 3}}, -2, -0.5),
           [](const Inputs& in) { return leaky_relu(in[0], 0.2); }},
    OpCase{"celu", "positive", leaves({{2, 3}}, 0.5, 2),
           [](const Inputs& in) { return celu(in[0]); }},
    OpCase{"celu", "negative", leaves({{2, 3}}, -2, -0.5),
           [](const Inputs& in) { return celu(in[0], 0.7); }},
    OpCase{"mish", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return mish(in[0]); }},
    OpCase{"softsign", "a matrix", leaves({{2, 3}}),
           [](const Inputs& in) { return softsign(in[0]); }},
    OpCase{"hardsigmoid", "the slope", leaves({{2, 3}}),
           [](const Inputs& in) { return hardsigmoid(in[0]); }},
    OpCase{"hardsigmoid", "the flat parts", leaves({{2, 3}}, 4, 5),
           [](const Inputs& in) { return hardsigmoid(in[0]); }},
    OpCase{"hardswish", "the middle", leaves({{2, 3}}),
           [](const Inputs& in) { return hardswish(in[0]); }},
    OpCase{"hardswish", "the outer parts", leaves({{2, 3}}, -5, -4),
           [](const Inputs& in) { return hardswish(in[0]); }},
};

const Unary erf_gelu = [](const Tensor& x) { return gelu(x); };
const Unary tanh_gelu = [](const Tensor& x) { return gelu(x, Approximate::tanh); };
const Unary plain_softplus = [](const Tensor& x) { return softplus(x); };
const Unary plain_elu = [](const Tensor& x) { return elu(x); };
const Unary plain_celu = [](const Tensor& x) { return celu(x); };
const Unary plain_leaky_relu = [](const Tensor& x) { return leaky_relu(x); };

TEST(OpGelu, KnownValuesOfBothForms) {
  check_unary_values(erf_gelu, [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; },
                     {0, 1, -1, 1e-5, 0.3, -3, 7, -12, 30});
  check_unary_values(
      tanh_gelu,
      [](double x) {
        return x / 2 *
               (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
      },
      {0, 1, -1, 1e-5, 0.3, -3, 7, -12, 30});
}
TEST(OpGelu, KnownValuesAtInfinityAreTheLimits) {
  for (const Unary op : {erf_gelu, tanh_gelu}) {
    EXPECT_TRUE(has_values(op(tensor({infinity, -infinity, not_a_number, 0.0, -1e300, 1e300})), {6},
                           {infinity, 0, not_a_number, 0, 0, 1e300}));
    EXPECT_TRUE(has_values(op(tensor({-std::numeric_limits<float>::infinity(), -3e38f, 3e38f})),
                           {3}, {0, 0, static_cast<double>(3e38f)}));
  }
}
TEST(OpGelu, KnownValueKeepsItsDigitsInTheTail) {
  const double expected = -10 * std::erfc(10 / std::sqrt(2.0)) / 2;  // 1 + erf(x) would be 0
  EXPECT_NEAR(gelu(tensor({-10.0})).item() / expected, 1, 1e-14);
  EXPECT_NEAR(gelu(tensor({-10.0f})).item() / expected, 1, 1e-6);
}
TEST(OpGelu, Gradient) {
  check_unary_gradients(erf_gelu, -3, 3);
  check_unary_gradients(tanh_gelu, -3, 3);
}
TEST(OpGelu, GradientAtZeroFarOutAndForAZeroCotangent) {
  for (const Unary op : {erf_gelu, tanh_gelu}) {
    EXPECT_EQ(gradient_at(op, 0, 3), 1.5);
    for (const double far : {infinity, 1e300, 100.0}) {
      EXPECT_EQ(gradient_at(op, far, 3), 3);
      EXPECT_EQ(gradient_at(op, -far, 3), 0);
    }
    EXPECT_TRUE(std::isnan(gradient_at(op, not_a_number, 3)));
    EXPECT_EQ(gradient_at(op, not_a_number, 0), 0);
  }
}
TEST(OpGelu, KnownValuesAreThoseOfAnInputThatIsNotRecorded) {
  const Tensor x = tensor({-2.5f, -0.3f, 0.0f, 0.7f, 3.0f}).set_trainable(true);
  for (const Unary op : {erf_gelu, tanh_gelu}) {
    const Tensor recorded = op(x), alone = op(x.detach());
    EXPECT_TRUE(recorded.requires_grad());
    for (std::size_t i = 0; i < 5; ++i)
      EXPECT_EQ(recorded.data<float>()[i], alone.data<float>()[i]);
  }
}
TEST(OpGelu, GradientLeavesTheCotangentOfTheCallerAlone) {
  const Tensor x = random_leaf({40}), cotangent = full({40}, 3.0, x.dtype());
  gelu(x).backward(cotangent);
  EXPECT_THAT(cotangent.span<double>(), testing::Each(3.0));
  const Tensor z = random_leaf({40}), y = z * 2;
  (gelu(y) + y).backward(cotangent);  // the sum passes one cotangent on to both
  const Tensor alone = frozen(z).set_trainable(true);
  gelu(alone * 2).backward(cotangent);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_NEAR(z.grad().dense().data<double>()[i], alone.grad().dense().data<double>()[i] + 6,
                1e-12);
  }
}
TEST(OpGelu, BrokenInput) {
  check_broken_float_unary(erf_gelu, "gelu");
  check_broken_float_unary(tanh_gelu, "gelu");
}

TEST(OpSilu, KnownValues) {
  check_unary_values(silu, [](double x) { return x / (1 + std::exp(-x)); },
                     {0, 1, -1, 1e-5, 0.3, -3, 7, -30, 30});
  EXPECT_TRUE(has_values(silu(tensor({infinity, -infinity, not_a_number, -1e300, 1e300})), {5},
                         {infinity, 0, not_a_number, 0, 1e300}));
}
TEST(OpSilu, Gradient) { check_unary_gradients(silu, -4, 4); }
TEST(OpSilu, GradientAtZeroFarOutAndForAZeroCotangent) {
  EXPECT_EQ(gradient_at(silu, 0, 3), 1.5);
  for (const double far : {infinity, 1e300, 1000.0}) {
    EXPECT_EQ(gradient_at(silu, far, 3), 3);
    EXPECT_EQ(gradient_at(silu, -far, 3), 0);
  }
  EXPECT_EQ(gradient_at(silu, not_a_number, 0), 0);
}
TEST(OpSilu, BrokenInput) { check_broken_float_unary(silu, "silu"); }

TEST(OpLogsigmoid, KnownValues) {
  check_unary_values(logsigmoid, [](double x) { return -std::log1p(std::exp(-x)); },
                     {0, 1, -1, 1e-5, 0.3, -3, 7, -30, 30});
  EXPECT_TRUE(has_values(logsigmoid(tensor({infinity, -infinity, not_a_number, -1e300})), {4},
                         {0, -infinity, not_a_number, -1e300}));
}
TEST(OpLogsigmoid, Gradient) { check_unary_gradients(logsigmoid, -4, 4); }
TEST(OpLogsigmoid, GradientFarOutAndForAZeroCotangent) {
  EXPECT_EQ(gradient_at(logsigmoid, 0, 3), 1.5);
  EXPECT_EQ(gradient_at(logsigmoid, infinity, 3), 0);
  EXPECT_EQ(gradient_at(logsigmoid, -infinity, 3), 3);
  EXPECT_EQ(gradient_at(logsigmoid, not_a_number, 0), 0);
}
TEST(OpLogsigmoid, BrokenInput) { check_broken_float_unary(logsigmoid, "logsigmoid"); }

TEST(OpSoftplus, KnownValues) {
  check_unary_values(plain_softplus, [](double x) { return x > 20 ? x : std::log1p(std::exp(x)); },
                     {0, 1, -1, 1e-5, -3, 7, -30, 19.9, 20.1, 30});
  const Tensor x = tensor({1.0, 4.0, -2.0, 3.5});
  const auto exact = [](double v) { return std::log1p(std::exp(2 * v)) / 2; };
  EXPECT_TRUE(is_close(softplus(x, 2, 7), {4}, {exact(1), 4, exact(-2), exact(3.5)}, 1e-15));
  EXPECT_TRUE(is_close(softplus(tensor({2.0}), -1), {1}, {-std::log1p(std::exp(-2.0))}, 1e-15));
  EXPECT_TRUE(has_values(plain_softplus(tensor({infinity, -infinity, not_a_number})), {3},
                         {infinity, 0, not_a_number}));
}
TEST(OpSoftplus, Gradient) {
  check_unary_gradients(plain_softplus, -3, 3);
  check_unary_gradients([](const Tensor& x) { return softplus(x, 2, 1); }, -0.4, 0.4);
  check_unary_gradients([](const Tensor& x) { return softplus(x, -0.5, 3); }, -3, 3);
}
TEST(OpSoftplus, GradientBeyondTheThresholdIsThatOfX) {
  const Unary op = [](const Tensor& x) { return softplus(x, 1, 2); };
  EXPECT_EQ(gradient_at(op, 2.5, 3), 3);
  EXPECT_NEAR(gradient_at(op, 2, 3), 3 / (1 + std::exp(-2.0)), 1e-15);
  EXPECT_EQ(gradient_at(op, infinity, 3), 3);
  EXPECT_EQ(gradient_at(op, -infinity, 3), 0);
  EXPECT_EQ(gradient_at(op, not_a_number, 0), 0);
}
TEST(OpSoftplus, BrokenInput) {
  check_broken_floating(plain_softplus, "softplus");
  EXPECT_ERROR(softplus(ones({2}), 0), ValueError,
               "softplus: beta is 0, it must be finite and not 0");
  EXPECT_ERROR(softplus(ones({2}), infinity), ValueError,
               "softplus: beta is inf, it must be finite and not 0");
  EXPECT_ERROR(softplus(ones({2}), 1, not_a_number), ValueError, "softplus: threshold is NaN");
}

TEST(OpElu, KnownValues) {
  check_unary_values(plain_elu, [](double x) { return x > 0 ? x : std::expm1(x); },
                     {0, 1, -1, 1e-9, -1e-9, -3, 7, -30});
  EXPECT_TRUE(has_values(elu(tensor({infinity, -infinity, not_a_number, 2.0}), 0.5), {4},
                         {infinity, -0.5, not_a_number, 2}));
}
TEST(OpElu, Gradient) {
  check_unary_gradients(plain_elu, 0.5, 2);
  check_unary_gradients([](const Tensor& x) { return elu(x, 1.7); }, -2, -0.5);
}
TEST(OpElu, GradientAtZeroIsAlpha) {
  const Unary op = [](const Tensor& x) { return elu(x, 0.5); };
  EXPECT_EQ(gradient_at(op, 0, 3), 1.5);
  EXPECT_EQ(gradient_at(op, 1e-300, 3), 3);
  EXPECT_EQ(gradient_at(op, -infinity, 3), 0);
  EXPECT_EQ(gradient_at(op, 1000, 3), 3);
  EXPECT_EQ(gradient_at(op, not_a_number, 0), 0);
  EXPECT_TRUE(std::isnan(gradient_at(op, not_a_number, 1)));
}
TEST(OpElu, BrokenInput) { check_broken_floating(plain_elu, "elu"); }

TEST(OpSelu, KnownValues) {
  constexpr double scale = 1.0507009873554804934193349852946,
                   alpha = 1.6732632423543772848170429917;
  check_unary_values(selu,
                     [](double x) { return x > 0 ? scale * x : scale * alpha * std::expm1(x); },
                     {0, 1, -1, 1e-9, -1e-9, -3, 7, -30});
  EXPECT_TRUE(is_close(selu(tensor({infinity, -infinity, not_a_number})), {3},
                       {infinity, -1.7580993408473766, not_a_number}, 1e-15));
}
TEST(OpSelu, GradientIsThatOfTheFlatSideAtZero) {
  check_unary_gradients(selu, 0.5, 2);
  check_unary_gradients(selu, -2, -0.5);
  EXPECT_NEAR(gradient_at(selu, 0, 1), 1.7580993408473766, 1e-15);
}
TEST(OpSelu, BrokenInput) { check_broken_floating(selu, "selu"); }

TEST(OpRelu6, KnownValues) {
  EXPECT_TRUE(
      has_values(relu6(tensor({-1.0, 0.0, 2.5, 6.0, 7.0, infinity, -infinity, not_a_number})), {8},
                 {0, 0, 2.5, 6, 6, 6, 0, not_a_number}));
}
TEST(OpRelu6, GradientIsZeroAtTheBounds) {
  check_unary_gradients(relu6, 0.5, 5.5);
  for (const double x : {-1.0, 0.0, 6.0, 8.0}) EXPECT_EQ(gradient_at(relu6, x, 3), 0) << x;
  EXPECT_EQ(gradient_at(relu6, 5.9, 3), 3);
}
TEST(OpRelu6, BrokenInput) { check_broken_floating(relu6, "relu6"); }

TEST(OpHardshrink, KnownValues) {
  EXPECT_TRUE(has_values(
      hardshrink(tensor({-2.0, -0.5, -0.25, 0.0, 0.5, 0.75, infinity, -infinity, not_a_number})),
      {9}, {-2, 0, 0, 0, 0, 0.75, infinity, -infinity, not_a_number}));
  EXPECT_TRUE(has_values(hardshrink(tensor({-1.0, 2.0}), 1.5), {2}, {0, 2}));
  EXPECT_TRUE(has_values(hardshrink(tensor({-1.0, 0.0}), -1), {2}, {-1, 0}));
}
TEST(OpHardshrink, GradientIsOneOutside) {
  const Unary op = [](const Tensor& x) { return hardshrink(x); };
  check_unary_gradients(op, 0.6, 2);
  for (const double x : {-0.5, 0.0, 0.25, 0.5}) EXPECT_EQ(gradient_at(op, x, 3), 0) << x;
  EXPECT_EQ(gradient_at(op, -0.75, 3), 3);
  EXPECT_EQ(gradient_at(op, not_a_number, 3), 3);
}
TEST(OpHardshrink, BrokenInput) {
  check_broken_floating([](const Tensor& x) { return hardshrink(x); }, "hardshrink");
  EXPECT_ERROR(hardshrink(ones({2}), not_a_number), ValueError, "hardshrink: lambda is NaN");
}

TEST(OpLeakyRelu, KnownValues) {
  EXPECT_TRUE(
      has_values(leaky_relu(tensor({2.0, -4.0, 0.0, infinity, -infinity, not_a_number}), 0.25), {6},
                 {2, -1, 0, infinity, -infinity, not_a_number}));
  EXPECT_TRUE(has_values(leaky_relu(tensor({-2.0})), {1}, {-0.02}));
}
TEST(OpLeakyRelu, Gradient) {
  check_unary_gradients(plain_leaky_relu, 0.5, 2);
  check_unary_gradients([](const Tensor& x) { return leaky_relu(x, 0.3); }, -2, -0.5);
}
TEST(OpLeakyRelu, GradientAtZeroIsTheSlopeAndOfNaNIsNaN) {
  const Unary op = [](const Tensor& x) { return leaky_relu(x, 0.25); };
  EXPECT_EQ(gradient_at(op, 0, 2), 0.5);
  EXPECT_EQ(gradient_at(op, 1, 2), 2);
  EXPECT_TRUE(std::isnan(gradient_at(op, not_a_number, 2)));
  EXPECT_EQ(gradient_at(op, not_a_number, 0), 0);
}
TEST(OpLeakyRelu, BrokenInput) { check_broken_floating(plain_leaky_relu, "leaky_relu"); }

TEST(OpCelu, KnownValues) {
  check_unary_values(plain_celu, [](double x) { return x > 0 ? x : std::expm1(x); },
                     {0, 1, -1, 1e-9, -1e-9, -3, 7, -30});
  EXPECT_TRUE(is_close(celu(tensor({infinity, -infinity, not_a_number, 2.0, -1.0}), 0.5), {5},
                       {infinity, -0.5, not_a_number, 2, 0.5 * std::expm1(-2.0)}, 1e-15));
}
TEST(OpCelu, Gradient) {
  check_unary_gradients(plain_celu, 0.5, 2);
  check_unary_gradients([](const Tensor& x) { return celu(x, 1.7); }, -2, -0.5);
}
TEST(OpCelu, GradientAtZeroIsOne) {
  const Unary op = [](const Tensor& x) { return celu(x, 0.5); };
  EXPECT_EQ(gradient_at(op, 0, 3), 3);
  EXPECT_NEAR(gradient_at(op, -1, 3), 3 * std::exp(-2.0), 1e-15);
  EXPECT_EQ(gradient_at(op, -infinity, 3), 0);
  EXPECT_EQ(gradient_at(op, not_a_number, 0), 0);
}
TEST(OpCelu, BrokenInput) {
  check_broken_floating(plain_celu, "celu");
  EXPECT_ERROR(celu(ones({2}), 0), ValueError, "celu: alpha is 0, it must be finite and not 0");
  EXPECT_ERROR(celu(ones({2}), infinity), ValueError,
               "celu: alpha is inf, it must be finite and not 0");
}

TEST(OpMish, KnownValues) {
  check_unary_values(mish, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); },
                     {0, 1, -1, 1e-5, 0.3, -3, 7, -30, 30});
  EXPECT_TRUE(has_values(mish(tensor({infinity, -infinity, not_a_number, -1e300, 1e300})), {5},
                         {infinity, 0, not_a_number, 0, 1e300}));
  EXPECT_NEAR(mish(tensor({-40.0})).item() / (-40 * std::exp(-40.0)), 1, 1e-14);
}
TEST(OpMish, Gradient) { check_unary_gradients(mish, -4, 4); }
TEST(OpMish, GradientAtZeroFarOutAndForAZeroCotangent) {
  EXPECT_NEAR(gradient_at(mish, 0, 5), 3, 1e-15);  // tanh(log 2) = 3 / 5
  for (const double far : {infinity, 1e300, 1000.0}) {
    EXPECT_EQ(gradient_at(mish, far, 3), 3);
    EXPECT_EQ(gradient_at(mish, -far, 3), 0);
  }
  EXPECT_EQ(gradient_at(mish, not_a_number, 0), 0);
  EXPECT_TRUE(std::isnan(gradient_at(mish, not_a_number, 1)));
}
TEST(OpMish, BrokenInput) { check_broken_float_unary(mish, "mish"); }

TEST(OpSoftsign, KnownValues) {
  check_unary_values(softsign, [](double x) { return x / (1 + std::fabs(x)); },
                     {0, 1, -1, 1e-5, -3, 1e20, -1e20});
  EXPECT_TRUE(has_values(softsign(tensor({infinity, -infinity, not_a_number})), {3},
                         {1, -1, not_a_number}));
}
TEST(OpSoftsign, Gradient) { check_unary_gradients(softsign, -4, 4); }
TEST(OpSoftsign, GradientAtZeroFarOutAndForAZeroCotangent) {
  EXPECT_EQ(gradient_at(softsign, 0, 3), 3);
  EXPECT_EQ(gradient_at(softsign, -1, 3), 0.75);
  EXPECT_EQ(gradient_at(softsign, infinity, 3), 0);
  EXPECT_EQ(gradient_at(softsign, not_a_number, 0), 0);
}
TEST(OpSoftsign, BrokenInput) { check_broken_float_unary(softsign, "softsign"); }

TEST(OpHardsigmoid, KnownValues) {
  EXPECT_TRUE(is_close(hardsigmoid(tensor({0.0, 1.5, -1.5, 3.0, -3.0, 9.0, -9.0, infinity,
                                           -infinity, not_a_number})),
                       {10}, {0.5, 0.75, 0.25, 1, 0, 1, 0, 1, 0, not_a_number}, 1e-15));
}
TEST(OpHardsigmoid, Gradient) {
  check_unary_gradients(hardsigmoid, -2.5, 2.5);
  check_unary_gradients(hardsigmoid, 3.5, 5);
}
TEST(OpHardsigmoid, GradientAtTheKinksAndOfNaN) {
  EXPECT_EQ(gradient_at(hardsigmoid, 3, 6), 0);
  EXPECT_EQ(gradient_at(hardsigmoid, -3, 6), 0);
  EXPECT_EQ(gradient_at(hardsigmoid, 2.9, 6), 1);
  EXPECT_EQ(gradient_at(hardsigmoid, -infinity, 6), 0);
  EXPECT_TRUE(std::isnan(gradient_at(hardsigmoid, not_a_number, 6)));
  EXPECT_EQ(gradient_at(hardsigmoid, not_a_number, 0), 0);
}
TEST(OpHardsigmoid, BrokenInput) { check_broken_float_unary(hardsigmoid, "hardsigmoid"); }

TEST(OpHardswish, KnownValues) {
  EXPECT_TRUE(is_close(
      hardswish(tensor({0.0, 1.5, -1.5, 3.0, -3.0, 9.0, -9.0, infinity, -infinity, not_a_number})),
      {10}, {0, 1.125, -0.375, 3, 0, 9, 0, infinity, 0, not_a_number}, 1e-15));
}
TEST(OpHardswish, Gradient) {
  check_unary_gradients(hardswish, -2.5, 2.5);
  check_unary_gradients(hardswish, 3.5, 5);
}
TEST(OpHardswish, GradientAtTheKinksAndOfNaN) {
  EXPECT_EQ(gradient_at(hardswish, 3, 6), 6);
  EXPECT_EQ(gradient_at(hardswish, -3, 6), 0);
  EXPECT_EQ(gradient_at(hardswish, 0, 6), 3);
  EXPECT_EQ(gradient_at(hardswish, infinity, 6), 6);
  EXPECT_EQ(gradient_at(hardswish, -infinity, 6), 0);
  EXPECT_TRUE(std::isnan(gradient_at(hardswish, not_a_number, 6)));
  EXPECT_EQ(gradient_at(hardswish, not_a_number, 0), 0);
}
TEST(OpHardswish, BrokenInput) { check_broken_float_unary(hardswish, "hardswish"); }

TEST(Prelu, HasASlopeForAllOrOneForEachFeature) {
  const Tensor x = tensor({1.0, -2.0, -3.0, 4.0, infinity, -infinity}, {3, 2});
  EXPECT_TRUE(has_values(prelu(x, tensor({0.5})), {3, 2}, {1, -1, -1.5, 4, infinity, -infinity}));
  EXPECT_TRUE(has_values(prelu(x, scalar(0.5)), {3, 2}, {1, -1, -1.5, 4, infinity, -infinity}));
  EXPECT_TRUE(has_values(prelu(x, tensor({2.0, -3.0})), {3, 2}, {1, 6, -6, 4, infinity, infinity}));
  EXPECT_TRUE(has_values(prelu(scalar(-2.0), tensor({3.0})), {}, {-6}));
  EXPECT_TRUE(has_values(prelu(zeros({0, 2}), ones({2})), {0, 2}, {}));
}
TEST(Prelu, HasRightGradients) {
  const auto op = [](const Inputs& in) { return prelu(in[0], in[1]); };
  const Tensor x = leaf({1, -2, -3, 4, 0.5, -1}, {2, 1, 3});
  EXPECT_TRUE(passes_gradcheck(op, {x, random_leaf({3})}));
  EXPECT_TRUE(passes_gradcheck(op, {x, random_leaf({1})}));
  EXPECT_TRUE(passes_gradcheck(op, {x, random_leaf({})}));
  const Tensor zero = leaf({0.0}), weight = leaf({0.25});
  prelu(zero, weight).backward(tensor({2.0}));
  EXPECT_EQ(gradient_of(zero), std::vector<double>{0.5});
  EXPECT_EQ(gradient_of(weight), std::vector<double>{0});
}
TEST(Prelu, AZeroCotangentGivesZero) {
  const Tensor x = leaf({not_a_number, -infinity, 2}), weight = leaf({0.5});
  prelu(x, weight).backward(tensor({0.0, 0.0, 1.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(gradient_of(weight), std::vector<double>{0});
}
TEST(Prelu, RefusesBrokenInput) {
  EXPECT_ERROR(prelu(ones({3, 2}), ones({3})), ShapeError,
               "prelu: weight is [3], x is [3, 2]: it must have one element, or one for each "
               "feature, which are the last axis of x");
  EXPECT_THROW(prelu(ones({3, 2}), ones({2, 2})), ShapeError);
  EXPECT_THROW(prelu(ones({3, 2}), ones({2}, DType::float64)), DTypeError);
  EXPECT_THROW(prelu(tensor({1, 2}), tensor({1})), DTypeError);
}

TEST(Glu, MultipliesOneHalfWithTheSigmoidOfTheOther) {
  const Tensor x = tensor({2.0, 3.0, 0.0, infinity}, {1, 4});
  EXPECT_TRUE(has_values(glu(x), {1, 2}, {1, 3}));
  EXPECT_TRUE(has_values(glu(reshape(x, {4, 1}), 0), {2, 1}, {1, 3}));
  EXPECT_TRUE(has_values(glu(zeros({2, 0})), {2, 0}, {}));
}
TEST(Glu, HasRightGradients) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return glu(in[0]); }, {random_leaf({3, 4})}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return glu(in[0], 1); }, {random_leaf({2, 6, 3})}));
}
TEST(Glu, RefusesBrokenInput) {
  EXPECT_ERROR(glu(ones({2, 3})), ShapeError,
               "glu: x is [2, 3]: axis -1 has an odd size, it must have two halves");
  EXPECT_THROW(glu(ones({2, 2}), 2), IndexError);
  EXPECT_ERROR(glu(tensor({1, 2})), DTypeError,
               "glu: a tensor of dtype int64 where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
