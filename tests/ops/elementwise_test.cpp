#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/where.h>

#include "elementwise_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"add", "broadcast", leaves({{2, 3}, {3}}),
           [](const Inputs& in) { return add(in[0], in[1]); }},
    OpCase{"sub", "broadcast", leaves({{2, 1}, {2, 3}}),
           [](const Inputs& in) { return sub(in[0], in[1]); }},
    OpCase{"sub", "from a number", leaves({{3}}), [](const Inputs& in) { return 2 - in[0]; }},
    OpCase{"mul", "broadcast", leaves({{2, 3}, {}}),
           [](const Inputs& in) { return mul(in[0], in[1]); }},
    OpCase{"mul", "a temporary", leaves({{2, 3}, {3}}),
           [](const Inputs& in) { return (in[0] + 1) * in[1]; }},
    OpCase{"div", "broadcast", leaves({{2, 3}, {3}}, 1, 2),
           [](const Inputs& in) { return div(in[0], in[1]); }},
    OpCase{"div", "by a number", leaves({{2, 3}}), [](const Inputs& in) { return in[0] / 3; }},
    OpCase{"div", "of a number", leaves({{2, 3}}, 1, 2),
           [](const Inputs& in) { return 3 / in[0]; }},
    OpCase{"neg", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return neg(in[0]); }},
    OpCase{"exp", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return exp(in[0]); }},
    OpCase{"log", "a matrix", leaves({{2, 3}}, 0.5, 3),
           [](const Inputs& in) { return log(in[0]); }},
    OpCase{"sqrt", "a matrix", leaves({{2, 3}}, 0.5, 3),
           [](const Inputs& in) { return sqrt(in[0]); }},
    OpCase{"tanh", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return tanh(in[0]); }},
    OpCase{"sigmoid", "a matrix", leaves({{2, 3}}),
           [](const Inputs& in) { return sigmoid(in[0]); }},
    OpCase{"relu", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return relu(in[0]); }},
};

TEST(OpAdd, KnownValuesForAllBroadcasts) {
  check_broadcast_values(add, [](double a, double b) { return a + b; });
}
TEST(OpAdd, KnownValuesWithNumbersAndOperators) {
  const Tensor x = tensor({1.0f, -2.0f});
  EXPECT_TRUE(has_values(add(x, 0.5), {2}, {1.5, -1.5}));
  EXPECT_TRUE(has_values(x + 0.5, {2}, {1.5, -1.5}));
  EXPECT_TRUE(has_values(0.5 + x, {2}, {1.5, -1.5}));
  EXPECT_TRUE(has_values(x + x, {2}, {2, -4}));
  EXPECT_EQ((x + 0.5).dtype(), DType::float32);
}
TEST(OpAdd, KnownValuesOfIntegersBeyondDoublePrecision) {
  const Tensor x = tensor({std::int64_t{1} << 62, std::int64_t{-3}});
  EXPECT_EQ((x + tensor({1, 1})).data<std::int64_t>()[0], (std::int64_t{1} << 62) + 1);
  EXPECT_EQ((x + 1).data<std::int64_t>()[0], (std::int64_t{1} << 62) + 1);
  EXPECT_FALSE((x + 1).requires_grad());
}
TEST(OpAdd, GradientOfAllBroadcastsRepeatedAndFrozenInputs) {
  check_binary_gradients(add);
  const Tensor x = random_leaf({3});
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return 2.0 + in[0] + 1.0; }, {x}));
}
TEST(OpAdd, EmptyTensors) { check_empty(add); }
TEST(OpAdd, BrokenInput) {
  check_broken_binary(add, "add");
  EXPECT_ERROR(tensor({1, 2}) + 0.5, DTypeError,
               "add: the number 0.5 is not an int64: use a float dtype");
  EXPECT_ERROR(tensor({1, 2}) + not_a_number, DTypeError,
               "add: the number nan is not an int64: use a float dtype");
  EXPECT_ERROR(tensor({1, 2}) + 1e19, DTypeError,
               "add: the number 1e+19 is not an int64: use a float dtype");
}

TEST(OpSub, KnownValuesForAllBroadcasts) {
  check_broadcast_values(sub, [](double a, double b) { return a - b; });
}
TEST(OpSub, KnownValuesWithNumbersOnEitherSide) {
  const Tensor x = tensor({1.0f, -2.0f});
  EXPECT_TRUE(has_values(x - 0.5, {2}, {0.5, -2.5}));
  EXPECT_TRUE(has_values(0.5 - x, {2}, {-0.5, 2.5}));
  EXPECT_TRUE(has_values(x - tensor({3.0f}), {2}, {-2, -5}));
  EXPECT_TRUE(has_values(5 - tensor({7, 2}), {2}, {-2, 3}));
}
TEST(OpSub, GradientOfAllBroadcastsRepeatedAndFrozenInputs) {
  check_binary_gradients(sub);
  const Tensor x = random_leaf({3});
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return 2.0 - (in[0] - 1.0); }, {x}));
}
TEST(OpSub, EmptyTensors) { check_empty(sub); }
TEST(OpSub, BrokenInput) {
  check_broken_binary(sub, "sub");
  EXPECT_ERROR(0.5 - tensor({1}), DTypeError,
               "sub: the number 0.5 is not an int64: use a float dtype");
}

TEST(OpMul, KnownValuesForAllBroadcasts) {
  check_broadcast_values(mul, [](double a, double b) { return a * b; });
}
TEST(OpMul, KnownValuesWithNumbersAndIntegers) {
  const Tensor x = tensor({1.5f, -2.0f});
  EXPECT_TRUE(has_values(x * 3, {2}, {4.5, -6}));
  EXPECT_TRUE(has_values(3 * x, {2}, {4.5, -6}));
  EXPECT_TRUE(has_values(tensor({3, -4}) * tensor({5, 6}), {2}, {15, -24}));
  const std::int64_t big = 3037000499;  // the product needs 63 bits
  EXPECT_EQ((tensor({big}) * tensor({big})).data<std::int64_t>()[0], big * big);
}
TEST(OpMul, GradientOfAllBroadcastsRepeatedAndFrozenInputs) {
  check_binary_gradients(mul);
  const Tensor x = random_leaf({3});
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return 2.0 * (in[0] * -3.0); }, {x}));
}
TEST(OpMul, EmptyTensors) { check_empty(mul); }
TEST(OpMul, BrokenInput) { check_broken_binary(mul, "mul"); }

TEST(OpDiv, KnownValuesForAllBroadcasts) {
  check_broadcast_values(div, [](double a, double b) { return a / b; });
}
TEST(OpDiv, KnownValuesWithNumbersAndZeros) {
  const Tensor x = tensor({1.0f, -2.0f, 0.0f});
  EXPECT_TRUE(has_values(x / 4, {3}, {0.25, -0.5, 0}));
  EXPECT_TRUE(has_values(1 / x, {3}, {1, -0.5, infinity}));
  EXPECT_TRUE(has_values(x / 0, {3}, {infinity, -infinity, not_a_number}));
}
TEST(OpDiv, GradientOfAllBroadcastsRepeatedAndFrozenInputs) {
  check_binary_gradients(div);
  const Tensor x = random_leaf({3}, 1, 1, 2);
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return 2.0 / (in[0] / -3.0); }, {x}));
}
TEST(OpDiv, GradientIsZeroForAZeroCotangentEvenAtZero) {
  for (const double numerator : {0.0, 1.0, infinity, not_a_number}) {
    const Tensor a = leaf({numerator, 1});
    const Tensor b = leaf({0, 2});
    div(a, b).backward(tensor({0.0, 1.0}));
    EXPECT_EQ(gradient_of(a), (std::vector<double>{0, 0.5}));
    EXPECT_EQ(gradient_of(b), (std::vector<double>{0, -0.25}));
  }
  const Tensor c = leaf({0});
  div(1.0, c).backward(tensor({0.0}));
  EXPECT_EQ(gradient_of(c), std::vector<double>{0});
  const Tensor d = leaf({1});
  div(d, 0.0).backward(tensor({0.0}));
  EXPECT_EQ(gradient_of(d), std::vector<double>{0});
}
TEST(OpDiv, EmptyTensors) { check_empty(div); }
TEST(OpDiv, BrokenInput) {
  check_broken_binary(div, "div");
  EXPECT_ERROR(tensor({4}) / tensor({2}), DTypeError, "div: not defined for int64 tensors");
  EXPECT_ERROR(tensor({4}) / 2, DTypeError, "div: not defined for int64 tensors");
}

TEST(OpNeg, KnownValues) {
  EXPECT_TRUE(has_values(-tensor({1.5, -2.0, 0.0, infinity, not_a_number}), {5},
                         {-1.5, 2, 0, -infinity, not_a_number}));
  EXPECT_TRUE(has_values(neg(tensor({1, -2, 0})), {3}, {-1, 2, 0}));
  EXPECT_TRUE(std::signbit(neg(tensor({0.0})).item()));
}
TEST(OpNeg, Gradient) { check_unary_gradients(neg, -2, 2); }
TEST(OpNeg, BrokenInput) {
  EXPECT_ERROR(-zeros({2}, DType::boolean), DTypeError, "neg: not defined for boolean tensors");
}

TEST(OpExp, KnownValues) {
  check_unary_values(exp, std::exp, {0, 1, -1, 0.5, 3, -20, 10});
  EXPECT_TRUE(has_values(exp(tensor({-infinity, infinity, 0.0, not_a_number, 1000.0, -1000.0})),
                         {6}, {0, infinity, 1, not_a_number, infinity, 0}));
}
TEST(OpExp, Gradient) { check_unary_gradients(exp, -2, 2); }
TEST(OpExp, GradientIsZeroForAZeroCotangentWhereItOverflows) {
  EXPECT_EQ(gradient_at(exp, 1000, 0), 0);
  EXPECT_EQ(gradient_at(exp, not_a_number, 0), 0);
  EXPECT_EQ(gradient_at(exp, 1000, 1), infinity);
}
TEST(OpExp, BrokenInput) { check_broken_float_unary(exp, "exp"); }

TEST(OpLog, KnownValues) {
  check_unary_values(log, std::log, {1, 2, 0.5, 1e-3, 1e3, 2.718281828459045});
  EXPECT_TRUE(has_values(log(tensor({0.0, 1.0, -1.0, infinity, not_a_number})), {5},
                         {-infinity, 0, not_a_number, infinity, not_a_number}));
}
TEST(OpLog, Gradient) { check_unary_gradients(log, 0.5, 2); }
TEST(OpLog, GradientIsZeroForAZeroCotangentAtZeroAndBelow) {
  EXPECT_EQ(gradient_at(log, 0, 0), 0);
  EXPECT_EQ(gradient_at(log, -1, 0), 0);
  EXPECT_EQ(gradient_at(log, 0, 1), infinity);
}
TEST(OpLog, BrokenInput) { check_broken_float_unary(log, "log"); }

TEST(OpSqrt, KnownValues) {
  EXPECT_TRUE(has_values(sqrt(tensor({0.0, 1.0, 2.25, 4.0, -1.0, infinity})), {6},
                         {0, 1, 1.5, 2, not_a_number, infinity}));
  EXPECT_TRUE(has_values(sqrt(tensor({0.0f, 2.25f, 1e-38f})), {3},
                         {0, 1.5, static_cast<double>(std::sqrt(1e-38f))}));
}
TEST(OpSqrt, Gradient) { check_unary_gradients(sqrt, 0.5, 2); }
TEST(OpSqrt, GradientAtZeroAndTheSmallestNumbers) {
  EXPECT_EQ(gradient_at(sqrt, 0, 0), 0);
  EXPECT_EQ(gradient_at(sqrt, -1, 0), 0);
  EXPECT_EQ(gradient_at(sqrt, 0, 1), infinity);
  const double normal = std::numeric_limits<double>::min();
  const double subnormal = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(gradient_at(sqrt, normal, 1), 0.5 / std::sqrt(normal));
  EXPECT_EQ(gradient_at(sqrt, subnormal, 1), 0.5 / std::sqrt(subnormal));
  EXPECT_EQ(gradient_at(sqrt, subnormal, 0), 0);
}
TEST(OpSqrt, BrokenInput) { check_broken_float_unary(sqrt, "sqrt"); }

TEST(OpTanh, KnownValues) {
  check_unary_values(tanh, std::tanh, {0, 1, -1, 1e-5, 0.3, -7, 30});
  EXPECT_TRUE(has_values(tanh(tensor({infinity, -infinity, not_a_number, 0.0})), {4},
                         {1, -1, not_a_number, 0}));
}
TEST(OpTanh, Gradient) { check_unary_gradients(tanh, -2, 2); }
TEST(OpTanh, GradientVanishesWhereItSaturates) { EXPECT_EQ(gradient_at(tanh, 100, 3), 0); }
TEST(OpTanh, BrokenInput) { check_broken_float_unary(tanh, "tanh"); }

TEST(OpSigmoid, KnownValues) {
  check_unary_values(sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); },
                     {0, 1, -1, 0.3, -7, 30, -30});
  EXPECT_TRUE(has_values(sigmoid(tensor({infinity, -infinity, not_a_number, 0.0, 1e4})), {5},
                         {1, 0, not_a_number, 0.5, 1}));
}
TEST(OpSigmoid, Gradient) { check_unary_gradients(sigmoid, -2, 2); }
TEST(OpSigmoid, GradientVanishesWhereItSaturates) {
  EXPECT_EQ(gradient_at(sigmoid, 1000, 3), 0);
  EXPECT_EQ(gradient_at(sigmoid, -1000, 3), 0);
}
TEST(OpSigmoid, BrokenInput) { check_broken_float_unary(sigmoid, "sigmoid"); }

TEST(OpRelu, KnownValuesInVectorBodyAndTail) {
  for (const std::int64_t n : {1, 5, 16, 19}) {
    std::vector<float> x(static_cast<std::size_t>(n), -1.0f);
    std::vector<double> y(x.size(), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i % 3 == 1) x[i] = std::numeric_limits<float>::quiet_NaN(), y[i] = not_a_number;
      if (i % 3 == 2) x[i] = 2.5f, y[i] = 2.5;
    }
    EXPECT_TRUE(has_values(relu(tensor(x)), {n}, y));
  }
  EXPECT_TRUE(has_values(relu(tensor({infinity, -infinity, 0.0})), {3}, {infinity, 0, 0}));
}
TEST(OpRelu, Gradient) {
  check_unary_gradients(relu, 0.5, 2);
  check_unary_gradients(relu, -2, -0.5);
}
TEST(OpRelu, GradientAtZeroIsZeroAndOfNaNIsNaN) {
  EXPECT_EQ(gradient_at(relu, 0, 3), 0);
  EXPECT_EQ(gradient_at(relu, 1, 3), 3);
  EXPECT_EQ(gradient_at(relu, -1, 3), 0);
  EXPECT_TRUE(std::isnan(gradient_at(relu, not_a_number, 3)));
}
TEST(OpRelu, BrokenInput) { check_broken_float_unary(relu, "relu"); }

// Each op adds to what its input gets from elsewhere, and every use of its output counts.
TEST(Elementwise, InputAndOutputMayBeUsedAgain) {
  for (const Unary op : {neg, exp, tanh, sigmoid, relu}) {
    EXPECT_TRUE(passes_gradcheck(
        [op](const Inputs& in) {
          const Tensor y = op(in[0]);
          return y * in[0] + y;
        },
        {random_leaf({2, 3}, 5, 0.5, 2)}));
  }
}

TEST(Elementwise, AChangeInPlaceOfASavedValueIsAnErrorThatNamesTheOp) {
  const Tensor x = leaf({1, 2});
  const Tensor factor = tensor({3.0, 4.0});
  const Tensor y = mul(x, factor);
  factor.fill_(5);
  EXPECT_THAT([&] { y.backward(ones({2}, DType::float64)); },
              testing::ThrowsMessage<AutogradError>(testing::HasSubstr("backward of mul: ")));
}

TEST(ZeroCotangents, OfABranchNotTakenGiveNoGradientToTheOther) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor z = tensor({0.0, 0.5, -1.0}).to(dtype);
    z.set_trainable(true);
    sum(where(greater(z, 0), z * log(z), 0)).backward();
    EXPECT_TRUE(is_close(z.grad().dense(), {3}, {0, std::log(0.5) + 1, 0}, 1e-6));
  }
}

}  // namespace
}  // namespace gradus
