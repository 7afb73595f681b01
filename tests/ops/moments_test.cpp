#include <gradus/framework/ops/moments.h>

#include "reduce_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"var", "all", leaves({{2, 3}}), [](const Inputs& in) { return var(in[0]); }},
    OpCase{"var", "a middle axis, biased", leaves({{2, 4, 3}}),
           [](const Inputs& in) { return var(in[0], 1, true, 0); }},
    OpCase{"std", "all", leaves({{2, 3}}), [](const Inputs& in) { return gradus::std(in[0]); }},
    OpCase{"std", "two axes", leaves({{2, 3, 2}}),
           [](const Inputs& in) {
             return gradus::std(in[0], {0, 2}, false, 1.5);
           }},
};

double variance_of(const std::vector<double>& x, double correction) {
  double mean = 0, squares = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) squares += (v - mean) * (v - mean);
  return squares / std::max(0.0, static_cast<double>(x.size()) - correction);
}

template <int correction>
double var_of(const std::vector<double>& x) {
  return variance_of(x, correction);
}
template <int correction>
double std_of(const std::vector<double>& x) {
  return std::sqrt(variance_of(x, correction));
}

template <int correction>
Tensor var_over(const Tensor& x, const Axes& axes, bool keepdim) {
  return var(x, axes, keepdim, correction);
}
template <int correction>
Tensor std_over(const Tensor& x, const Axes& axes, bool keepdim) {
  return gradus::std(x, axes, keepdim, correction);
}

TEST(OpVar, KnownValuesOverAllSubsetsOfAxes) {
  check_values(var_over<1>, var_of<1>);
  check_values(var_over<0>, var_of<0>);
  const Tensor x = tensor({1.0, 2.0, 4.0, 5.0}, {2, 2});
  EXPECT_TRUE(has_values(var(x), {}, {10.0 / 3}));
  EXPECT_TRUE(is_close(var(x, {0, 1}, true, 2.5), {1, 1}, {10 / 1.5}, 1e-15));
}
TEST(OpVar, KnownValuesOfRowsFarFromZero) {
  // Deviations -2, -1, 0, 3 from a million, exact in float32: sum of squares 14.
  const Tensor x = tensor({999'998.0f, 999'999.0f, 1'000'000.0f, 1'000'003.0f}, {1, 4});
  EXPECT_TRUE(has_values(var(x, 1), {1}, {14.0f / 3.0f}));
  EXPECT_TRUE(has_values(var(x, 1, false, 0), {1}, {3.5}));
  const Tensor large = full({3, 1000}, 1e6 + 0.0625);  // equal values: exactly 0
  EXPECT_TRUE(has_values(var(large, 1), {3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(var(full({1000}, 0.1, DType::float64)), {}, {0}));
}
TEST(OpVar, KnownValuesOfALongRow) {
  const std::int64_t n = 200'001;  // 0, 1, ..., n - 1: variance n (n + 1) / 12
  const Tensor x = arange(n).to(DType::float32);
  const double expected = static_cast<double>(n) * (static_cast<double>(n) + 1) / 12;
  EXPECT_NEAR(var(x).item(), expected, 1e-6 * expected);
}
TEST(OpVar, OneElementAndNothing) {
  EXPECT_TRUE(has_values(var(ones({3, 1}), 1), {3}, std::vector<double>(3, not_a_number)));
  EXPECT_TRUE(has_values(var(ones({3, 1}), 1, false, 0), {3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(var(ones({2, 0}), 1), {2}, {not_a_number, not_a_number}));
  EXPECT_TRUE(has_values(var(ones({2, 0}), 0), {0}, {}));
  EXPECT_TRUE(has_values(var(tensor({1.0, 3.0}), 0, false, 2), {}, {infinity}));
  EXPECT_TRUE(has_values(var(tensor({1.0, not_a_number, 1.0, infinity, 1.0, 2.0}, {3, 2}), 1), {3},
                         {not_a_number, not_a_number, 0.5}));
}
TEST(OpVar, Gradient) {
  check_gradients(
      [](const Tensor& x, const Axes& axes, bool keepdim) { return var(x, axes, keepdim, 0.5); });
  const Tensor x = leaf({1, 2, 6});  // mean 3: 2 (x - 3) / 2
  var(x).backward();
  EXPECT_EQ(gradient_of(x), (std::vector<double>{-2, -1, 3}));
}
TEST(OpVar, GradientOfOneElementIsZeroForAZeroCotangent) {
  const Tensor x = leaf({5, 7}, {2, 1});
  var(x, 1).backward(tensor({0.0, 1.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 1}, {0, not_a_number}));
}
TEST(OpVar, GradientOfRowsFarFromZero) {
  const Tensor x = leaf(std::vector<float>{999'998, 999'999, 1'000'000, 1'000'003}, {4});
  var(x).backward();
  for (int i = 0; i < 4; ++i) {
    const double deviations[] = {-2, -1, 0, 3};
    EXPECT_FLOAT_EQ(static_cast<float>(gradient_of(x)[static_cast<std::size_t>(i)]),
                    static_cast<float>(deviations[i] * 2 / 3));
  }
}
TEST(OpVar, BrokenInput) {
  check_broken_axes(var_over<1>, "var");
  EXPECT_ERROR(var(tensor({1, 2})), DTypeError,
               "var: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpStd, KnownValuesOverAllSubsetsOfAxes) {
  check_values(std_over<1>, std_of<1>);
  check_values(std_over<0>, std_of<0>);
  EXPECT_TRUE(
      is_close(gradus::std(tensor({1.0, 2.0, 4.0, 5.0})), {}, {std::sqrt(10.0 / 3)}, 1e-15));
}
TEST(OpStd, KnownValuesWhereTheVarianceIsOutOfRange) {
  // Of -s, 0 and s the standard deviation is s.
  for (const float s : {1e20F, 1e-23F, 1e-30F, 3e38F}) {
    const Tensor x = leaf(std::vector<float>{-s, 0, s}, {3});
    const Tensor y = gradus::std(x);
    EXPECT_EQ(y.item<float>(), s);
    y.backward();
    EXPECT_TRUE(has_values(x.grad().dense(), {3}, {-0.5, 0, 0.5})) << s;
  }
  for (const double s : {1e200, 1e-200, 1e-300, 1e307}) {
    const Tensor x = leaf({-s, 0, s, 0, -s, s}, {2, 3});
    EXPECT_TRUE(has_values(gradus::std(x, 1), {2}, {s, s}));
  }
  for (const double s : {1e-308, 1e-310, 5e-324, 8e307, 1e308, 1.7e308}) {
    const Tensor x = leaf({-s, 0, s}, {3}), y = gradus::std(x);
    EXPECT_EQ(y.item(), s);
    y.backward();
    EXPECT_TRUE(is_close(x.grad().dense(), {3}, {-0.5, 0, 0.5}, 1e-15)) << s;
  }
  const Tensor x = leaf({1.7e308, -1.7e308, -1.7e308, -1.7e308}, {4});  // far from their mean
  const Tensor y = gradus::std(x, 0, false, 0);
  EXPECT_TRUE(is_close(y * 1e-308, {}, {1.7 * std::sqrt(0.75)}, 1e-15));
  y.backward();
  const double part = 0.25 / std::sqrt(3.0);
  EXPECT_TRUE(is_close(x.grad().dense(), {4}, {3 * part, -part, -part, -part}, 1e-15));
  EXPECT_TRUE(has_values(gradus::std(tensor({1.7e308, 1.7e308, 1.7e308})), {}, {0}));
  EXPECT_TRUE(has_values(gradus::std(tensor({1e200, infinity, 1e200, not_a_number}, {2, 2}), 1),
                         {2}, {not_a_number, not_a_number}));
}
TEST(OpStd, OneElementAndNothing) {
  EXPECT_TRUE(has_values(gradus::std(ones({})), {}, {not_a_number}));
  EXPECT_TRUE(has_values(gradus::std(ones({0, 2}), 0), {2}, {not_a_number, not_a_number}));
}
TEST(OpStd, Gradient) {
  check_gradients([](const Tensor& x, const Axes& axes, bool keepdim) {
    return gradus::std(x, axes, keepdim, 0.5);
  });
}
TEST(OpStd, GradientOfEqualValuesIsZero) {
  const Tensor x = leaf({3, 3, 3, 1, 2, 3}, {2, 3});
  gradus::std(x, 1).backward(tensor({1.0, 2.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 3}, {0, 0, 0, -1, 0, 1}));  // 2 (x - 2) / (2 * 1)
}
TEST(OpStd, BrokenInput) {
  check_broken_axes(std_over<1>, "std");
  EXPECT_ERROR(gradus::std(tensor({true})), DTypeError,
               "std: a tensor of dtype boolean where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
