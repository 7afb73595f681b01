#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/rounding.h>

#include "elementwise_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"floor", "a matrix", leaves({{2, 3}}, 0.1, 0.9),
           [](const Inputs& in) { return floor(in[0]); }},
    OpCase{"ceil", "a matrix", leaves({{2, 3}}, 0.1, 0.9),
           [](const Inputs& in) { return ceil(in[0]); }},
    OpCase{"round", "a matrix", leaves({{2, 3}}, 0.6, 1.4),
           [](const Inputs& in) { return round(in[0]); }},
    OpCase{"trunc", "a matrix", leaves({{2, 3}}, -0.9, 0.9),
           [](const Inputs& in) { return trunc(in[0]); }},
    OpCase{"fmod", "broadcast", leaves({{2, 3}, {3}}, 1.1, 1.9),
           [](const Inputs& in) { return fmod(in[0] * 3.1, in[1]); }},
    OpCase{"fmod", "a number", leaves({{2, 3}}, -0.9, -0.6),
           [](const Inputs& in) { return fmod(in[0], 0.5); }},
    OpCase{"remainder", "broadcast", leaves({{2, 3}, {3}}, 1.1, 1.9),
           [](const Inputs& in) { return remainder(in[0] * -3.1, in[1]); }},
    OpCase{"remainder", "a number", leaves({{2, 3}}, -0.9, -0.6),
           [](const Inputs& in) { return remainder(in[0], 0.5); }},
};

const Binary tensor_fmod = [](const Tensor& a, const Tensor& b) { return fmod(a, b); };
const Binary tensor_remainder = [](const Tensor& a, const Tensor& b) { return remainder(a, b); };

const std::vector<double> points{-2.5, -1.5, -0.5, -0.3, 0, 0.3, 0.5, 1.5, 2.5, 7, 1e300};

TEST(OpFloor, KnownValues) {
  check_unary_values(floor, std::floor, points);
  EXPECT_TRUE(has_values(floor(tensor({infinity, -infinity, not_a_number})), {3},
                         {infinity, -infinity, not_a_number}));
}
TEST(OpFloor, GradientIsZero) {
  check_unary_gradients(floor, 0.1, 0.9);
  EXPECT_EQ(gradient_at(floor, 1, 3), 0);
  EXPECT_EQ(gradient_at(floor, not_a_number, 3), 0);
}
TEST(OpFloor, BrokenInput) { check_broken_float_unary(floor, "floor"); }

TEST(OpCeil, KnownValues) {
  check_unary_values(ceil, std::ceil, points);
  EXPECT_TRUE(has_values(ceil(tensor({infinity, -infinity, not_a_number})), {3},
                         {infinity, -infinity, not_a_number}));
}
TEST(OpCeil, GradientIsZero) {
  check_unary_gradients(ceil, 0.1, 0.9);
  EXPECT_EQ(gradient_at(ceil, 1, 3), 0);
}
TEST(OpCeil, BrokenInput) { check_broken_float_unary(ceil, "ceil"); }

TEST(OpRound, KnownValuesGoToTheEvenOne) {
  EXPECT_TRUE(has_values(round(tensor({-2.5, -1.5, -0.5, 0.4, 0.5, 0.6, 1.5, 2.5, 3.5})), {9},
                         {-2, -2, 0, 0, 0, 1, 2, 2, 4}));
  EXPECT_TRUE(has_values(round(tensor({2.5f, 8388609.0f})), {2}, {2, 8388609}));
  EXPECT_TRUE(has_values(round(tensor({infinity, not_a_number})), {2}, {infinity, not_a_number}));
}
TEST(OpRound, GradientIsZero) {
  check_unary_gradients(round, 0.6, 1.4);
  EXPECT_EQ(gradient_at(round, 0.5, 3), 0);
}
TEST(OpRound, BrokenInput) { check_broken_float_unary(round, "round"); }

TEST(OpTrunc, KnownValues) {
  check_unary_values(trunc, std::trunc, points);
  EXPECT_TRUE(has_values(trunc(tensor({infinity, -infinity, not_a_number})), {3},
                         {infinity, -infinity, not_a_number}));
}
TEST(OpTrunc, GradientIsZero) {
  check_unary_gradients(trunc, -0.9, 0.9);
  EXPECT_EQ(gradient_at(trunc, 1, 3), 0);
}
TEST(OpTrunc, BrokenInput) { check_broken_float_unary(trunc, "trunc"); }

void check_broken_division(Binary op, Tensor (*with_number)(const Tensor&, Number),
                           const std::string& name) {
  EXPECT_ERROR(op(tensor({1, 2, 3, 4}, {2, 2}), tensor({5, 6, 0, 0}, {2, 2})), ValueError,
               name + ": the divisor is 0 at position [1, 0]");
  EXPECT_ERROR(op(tensor({1, 2}), scalar(0)), ValueError,
               name + ": the divisor is 0 at position []");
  EXPECT_ERROR(with_number(tensor({1, 2}), 0), ValueError, name + ": the divisor is 0");
  EXPECT_ERROR(with_number(tensor({1, 2}), 0.5), DTypeError,
               name + ": the number 0.5 is not an int64: use a float dtype");
}

TEST(OpFmod, KnownValuesForAllBroadcasts) {
  check_broadcast_values(tensor_fmod, [](double a, double b) { return std::fmod(a, b); });
}
TEST(OpFmod, KnownValuesHaveTheSignOfTheFirst) {
  const Tensor a = tensor({7.0, -7.0, 7.0, -7.0, 3.0, infinity, 1.0});
  const Tensor b = tensor({3.0, 3.0, -3.0, -3.0, 0.0, 2.0, infinity});
  EXPECT_TRUE(has_values(fmod(a, b), {7}, {1, -1, 1, -1, not_a_number, not_a_number, 1}));
  EXPECT_TRUE(has_values(fmod(tensor({5.5f, -5.5f}), 2), {2}, {1.5, -1.5}));
  EXPECT_TRUE(has_values(fmod(tensor({7, -7}), tensor({3, 3})), {2}, {1, -1}));
  EXPECT_TRUE(has_values(fmod(tensor({7, -7}), -3), {2}, {1, -1}));
}
TEST(OpFmod, Gradient) {
  const auto function = [](const Inputs& in) { return fmod(in[0], in[1]); };
  EXPECT_TRUE(passes_gradcheck(function, {leaf({7.3, -7.3, 7.3, -7.3}), leaf({3, 3, -3, -3})}));
  EXPECT_TRUE(passes_gradcheck(function, {leaf({7.3, -8.1}, {2, 1}), leaf({3, 2})}));
}
TEST(OpFmod, GradientIsZeroForAZeroCotangentAtZero) {
  const Tensor a = leaf({1});
  const Tensor b = leaf({0});
  fmod(a, b).backward(tensor({0.0}));
  EXPECT_EQ(gradient_of(a)[0], 0);
  EXPECT_EQ(gradient_of(b)[0], 0);
}
TEST(OpFmod, EmptyTensors) { check_empty(tensor_fmod); }
TEST(OpFmod, BrokenInput) {
  check_broken_binary(tensor_fmod, "fmod");
  check_broken_division(tensor_fmod, fmod, "fmod");
}

TEST(OpRemainder, KnownValuesForAllBroadcasts) {
  check_broadcast_values(tensor_remainder, [](double a, double b) { return std::fmod(a, b); });
}
TEST(OpRemainder, KnownValuesHaveTheSignOfTheSecond) {
  const Tensor a = tensor({7.0, -7.0, 7.0, -7.0, 3.0, 6.0, -6.0});
  const Tensor b = tensor({3.0, 3.0, -3.0, -3.0, 0.0, 3.0, 3.0});
  EXPECT_TRUE(has_values(remainder(a, b), {7}, {1, 2, -2, -1, not_a_number, 0, 0}));
  EXPECT_TRUE(has_values(remainder(tensor({5.5f, -5.5f}), 2), {2}, {1.5, 0.5}));
  EXPECT_TRUE(has_values(remainder(tensor({7, -7}), tensor({3, 3})), {2}, {1, 2}));
  EXPECT_TRUE(has_values(remainder(tensor({7, -7}), -3), {2}, {-2, -1}));
}
TEST(OpRemainder, Gradient) {
  const auto function = [](const Inputs& in) { return remainder(in[0], in[1]); };
  EXPECT_TRUE(passes_gradcheck(function, {leaf({7.3, -7.3, 7.3, -7.3}), leaf({3, 3, -3, -3})}));
  EXPECT_TRUE(passes_gradcheck(function, {leaf({7.3, -8.1}, {2, 1}), leaf({3, 2})}));
}
TEST(OpRemainder, GradientIsZeroForAZeroCotangentAtZero) {
  const Tensor b = leaf({0});
  remainder(tensor({1.0}), b).backward(tensor({0.0}));
  EXPECT_EQ(gradient_of(b)[0], 0);
}
TEST(OpRemainder, EmptyTensors) { check_empty(tensor_remainder); }
TEST(OpRemainder, BrokenInput) {
  check_broken_binary(tensor_remainder, "remainder");
  check_broken_division(tensor_remainder, remainder, "remainder");
}

TEST(FloorDivide, KnownValuesGoDownwards) {
  const Tensor a = tensor({7, -7, 7, -7, 6, -6});
  EXPECT_TRUE(
      has_values(floor_divide(a, tensor({2, 2, -2, -2, 3, 3})), {6}, {3, -4, -4, 3, 2, -2}));
  EXPECT_TRUE(has_values(floor_divide(a, 4), {6}, {1, -2, 1, -2, 1, -2}));
  EXPECT_TRUE(
      has_values(floor_divide(tensor({7, 8}, {2, 1}), tensor({2, 3})), {2, 2}, {3, 2, 4, 2}));
  EXPECT_TRUE(has_values(floor_divide(zeros({0}, DType::int64), 2), {0}, {}));
  const std::int64_t big = (std::int64_t{1} << 62) + 1;
  EXPECT_EQ(floor_divide(tensor({big}), 1).data<std::int64_t>()[0], big);
}
TEST(FloorDivide, BrokenInput) {
  check_broken_division([](const Tensor& a, const Tensor& b) { return floor_divide(a, b); },
                        floor_divide, "floor_divide");
  EXPECT_ERROR(floor_divide(ones({2}), ones({2})), DTypeError,
               "floor_divide: a tensor of dtype float32 where int64 is needed: for floats use "
               "floor(a / b)");
  EXPECT_ERROR(floor_divide(tensor({1}), ones({1})), DTypeError,
               "floor_divide: dtypes differ: a is int64 [1], b is float32 [1]: convert one with "
               "to()");
  EXPECT_ERROR(floor_divide(tensor({1, 2}), tensor({1, 2, 3})), ShapeError,
               "floor_divide: shapes do not broadcast: a is [2], b is [3]");
}

}  // namespace
}  // namespace gradus
