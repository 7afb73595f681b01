#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/power.h>

#include "elementwise_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"pow", "broadcast", leaves({{2, 3}, {3}}, 0.5, 2),
           [](const Inputs& in) { return pow(in[0], in[1]); }},
    OpCase{"pow", "a fractional number", leaves({{2, 3}}, 0.5, 2),
           [](const Inputs& in) { return pow(in[0], 1.7); }},
    OpCase{"pow", "squared", leaves({{2, 3}}), [](const Inputs& in) { return pow(in[0], 2); }},
    OpCase{"pow", "a negative base", leaves({{5}}, -2, -0.5),
           [](const Inputs& in) { return pow(in[0], -3); }},
    OpCase{"pow", "of a number", leaves({{2, 3}}),
           [](const Inputs& in) { return pow(2.5, in[0]); }},
    OpCase{"square", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return square(in[0]); }},
    OpCase{"reciprocal", "a matrix", leaves({{2, 3}}, 0.5, 3),
           [](const Inputs& in) { return reciprocal(in[0]); }},
    OpCase{"rsqrt", "a matrix", leaves({{2, 3}}, 0.5, 3),
           [](const Inputs& in) { return rsqrt(in[0]); }},
};

const Binary tensor_pow = [](const Tensor& a, const Tensor& b) { return pow(a, b); };

// The gradients of pow(a, b) by a and by b for the cotangent g.
std::vector<double> pow_gradients(double a, double b, double g) {
  const Tensor x = leaf({a});
  const Tensor y = leaf({b});
  pow(x, y).backward(tensor({g}));
  const double by_base = gradient_of(x)[0];
  const double by_exponent = gradient_of(y)[0];
  x.clear_grad();
  y.clear_grad();
  pow(x, b).backward(tensor({g}));  // the forms with a number agree
  pow(a, y).backward(tensor({g}));
  const auto same = [](double p, double q) {
    return p == q || (std::isnan(p) && std::isnan(q)) || std::abs(p - q) < 1e-14 * std::abs(p);
  };
  EXPECT_TRUE(same(gradient_of(x)[0], by_base)) << a << "^" << b;
  EXPECT_TRUE(same(gradient_of(y)[0], by_exponent)) << a << "^" << b;
  return {by_base, by_exponent};
}

TEST(OpPow, KnownValuesForAllBroadcasts) {
  for_each_broadcast_pair([](const Shape& a, const Shape& b, const Shape& result) {
    const Tensor x = frozen(random_leaf(a, 1, 1, 2));
    const Tensor y = frozen(random_leaf(b, 2, 1, 2));
    std::vector<double> expected;
    for (std::int64_t i = 0; i < result.numel(); ++i) {
      expected.push_back(std::pow(x.data<double>()[broadcast_offset(a, result, i)],
                                  y.data<double>()[broadcast_offset(b, result, i)]));
    }
    EXPECT_TRUE(is_close(pow(x, y), result, expected, 1e-15));
    EXPECT_TRUE(is_close(pow(x.to(DType::float32), y.to(DType::float32)), result, expected, 1e-6));
  });
}
TEST(OpPow, KnownValuesWithNumbersOnEitherSide) {
  const Tensor x = tensor({3.0f, -2.0f, 0.0f});
  EXPECT_TRUE(has_values(pow(x, 2), {3}, {9, 4, 0}));
  EXPECT_TRUE(has_values(pow(x, 3), {3}, {27, -8, 0}));
  EXPECT_TRUE(has_values(pow(x, 0), {3}, {1, 1, 1}));
  EXPECT_TRUE(has_values(pow(x, 1), {3}, {3, -2, 0}));
  EXPECT_TRUE(has_values(pow(x, -1), {3}, {static_cast<double>(1.0f / 3), -0.5, infinity}));
  EXPECT_TRUE(
      has_values(pow(x, 0.5), {3}, {static_cast<double>(std::sqrt(3.0f)), not_a_number, 0}));
  EXPECT_TRUE(has_values(pow(2, x), {3}, {8, 0.25, 1}));
  EXPECT_TRUE(has_values(pow(0, x), {3}, {0, infinity, 1}));
}
TEST(OpPow, KnownValuesAtZeroOneInfinityAndNaN) {
  const Tensor a = tensor({0.0, 0.0, not_a_number, 1.0, not_a_number, 2.0, -8.0, infinity, -1.0});
  const Tensor b =
      tensor({0.0, -1.0, 0.0, not_a_number, 1.0, not_a_number, 1.0 / 3, -1.0, infinity});
  EXPECT_TRUE(has_values(pow(a, b), {9},
                         {1, infinity, 1, 1, not_a_number, not_a_number, not_a_number, 0, 1}));
  EXPECT_TRUE(has_values(pow(tensor({not_a_number, 3.0}), 2), {2}, {not_a_number, 9}));
}
TEST(OpPow, GradientOfAllBroadcastsRepeatedAndFrozenInputs) { check_binary_gradients(pow); }
// Each row: a, b, the gradient by a and that by b for a cotangent of 1.
TEST(OpPow, GradientAtZeroAndNegativeBases) {
  const double nan = not_a_number;
  const std::vector<std::vector<double>> table{{0, 0, 0, 0},
                                               {0, 1, 1, 0},
                                               {0, 2, 0, 0},
                                               {0, 0.5, infinity, 0},
                                               {0, 3, 0, 0},
                                               {0, -1, -infinity, -infinity},
                                               {-2, 0, 0, nan},
                                               {-2, 1, 1, nan},
                                               {-2, 2, -4, nan},
                                               {-2, -1, -0.25, nan},
                                               {-2, 0.5, nan, nan},
                                               {1, 0, 0, 0},
                                               {1, 5, 5, 0},
                                               {2, 0, 0, std::log(2.0)},
                                               {nan, 0, 0, nan},
                                               {nan, 2, nan, nan},
                                               {infinity, 0, 0, infinity},
                                               {infinity, -1, 0, 0}};
  for (const auto& row : table) {
    SCOPED_TRACE(testing::PrintToString(row));
    const std::vector<double> gradients = pow_gradients(row[0], row[1], 1);
    for (const std::size_t i : {0u, 1u}) {
      const double expected = row[i + 2];
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(gradients[i])) << i;
      } else if (std::isinf(expected)) {
        EXPECT_EQ(gradients[i], expected) << i;
      } else {
        EXPECT_NEAR(gradients[i], expected, 1e-15) << i;
      }
    }
  }
}
TEST(OpPow, GradientIsZeroForAZeroCotangentEvenWhereItIsInfinite) {
  for (const double a : {0.0, -1.0, 2.0, infinity, not_a_number}) {
    for (const double b : {0.0, 0.5, -1.0, 1.0, 2.0, infinity, not_a_number}) {
      EXPECT_EQ(pow_gradients(a, b, 0), (std::vector<double>{0, 0})) << a << "^" << b;
    }
  }
}
TEST(OpPow, EmptyTensors) { check_empty(tensor_pow); }
TEST(OpPow, BrokenInput) {
  check_broken_binary(tensor_pow, "pow");
  EXPECT_ERROR(pow(tensor({4}), tensor({2})), DTypeError, "pow: not defined for int64 tensors");
  EXPECT_ERROR(pow(tensor({4}), 2), DTypeError, "pow: not defined for int64 tensors");
  EXPECT_ERROR(pow(tensor({4}), 3), DTypeError, "pow: not defined for int64 tensors");
  EXPECT_ERROR(pow(2, tensor({4})), DTypeError, "pow: not defined for int64 tensors");
}

TEST(OpSquare, KnownValues) {
  EXPECT_TRUE(has_values(square(tensor({1.5, -2.0, 0.0, infinity, not_a_number})), {5},
                         {2.25, 4, 0, infinity, not_a_number}));
  EXPECT_TRUE(has_values(square(tensor({3, -4})), {2}, {9, 16}));
}
TEST(OpSquare, Gradient) { check_unary_gradients(square, -2, 2); }
TEST(OpSquare, GradientAtZeroAndInfinity) {
  EXPECT_EQ(gradient_at(square, 0, 3), 0);
  EXPECT_EQ(gradient_at(square, infinity, 3), infinity);
  EXPECT_EQ(gradient_at(square, infinity, 0), 0);
  EXPECT_EQ(gradient_at(square, not_a_number, 0), 0);
}
TEST(OpSquare, BrokenInput) {
  EXPECT_ERROR(square(zeros({2}, DType::boolean)), DTypeError,
               "square: not defined for boolean tensors");
}

TEST(OpReciprocal, KnownValues) {
  EXPECT_TRUE(has_values(reciprocal(tensor({2.0, -4.0, 0.0, -0.0, infinity, not_a_number})), {6},
                         {0.5, -0.25, infinity, -infinity, 0, not_a_number}));
  EXPECT_TRUE(has_values(reciprocal(tensor({2.0f, 8.0f})), {2}, {0.5, 0.125}));
}
TEST(OpReciprocal, Gradient) {
  check_unary_gradients(reciprocal, 0.5, 2);
  check_unary_gradients(reciprocal, -2, -0.5);
}
TEST(OpReciprocal, GradientAtZeroIsInfiniteOrZeroForAZeroCotangent) {
  EXPECT_EQ(gradient_at(reciprocal, 0, 1), -infinity);
  EXPECT_EQ(gradient_at(reciprocal, 0, 0), 0);
  EXPECT_EQ(gradient_at(reciprocal, infinity, 3), 0);
}
TEST(OpReciprocal, BrokenInput) { check_broken_float_unary(reciprocal, "reciprocal"); }

TEST(OpRsqrt, KnownValues) {
  EXPECT_TRUE(has_values(rsqrt(tensor({4.0, 0.25, 0.0, -1.0, infinity, not_a_number})), {6},
                         {0.5, 2, infinity, not_a_number, 0, not_a_number}));
  EXPECT_TRUE(has_values(rsqrt(tensor({4.0f, 0.0625f})), {2}, {0.5, 4}));
}
TEST(OpRsqrt, Gradient) { check_unary_gradients(rsqrt, 0.5, 2); }
TEST(OpRsqrt, GradientAtZeroIsInfiniteOrZeroForAZeroCotangent) {
  EXPECT_EQ(gradient_at(rsqrt, 0, 1), -infinity);
  EXPECT_EQ(gradient_at(rsqrt, 0, 0), 0);
  EXPECT_EQ(gradient_at(rsqrt, -1, 0), 0);
  EXPECT_TRUE(std::isnan(gradient_at(rsqrt, -1, 1)));
}
TEST(OpRsqrt, BrokenInput) { check_broken_float_unary(rsqrt, "rsqrt"); }

}  // namespace
}  // namespace gradus
