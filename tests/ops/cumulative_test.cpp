#include <gradus/framework/ops/cumulative.h>
#include <gradus/framework/ops/shape.h>

#include "reduce_testing.h"

namespace gradus {
namespace {

// 3 columns with no, one and two zeros.
Inputs with_zeros() { return {leaf({1.5, 2, 0, -2, 0, 0, 0.5, 3, 4, 3, -1, 2}, {4, 3})}; }

const OpCases cases{
    OpCase{"prod", "all", leaves({{2, 3}}), [](const Inputs& in) { return prod(in[0]); }},
    OpCase{"prod", "an axis with zeros", with_zeros,
           [](const Inputs& in) { return prod(in[0], 0, true); }},
    OpCase{"prod", "two axes", leaves({{2, 3, 2}}),
           [](const Inputs& in) {
             return prod(in[0], {0, 2});
           }},
    OpCase{"cumsum", "the first axis", leaves({{4, 3}}),
           [](const Inputs& in) { return cumsum(in[0], 0); }},
    OpCase{"cumsum", "the last axis", leaves({{2, 5}}),
           [](const Inputs& in) { return cumsum(in[0], -1); }},
    OpCase{"cumprod", "the first axis with zeros", with_zeros,
           [](const Inputs& in) { return cumprod(in[0], 0); }},
    OpCase{"cumprod", "a middle axis", leaves({{2, 3, 2}}),
           [](const Inputs& in) { return cumprod(in[0], 1); }},
};

double product_of(const std::vector<double>& x) {
  double product = 1;
  for (const double v : x) product *= v;
  return product;
}

TEST(OpProd, KnownValuesOverAllSubsetsOfAxes) {
  check_values(prod, product_of);
  check_whole(prod, product_of);
}
TEST(OpProd, KnownValuesOfIntegersAndBooleans) {
  const Tensor x = tensor({3, -2, 5, 7}, {2, 2});
  EXPECT_TRUE(has_values(prod(x, 0), {2}, {15, -14}));
  EXPECT_EQ(prod(x).dtype(), DType::int64);
  const Tensor large = tensor({std::int64_t{1} << 40, std::int64_t{1} << 30, std::int64_t{3}});
  EXPECT_EQ(prod(large).item<std::int64_t>(), 0);  // wraps around
  const Tensor mask = tensor({true, false, true, true}, {2, 2});
  EXPECT_TRUE(has_values(prod(mask, 1), {2}, {0, 1}));
  EXPECT_EQ(prod(mask).dtype(), DType::int64);
}
TEST(OpProd, KnownValuesWhereAPartOfTheProductOverflows) {
  EXPECT_TRUE(has_values(prod(tensor({1e30f, 1e30f, 1e-30f, 1e-30f})), {}, {1}));
}
TEST(OpProd, KnownValuesOfLongRows) {
  for (const std::int64_t n : {7, 8, 9, 23}) {
    EXPECT_EQ(prod(full({n}, -2.0, DType::float64)).item(),
              std::ldexp(n % 2 == 0 ? 1.0 : -1.0, static_cast<int>(n)));
  }
}
TEST(OpProd, OverNothingIsOne) {
  EXPECT_TRUE(has_values(prod(zeros({0, 2}), 0), {2}, {1, 1}));
  EXPECT_TRUE(has_values(prod(zeros({0, 2}), 1), {0}, {}));
  EXPECT_TRUE(has_values(prod(zeros({0})), {}, {1}));
  const Tensor x = random_leaf({2, 0});
  prod(x, 1).backward(ones({2}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 0}, {}));
}
TEST(OpProd, Gradient) { check_gradients(prod); }
TEST(OpProd, GradientWithNoOneAndTwoZeros) {
  const Tensor x = leaf({2, 3, 5, 2, 0, 5, 0, 3, 0}, {3, 3});
  prod(x, 1).backward(tensor({1.0, 2.0, 3.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {3, 3}, {15, 10, 6, 0, 20, 0, 0, 0, 0}));
}
TEST(OpProd, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({0, infinity, not_a_number, 1, 2, 3}, {2, 3});
  prod(x, 1).backward(tensor({0.0, 1.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 3}, {0, 0, 0, 6, 3, 2}));
}
TEST(OpProd, BrokenInput) { check_broken_axes(prod, "prod"); }

// op(x, axis) of some shapes against running step by step.
void check_running(Tensor (*op)(const Tensor&, std::int64_t), double (*step)(double, double),
                   double start) {
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{4, 3}, Shape{2, 3, 5}, Shape{3, 2, 150}}) {
    const Tensor x = frozen(random_leaf(shape));
    const std::vector<double> values = values_of(x);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis));
      const std::int64_t inner = shape.numel(axis + 1, shape.rank());
      std::vector<double> expected(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool first = static_cast<std::int64_t>(i) / inner % shape[axis] == 0;
        const double before = first ? start : expected[i - static_cast<std::size_t>(inner)];
        expected[i] = step(before, values[i]);
      }
      EXPECT_TRUE(is_close(op(x, axis), shape, expected, 1e-14));
      EXPECT_TRUE(is_close(op(x.to(DType::float32), axis - shape.rank()), shape, expected, 1e-5));
    }
  }
  EXPECT_TRUE(has_values(op(scalar(3.0), -1), {}, {3}));
  EXPECT_TRUE(has_values(op(zeros({2, 0}), 1), {2, 0}, {}));
  EXPECT_TRUE(has_values(op(zeros({0, 2}), 1), {0, 2}, {}));
  EXPECT_TRUE(std::isnan(values_of(op(tensor({1.0, not_a_number, 2.0}), 0))[2]));
}

void check_running_gradients(Tensor (*op)(const Tensor&, std::int64_t)) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{2, 3, 4}}) {
    for (int axis = 0; axis < std::max(1, shape.rank()); ++axis) {
      EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return op(in[0], axis); },
                                   {random_leaf(shape)}));
    }
  }
  EXPECT_TRUE(
      passes_gradcheck([=](const Inputs& in) { return op(in[0], 0) * in[0]; }, {random_leaf({4})}));
  const Tensor x = random_leaf({2, 0});
  op(x, 1).backward(zeros({2, 0}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 0}, {}));
}

void check_broken_axis(Tensor (*op)(const Tensor&, std::int64_t), const std::string& name) {
  EXPECT_ERROR(op(ones({2, 3}), 2), IndexError, name + ": axis 2 is outside [-2, 2)");
  EXPECT_ERROR(op(ones({}), 1), IndexError, name + ": axis 1 is outside [-1, 1)");
}

TEST(OpCumsum, KnownValuesAlongEachAxis) {
  check_running(
      cumsum, [](double sum, double v) { return sum + v; }, 0);
}
TEST(OpCumsum, KnownValuesOfIntegersBooleansAndManyFloats) {
  EXPECT_TRUE(has_values(cumsum(tensor({3, -5, 2, 7}, {2, 2}), 0), {2, 2}, {3, -5, 5, 2}));
  const Tensor mask = cumsum(tensor({true, false, true}), 0);
  EXPECT_TRUE(has_values(mask, {3}, {1, 1, 2}));
  EXPECT_EQ(mask.dtype(), DType::int64);
  const Tensor many = cumsum(ones({17'000'000}), 0);  // float32 alone would stop at 2^24
  EXPECT_EQ(select(many, 0, -1).item<std::int64_t>(), 17'000'000);
}
TEST(OpCumsum, Gradient) { check_running_gradients(cumsum); }
TEST(OpCumsum, BrokenInput) { check_broken_axis(cumsum, "cumsum"); }

TEST(OpCumprod, KnownValuesAlongEachAxis) {
  check_running(
      cumprod, [](double product, double v) { return product * v; }, 1);
}
TEST(OpCumprod, KnownValuesOfIntegers) {
  EXPECT_TRUE(has_values(cumprod(tensor({3, -5, 0, 7}), 0), {4}, {3, -15, 0, 0}));
}
TEST(OpCumprod, Gradient) { check_running_gradients(cumprod); }
TEST(OpCumprod, GradientWithZeros) {
  // y = a, ab, abc, abcd; cotangents 1, 10, 100, 1000.
  const auto gradient = [](double a, double b, double c, double d) {
    const Tensor x = leaf({a, b, c, d});
    cumprod(x, 0).backward(tensor({1.0, 10.0, 100.0, 1000.0}));
    const std::vector<double> expected{1 + 10 * b + 100 * b * c + 1000 * b * c * d,
                                       10 * a + 100 * a * c + 1000 * a * c * d,
                                       100 * a * b + 1000 * a * b * d, 1000 * a * b * c};
    EXPECT_EQ(gradient_of(x), expected);
  };
  gradient(2, 3, 5, 7);
  gradient(0, 3, 5, 7);
  gradient(2, 0, 5, 7);
  gradient(2, 3, 5, 0);
  gradient(2, 0, 5, 0);
  gradient(0, 0, -5, 7);
  gradient(0, 0, 0, 0);
}
TEST(OpCumprod, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({2, 0, infinity, not_a_number});
  cumprod(x, 0).backward(tensor({1.0, 3.0, 0.0, 0.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{1, 6, 0, 0}));
}
TEST(OpCumprod, BrokenInput) { check_broken_axis(cumprod, "cumprod"); }

}  // namespace
}  // namespace gradus
