#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/special.h>

#include <numbers>

#include "elementwise_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"expm1", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return expm1(in[0]); }},
    OpCase{"log1p", "a matrix", leaves({{2, 3}}, -0.5, 3),
           [](const Inputs& in) { return log1p(in[0]); }},
    OpCase{"sin", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return sin(in[0]); }},
    OpCase{"cos", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return cos(in[0]); }},
    OpCase{"erf", "a matrix", leaves({{2, 3}}), [](const Inputs& in) { return erf(in[0]); }},
};

TEST(OpExpm1, KnownValues) {
  check_unary_values(expm1, std::expm1, {0, 1, -1, 1e-9, -1e-5, 0.3, -20, 5});
  EXPECT_TRUE(has_values(expm1(tensor({infinity, -infinity, not_a_number, 1000.0, 0.0})), {5},
                         {infinity, -1, not_a_number, infinity, 0}));
  EXPECT_EQ(expm1(tensor({1e-18})).item(), 1e-18);
}
TEST(OpExpm1, Gradient) { check_unary_gradients(expm1, -2, 2); }
TEST(OpExpm1, GradientInTheTailsAndForAZeroCotangent) {
  EXPECT_NEAR(gradient_at(expm1, -50, 1) / std::exp(-50.0), 1, 1e-15);  // not y + 1, which is 0
  EXPECT_EQ(gradient_at(expm1, 1000, 0), 0);
  EXPECT_EQ(gradient_at(expm1, not_a_number, 0), 0);
}
TEST(OpExpm1, BrokenInput) { check_broken_float_unary(expm1, "expm1"); }

TEST(OpLog1p, KnownValues) {
  check_unary_values(log1p, std::log1p, {0, 1, -0.5, 1e-9, -1e-5, 0.3, 20, 1e5});
  EXPECT_TRUE(has_values(log1p(tensor({infinity, -1.0, -2.0, not_a_number, 0.0})), {5},
                         {infinity, -infinity, not_a_number, not_a_number, 0}));
  EXPECT_EQ(log1p(tensor({1e-18})).item(), 1e-18);
}
TEST(OpLog1p, Gradient) { check_unary_gradients(log1p, -0.5, 2); }
TEST(OpLog1p, GradientAtMinusOneIsInfiniteOrZeroForAZeroCotangent) {
  EXPECT_EQ(gradient_at(log1p, -1, 1), infinity);
  EXPECT_EQ(gradient_at(log1p, -1, 0), 0);
  EXPECT_EQ(gradient_at(log1p, -2, 0), 0);
}
TEST(OpLog1p, BrokenInput) { check_broken_float_unary(log1p, "log1p"); }

TEST(OpSin, KnownValues) {
  check_unary_values(sin, std::sin, {0, 1, -1, 1e-5, 3.141592653589793, -7, 1e5, 1e9});
  EXPECT_TRUE(has_values(sin(tensor({infinity, -infinity, not_a_number, 0.0})), {4},
                         {not_a_number, not_a_number, not_a_number, 0}));
}
TEST(OpSin, Gradient) { check_unary_gradients(sin, -4, 4); }
TEST(OpSin, GradientIsZeroForAZeroCotangentAtInfinity) {
  EXPECT_EQ(gradient_at(sin, infinity, 0), 0);
  EXPECT_TRUE(std::isnan(gradient_at(sin, infinity, 1)));
  EXPECT_EQ(gradient_at(sin, 0, 3), 3);
}
TEST(OpSin, BrokenInput) { check_broken_float_unary(sin, "sin"); }

TEST(OpCos, KnownValues) {
  check_unary_values(cos, std::cos, {0, 1, -1, 1e-5, 1.5707963267948966, -7, 1e5, 1e9});
  EXPECT_TRUE(has_values(cos(tensor({infinity, -infinity, not_a_number, 0.0})), {4},
                         {not_a_number, not_a_number, not_a_number, 1}));
}
TEST(OpCos, Gradient) { check_unary_gradients(cos, -4, 4); }
TEST(OpCos, GradientIsZeroForAZeroCotangentAtInfinity) {
  EXPECT_EQ(gradient_at(cos, infinity, 0), 0);
  EXPECT_TRUE(std::isnan(gradient_at(cos, infinity, 1)));
  EXPECT_EQ(gradient_at(cos, 0, 3), 0);
}
TEST(OpCos, BrokenInput) { check_broken_float_unary(cos, "cos"); }

TEST(OpErf, KnownValues) {
  check_unary_values(erf, std::erf, {0, 1, -1, 1e-5, 0.3, -0.999, 1.001, -3, 7});
  EXPECT_TRUE(has_values(erf(tensor({infinity, -infinity, not_a_number, 0.0})), {4},
                         {1, -1, not_a_number, 0}));
}
TEST(OpErf, Gradient) { check_unary_gradients(erf, -2, 2); }
TEST(OpErf, GradientAtZeroAndInfinity) {
  EXPECT_NEAR(gradient_at(erf, 0, 3), 6 * std::numbers::inv_sqrtpi, 1e-15);
  EXPECT_EQ(gradient_at(erf, infinity, 3), 0);
  EXPECT_EQ(gradient_at(erf, not_a_number, 0), 0);
}
TEST(OpErf, BrokenInput) { check_broken_float_unary(erf, "erf"); }

}  // namespace
}  // namespace gradus
