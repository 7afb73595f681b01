#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/where.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

Inputs some_mask() { return {tensor({true, false, true})}; }

const OpCases cases{
    OpCase{"where", "broadcast", leaves_and({{2, 3}, {2, 1}}, some_mask),
           [](const Inputs& in) { return where(in[2], in[0], in[1]); }},
    OpCase{"where", "with a number", leaves_and({{2, 3}}, some_mask),
           [](const Inputs& in) { return where(in[1], 0.5, in[0]); }},
    OpCase{"masked_fill", "broadcast", leaves_and({{2, 3}}, some_mask),
           [](const Inputs& in) { return masked_fill(in[0], in[1], -1); }},
    OpCase{"masked_fill", "a larger mask", leaves_and({{2, 1}}, some_mask),
           [](const Inputs& in) { return masked_fill(in[0], in[1], -1); }},
    OpCase{"masked_select", "broadcast", leaves_and({{2, 3}}, some_mask),
           [](const Inputs& in) { return masked_select(in[0], in[1]); }},
    OpCase{"masked_select", "repeated elements", leaves_and({{2, 1}}, some_mask),
           [](const Inputs& in) { return masked_select(in[0], in[1]); }},
};

TEST(OpWhere, KnownValuesOfEveryDType) {
  const Tensor mask = tensor({true, false, true});
  EXPECT_TRUE(
      has_values(where(mask, tensor({1.0, 2.0, 3.0}), tensor({4.0, 5.0, 6.0})), {3}, {1, 5, 3}));
  EXPECT_TRUE(has_values(where(mask, tensor({1.0f, 2.0f, 3.0f}), -1), {3}, {1, -1, 3}));
  EXPECT_TRUE(has_values(where(mask, -1, tensor({1.0f, 2.0f, 3.0f})), {3}, {-1, 2, -1}));
  EXPECT_TRUE(has_values(where(mask, tensor({1, 2, 3}), 7), {3}, {1, 7, 3}));
  EXPECT_TRUE(has_values(where(mask, mask, logical_not(mask)), {3}, {1, 1, 1}));
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(where(mask, tensor({big}), 0).data<std::int64_t>()[2], big);
}
TEST(OpWhere, KnownValuesForAllBroadcastsOfThree) {
  const std::vector<Shape> masks{{}, {1}, {3}, {2, 1}, {2, 3}, {3, 1, 1}, {2, 1, 2, 3}};
  for_each_broadcast_pair([&](const Shape& a, const Shape& b, const Shape& both) {
    for (const Shape& m : masks) {
      const Shape result = broadcast_shapes(m, both, "test");
      const Tensor mask = greater(frozen(random_leaf(m, 3)), 0);
      const Tensor x = random_leaf(a, 1);
      const Tensor y = random_leaf(b, 2);
      std::vector<double> expected;
      std::vector<double> dx(static_cast<std::size_t>(a.numel()));
      std::vector<double> dy(static_cast<std::size_t>(b.numel()));
      const Tensor g = frozen(random_leaf(result, 4));
      for (std::int64_t i = 0; i < result.numel(); ++i) {
        const std::int64_t p = broadcast_offset(a, result, i), q = broadcast_offset(b, result, i);
        const bool taken = mask.data<bool>()[broadcast_offset(m, result, i)];
        expected.push_back(taken ? x.data<double>()[p] : y.data<double>()[q]);
        (taken ? dx[static_cast<std::size_t>(p)] : dy[static_cast<std::size_t>(q)]) +=
            g.data<double>()[i];
      }
      SCOPED_TRACE(m.str() + a.str() + b.str());
      const Tensor z = where(mask, x, y);
      EXPECT_TRUE(has_values(z, result, expected));
      z.backward(g);
      EXPECT_TRUE(is_close(x.grad().dense(), a, dx, 1e-13));
      EXPECT_TRUE(is_close(y.grad().dense(), b, dy, 1e-13));
    }
  });
}
TEST(OpWhere, GradientOfBothSides) {
  const Tensor mask = tensor({true, false, true});
  const auto function = [&](const Inputs& in) { return where(mask, in[0], in[1]); };
  EXPECT_TRUE(passes_gradcheck(function, {random_leaf({2, 3}, 1), random_leaf({3}, 2)}));
  const Tensor x = random_leaf({3});
  EXPECT_TRUE(passes_gradcheck([&](const Inputs& in) { return where(mask, in[0], in[0]); }, {x}));
  EXPECT_FALSE(where(mask, frozen(x), 1).requires_grad());
}
TEST(OpWhere, GradientOfWhatIsNotTakenIsZeroEvenForNaN) {
  const Tensor mask = tensor({true, false, true});
  const Tensor a = leaf({1, not_a_number, 3});
  const Tensor b = leaf({infinity, 5, not_a_number});
  const Tensor y = where(mask, a, b);
  EXPECT_TRUE(has_values(y, {3}, {1, 5, 3}));
  y.backward(tensor({not_a_number, 2.0, infinity}));
  EXPECT_TRUE(has_values(a.grad().dense(), {3}, {not_a_number, 0, infinity}));
  EXPECT_TRUE(has_values(b.grad().dense(), {3}, {0, 2, 0}));
}
// f(x) = log(x) where x > 0, else 0: finite although log is not, since log keeps the rule for a
// cotangent of 0. The double where, which other libraries need, gives the same.
TEST(OpWhere, GradientThroughAnUndefinedBranch) {
  const Tensor x = leaf({2, 0, -1});
  sum(where(greater(x, 0), log(x), 0)).backward();
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0.5, 0, 0}));
  const Tensor y = leaf({2, 0, -1});
  const Tensor positive = greater(y, 0);
  sum(where(positive, log(where(positive, y, 1)), 0)).backward();
  EXPECT_EQ(gradient_of(y), (std::vector<double>{0.5, 0, 0}));
  const Tensor z = leaf({1000, 1});
  sum(where(less(z, 10), exp(z), z)).backward();  // exp overflows where it is not taken
  EXPECT_TRUE(is_close(z.grad().dense(), {2}, {1, std::exp(1.0)}, 1e-15));
}
TEST(OpWhere, EmptyAndOneElement) {
  const Tensor none = zeros({0, 3}, DType::boolean);
  EXPECT_TRUE(has_values(where(none, ones({3}), 0), {0, 3}, {}));
  EXPECT_TRUE(has_values(where(scalar(true), scalar(1.0), scalar(2.0)), {}, {1}));
  const Tensor x = random_leaf({1, 3});
  where(none, x, 1).backward(zeros({0, 3}, DType::float64));
  EXPECT_EQ(gradient_of(x), std::vector<double>(3, 0.0));
}
TEST(OpWhere, BrokenInput) {
  const Tensor mask = tensor({true, false});
  EXPECT_ERROR(where(ones({2}), ones({2}), 0), DTypeError,
               "where: a mask of dtype float32 where boolean is needed: compare it first, as in "
               "not_equal(mask, 0)");
  EXPECT_ERROR(where(mask, ones({2}), tensor({1, 2})), DTypeError,
               "where: dtypes differ: a is float32 [2], b is int64 [2]: convert one with to()");
  EXPECT_ERROR(where(mask, ones({2}), ones({3})), ShapeError,
               "where: shapes do not broadcast: a is [2], b is [3]");
  EXPECT_ERROR(where(mask, ones({4, 3}), 0), ShapeError,
               "where: shapes do not broadcast: the mask is [2], the values are [4, 3]");
  EXPECT_ERROR(where(mask, tensor({1, 2}), 0.5), DTypeError,
               "where: the number 0.5 is not an int64: use a float dtype");
}

TEST(OpMaskedFill, KnownValues) {
  const Tensor mask = tensor({true, false, true});
  EXPECT_TRUE(has_values(
      masked_fill(tensor({1.0f, 2.0f, std::numeric_limits<float>::quiet_NaN()}), mask, -infinity),
      {3}, {-infinity, 2, -infinity}));
  EXPECT_TRUE(has_values(masked_fill(tensor({1, 2, 3, 4, 5, 6}, {2, 3}), mask, 9), {2, 3},
                         {9, 2, 9, 9, 5, 9}));
  EXPECT_TRUE(
      has_values(masked_fill(tensor({1.0, 2.0}, {2, 1}), mask, 0), {2, 3}, {0, 1, 0, 0, 2, 0}));
  EXPECT_TRUE(has_values(masked_fill(zeros({0, 3}), mask, 0), {0, 3}, {}));
}
TEST(OpMaskedFill, Gradient) {
  const Tensor mask = tensor({true, false, true});
  const auto function = [&](const Inputs& in) { return masked_fill(in[0], mask, 2); };
  for (const Shape& shape : {Shape{3}, Shape{2, 3}, Shape{2, 1}, Shape{1}, Shape{}}) {
    EXPECT_TRUE(passes_gradcheck(function, {random_leaf(shape)}));
  }
}
TEST(OpMaskedFill, GradientUnderTheMaskIsZeroEvenForNaN) {
  const Tensor x = leaf({not_a_number, 2, infinity});
  masked_fill(x, tensor({true, false, true}), 0).backward(tensor({infinity, 3.0, not_a_number}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 3, 0}));
}
TEST(OpMaskedFill, BrokenInput) {
  EXPECT_ERROR(
      masked_fill(ones({2}), tensor({1, 0}), 0), DTypeError,
      "masked_fill: a mask of dtype int64 where boolean is needed: compare it first, as in "
      "not_equal(mask, 0)");
  EXPECT_ERROR(masked_fill(ones({2}), zeros({3}, DType::boolean), 0), ShapeError,
               "masked_fill: shapes do not broadcast: the mask is [3], the values are [2]");
  EXPECT_ERROR(masked_fill(tensor({1}), zeros({1}, DType::boolean), 0.5), DTypeError,
               "masked_fill: the number 0.5 is not an int64: use a float dtype");
}

TEST(OpMaskedSelect, KnownValues) {
  const Tensor mask = tensor({true, false, true});
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  EXPECT_TRUE(has_values(masked_select(x, mask), {4}, {1, 3, 4, 6}));
  EXPECT_TRUE(has_values(masked_select(x, greater(x, 4)), {2}, {5, 6}));
  EXPECT_TRUE(has_values(masked_select(x, greater(x, 9)), {0}, {}));
  EXPECT_TRUE(has_values(masked_select(tensor({7, 8}, {2, 1}), mask), {4}, {7, 7, 8, 8}));
  EXPECT_TRUE(has_values(masked_select(scalar(5.0f), scalar(true)), {1}, {5}));
  EXPECT_TRUE(has_values(masked_select(mask, mask), {2}, {1, 1}));
  EXPECT_TRUE(has_values(masked_select(zeros({0, 3}), mask), {0}, {}));
}
TEST(OpMaskedSelect, Gradient) {
  const Tensor mask = tensor({true, false, true});
  const auto function = [&](const Inputs& in) { return masked_select(in[0], mask); };
  for (const Shape& shape : {Shape{3}, Shape{2, 3}, Shape{2, 1}, Shape{1}, Shape{}}) {
    EXPECT_TRUE(passes_gradcheck(function, {random_leaf(shape)}));
  }
}
TEST(OpMaskedSelect, GradientOfWhatIsNotTakenIsZeroEvenForNaN) {
  const Tensor x = leaf({not_a_number, 2, infinity});
  masked_select(x, tensor({false, true, false})).backward(tensor({3.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 3, 0}));
}
TEST(OpMaskedSelect, BrokenInput) {
  EXPECT_ERROR(masked_select(ones({2}), ones({2})), DTypeError,
               "masked_select: a mask of dtype float32 where boolean is needed: compare it first, "
               "as in not_equal(mask, 0)");
  EXPECT_ERROR(masked_select(ones({2}), zeros({3}, DType::boolean)), ShapeError,
               "masked_select: shapes do not broadcast: the mask is [3], the values are [2]");
}

}  // namespace
}  // namespace gradus
