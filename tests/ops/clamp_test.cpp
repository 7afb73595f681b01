#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>

#include "elementwise_testing.h"

namespace gradus {
namespace {

// Values of a random sign, away from 0, and apart from one another by their first axis.
const OpCases cases{
    OpCase{"abs", "negative", leaves({{2, 3}}, -2, -0.5),
           [](const Inputs& in) { return abs(in[0]); }},
    OpCase{"sign", "a matrix", leaves({{2, 3}}, 0.5, 2),
           [](const Inputs& in) { return sign(in[0]); }},
    OpCase{"maximum", "broadcast", leaves({{2, 3}, {3}}),
           [](const Inputs& in) { return maximum(in[0], in[1]); }},
    OpCase{"minimum", "broadcast", leaves({{2, 1}, {2, 3}}),
           [](const Inputs& in) { return minimum(in[0], in[1]); }},
    OpCase{"clamp", "both bounds", leaves({{3, 4}}),
           [](const Inputs& in) { return clamp(in[0], -1.03, 0.97); }},
    OpCase{"clamp", "below", leaves({{3, 4}}), [](const Inputs& in) { return clamp(in[0], 0.1); }},
    OpCase{"hardtanh", "a matrix", leaves({{3, 4}}),
           [](const Inputs& in) { return hardtanh(in[0], -1.03, 0.97); }},
};

std::vector<double> shares(Binary op, double a, double b, double cotangent) {
  const Tensor x = leaf({a});
  const Tensor y = leaf({b});
  op(x, y).backward(tensor({cotangent}));
  return {gradient_of(x)[0], gradient_of(y)[0]};
}

TEST(OpAbs, KnownValues) {
  EXPECT_TRUE(has_values(abs(tensor({1.5, -2.0, 0.0, -infinity, not_a_number})), {5},
                         {1.5, 2, 0, infinity, not_a_number}));
  EXPECT_TRUE(has_values(abs(tensor({3, -4, 0})), {3}, {3, 4, 0}));
}
TEST(OpAbs, Gradient) {
  check_unary_gradients(abs, 0.5, 2);
  check_unary_gradients(abs, -2, -0.5);
}
TEST(OpAbs, GradientAtZeroIsZeroAndOfNaNIsNaN) {
  EXPECT_EQ(gradient_at(abs, 0, 3), 0);
  EXPECT_EQ(gradient_at(abs, -0.0, 3), 0);
  EXPECT_EQ(gradient_at(abs, -1e-300, 3), -3);
  EXPECT_TRUE(std::isnan(gradient_at(abs, not_a_number, 3)));
  EXPECT_EQ(gradient_at(abs, not_a_number, 0), 0);
}
TEST(OpAbs, BrokenInput) {
  EXPECT_ERROR(abs(zeros({2}, DType::boolean)), DTypeError, "abs: not defined for boolean tensors");
}

TEST(OpSign, KnownValues) {
  EXPECT_TRUE(has_values(sign(tensor({1.5, -2.0, 0.0, -infinity, not_a_number})), {5},
                         {1, -1, 0, -1, not_a_number}));
  EXPECT_TRUE(has_values(sign(tensor({3, -4, 0})), {3}, {1, -1, 0}));
}
TEST(OpSign, GradientIsZero) {
  check_unary_gradients(sign, 0.5, 2);
  EXPECT_EQ(gradient_at(sign, 0, 3), 0);
  EXPECT_EQ(gradient_at(sign, not_a_number, 3), 0);
}
TEST(OpSign, BrokenInput) {
  EXPECT_ERROR(sign(zeros({2}, DType::boolean)), DTypeError,
               "sign: not defined for boolean tensors");
}

TEST(OpMaximum, KnownValuesForAllBroadcasts) {
  check_broadcast_values(maximum, [](double a, double b) { return a > b ? a : b; });
}
TEST(OpMaximum, KnownValuesOfNaNAndIntegers) {
  EXPECT_TRUE(has_values(maximum(tensor({not_a_number, 1.0, infinity, not_a_number}),
                                 tensor({1.0, not_a_number, 2.0, not_a_number})),
                         {4}, {not_a_number, not_a_number, infinity, not_a_number}));
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(maximum(tensor({big}), tensor({big - 1})).data<std::int64_t>()[0], big);
}
TEST(OpMaximum, GradientOfAllBroadcasts) {
  const auto function = [](const Inputs& in) { return maximum(in[0], in[1]); };
  for_each_broadcast_pair([&](const Shape& a, const Shape& b, const Shape&) {
    EXPECT_TRUE(passes_gradcheck(function, {random_leaf(a, 1), random_leaf(b, 2)}));
  });
}
TEST(OpMaximum, GradientOfTiesIsSharedEvenlyAndNaNTakesItAll) {
  EXPECT_EQ(shares(maximum, 2, 2, 4), (std::vector<double>{2, 2}));
  EXPECT_EQ(shares(maximum, 0, -0.0, 4), (std::vector<double>{2, 2}));
  EXPECT_EQ(shares(maximum, 3, 2, 4), (std::vector<double>{4, 0}));
  EXPECT_EQ(shares(maximum, not_a_number, 2, 4), (std::vector<double>{4, 0}));
  EXPECT_EQ(shares(maximum, 2, not_a_number, 4), (std::vector<double>{0, 4}));
  EXPECT_EQ(shares(maximum, not_a_number, not_a_number, 4), (std::vector<double>{2, 2}));
  const Tensor x = leaf({1, 2});
  maximum(x, x).backward(tensor({3.0, 5.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{3, 5}));
}
TEST(OpMaximum, EmptyTensors) { check_empty(maximum); }
TEST(OpMaximum, BrokenInput) { check_broken_binary(maximum, "maximum"); }

TEST(OpMinimum, KnownValuesForAllBroadcasts) {
  check_broadcast_values(minimum, [](double a, double b) { return a < b ? a : b; });
}
TEST(OpMinimum, KnownValuesOfNaNAndIntegers) {
  EXPECT_TRUE(has_values(minimum(tensor({not_a_number, 1.0, -infinity, not_a_number}),
                                 tensor({1.0, not_a_number, 2.0, not_a_number})),
                         {4}, {not_a_number, not_a_number, -infinity, not_a_number}));
  EXPECT_TRUE(has_values(minimum(tensor({3, -4}), tensor({1, 5})), {2}, {1, -4}));
}
TEST(OpMinimum, GradientOfAllBroadcasts) {
  const auto function = [](const Inputs& in) { return minimum(in[0], in[1]); };
  for_each_broadcast_pair([&](const Shape& a, const Shape& b, const Shape&) {
    EXPECT_TRUE(passes_gradcheck(function, {random_leaf(a, 1), random_leaf(b, 2)}));
  });
}
TEST(OpMinimum, GradientOfTiesIsSharedEvenlyAndNaNTakesItAll) {
  EXPECT_EQ(shares(minimum, 2, 2, 4), (std::vector<double>{2, 2}));
  EXPECT_EQ(shares(minimum, 3, 2, 4), (std::vector<double>{0, 4}));
  EXPECT_EQ(shares(minimum, not_a_number, 2, 4), (std::vector<double>{4, 0}));
  EXPECT_EQ(shares(minimum, 2, not_a_number, 4), (std::vector<double>{0, 4}));
}
TEST(OpMinimum, EmptyTensors) { check_empty(minimum); }
TEST(OpMinimum, BrokenInput) { check_broken_binary(minimum, "minimum"); }

TEST(OpClamp, KnownValuesWithOneAndTwoBounds) {
  const Tensor x = tensor({-2.0, -0.5, 0.0, 0.5, 2.0, not_a_number, infinity, -infinity});
  EXPECT_TRUE(has_values(clamp(x, -1, 1), {8}, {-1, -0.5, 0, 0.5, 1, not_a_number, 1, -1}));
  EXPECT_TRUE(has_values(clamp(x, 0), {8}, {0, 0, 0, 0.5, 2, not_a_number, infinity, 0}));
  EXPECT_TRUE(has_values(clamp(x, {}, 0.25), {8},
                         {-2, -0.5, 0, 0.25, 0.25, not_a_number, 0.25, -infinity}));
  EXPECT_TRUE(has_values(clamp(x.to(DType::float32), -1, 1), {8},
                         {-1, -0.5, 0, 0.5, 1, not_a_number, 1, -1}));
  EXPECT_TRUE(has_values(clamp(tensor({0.0, 5.0}), 3, 1), {2}, {1, 1}));  // as PyTorch: max
}
TEST(OpClamp, KnownValuesOfIntegers) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const Tensor x = tensor({-5, 0, 7});
  EXPECT_TRUE(has_values(clamp(x, -2, 3), {3}, {-2, 0, 3}));
  EXPECT_TRUE(has_values(clamp(x, 1), {3}, {1, 1, 7}));
  EXPECT_EQ(clamp(tensor({big, -big}), {}, 0).data<std::int64_t>()[1], -big);
  EXPECT_EQ(clamp(tensor({big}), 0).data<std::int64_t>()[0], big);
}
TEST(OpClamp, Gradient) {
  check_unary_gradients([](const Tensor& x) { return clamp(x, -1, 1); }, -0.9, 0.9);
  check_unary_gradients([](const Tensor& x) { return clamp(x, -1, 1); }, 1.1, 2);
  check_unary_gradients([](const Tensor& x) { return clamp(x, {}, 1); }, -3, 0.9);
}
TEST(OpClamp, GradientPassesOnTheBounds) {
  const Unary op = [](const Tensor& x) { return clamp(x, -1, 2); };
  EXPECT_EQ(gradient_at(op, -1, 3), 3);
  EXPECT_EQ(gradient_at(op, 2, 3), 3);
  EXPECT_EQ(gradient_at(op, std::nextafter(2.0, 3.0), 3), 0);
  EXPECT_EQ(gradient_at(op, std::nextafter(-1.0, -3.0), 3), 0);
  EXPECT_EQ(gradient_at(op, infinity, 3), 0);
  EXPECT_TRUE(std::isnan(gradient_at(op, not_a_number, 3)));
  EXPECT_EQ(gradient_at(op, not_a_number, 0), 0);
}
TEST(OpClamp, GradientOnTheBoundsInEveryLane) {
  for (const std::int64_t n : {1, 7, 16, 19}) {
    const Tensor x = full({n}, 0.1, DType::float32).set_trainable(true);
    clamp(x, 0.1, 5).backward(ones({n}));
    EXPECT_EQ(gradient_of(x), std::vector<double>(static_cast<std::size_t>(n), 1));
  }
}
TEST(OpClamp, BrokenInput) {
  EXPECT_ERROR(clamp(ones({2}), {}), ValueError, "clamp: neither min nor max is given");
  EXPECT_ERROR(clamp(ones({2}), not_a_number), ValueError, "clamp: min is NaN");
  EXPECT_ERROR(clamp(ones({2}), 0, not_a_number), ValueError, "clamp: max is NaN");
  EXPECT_ERROR(clamp(tensor({1}), 0.5), DTypeError,
               "clamp: the number 0.5 is not an int64: use a float dtype");
  EXPECT_ERROR(clamp(zeros({2}, DType::boolean), 0), DTypeError,
               "clamp: a tensor of dtype boolean where float32 or float64 is needed");
}

TEST(OpHardtanh, KnownValues) {
  EXPECT_TRUE(has_values(hardtanh(tensor({-2.0, -0.5, 3.0, not_a_number, -infinity})), {5},
                         {-1, -0.5, 1, not_a_number, -1}));
  EXPECT_TRUE(has_values(hardtanh(tensor({-2.0f, 4.0f, 7.0f}), 0, 6), {3}, {0, 4, 6}));
}
TEST(OpHardtanh, Gradient) {
  check_unary_gradients([](const Tensor& x) { return hardtanh(x); }, -0.9, 0.9);
  check_unary_gradients([](const Tensor& x) { return hardtanh(x); }, -3, -1.1);
}
TEST(OpHardtanh, GradientOnTheBoundsIsZero) {
  const Unary op = [](const Tensor& x) { return hardtanh(x, -1, 2); };
  EXPECT_EQ(gradient_at(op, -1, 3), 0);
  EXPECT_EQ(gradient_at(op, 2, 3), 0);
  EXPECT_EQ(gradient_at(op, 1.9, 3), 3);
  EXPECT_TRUE(std::isnan(gradient_at(op, not_a_number, 3)));
}
TEST(OpHardtanh, BrokenInput) {
  check_broken_floating([](const Tensor& x) { return hardtanh(x); }, "hardtanh");
  EXPECT_ERROR(hardtanh(ones({2}), 2, 1), ValueError,
               "hardtanh: min is 2 and max is 1: min <= max is needed");
  EXPECT_ERROR(hardtanh(ones({2}), not_a_number, 1), ValueError,
               "hardtanh: min is nan and max is 1: min <= max is needed");
}

TEST(Limits, EmptyTensors) {
  EXPECT_TRUE(has_values(clamp(zeros({0, 3}), 0), {0, 3}, {}));
  EXPECT_TRUE(has_values(clamp(zeros({0}, DType::int64), 0), {0}, {}));
  const Tensor x = random_leaf({0, 3});
  hardtanh(clamp(x, 0)).backward(zeros({0, 3}, DType::float64));
  EXPECT_TRUE(gradient_of(x).empty());
}

}  // namespace
}  // namespace gradus
