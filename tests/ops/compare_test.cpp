#include <gradus/framework/ops/compare.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

using Compare = Tensor (*)(const Tensor&, const Tensor&);
using CompareNumber = Tensor (*)(const Tensor&, Number);

struct Case {
  const char* name;
  Compare op;
  CompareNumber with_number;
  bool (*expected)(double, double);
};

const Case cases[] = {
    {"equal", equal, equal, [](double a, double b) { return a == b; }},
    {"not_equal", not_equal, not_equal, [](double a, double b) { return a != b; }},
    {"less", less, less, [](double a, double b) { return a < b; }},
    {"less_equal", less_equal, less_equal, [](double a, double b) { return a <= b; }},
    {"greater", greater, greater, [](double a, double b) { return a > b; }},
    {"greater_equal", greater_equal, greater_equal, [](double a, double b) { return a >= b; }},
};

TEST(Compare, AllPairsOfSpecialValuesInBothFloatTypes) {
  const std::vector<double> points{-infinity, -1.5, -0.0, 0.0, 1.5, infinity, not_a_number};
  const auto n = static_cast<std::int64_t>(points.size());
  const Tensor a = tensor(points, {n, 1});
  const Tensor b = tensor(points, {n});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<double> expected;
    for (const double x : points) {
      for (const double y : points) expected.push_back(c.expected(x, y) ? 1 : 0);
    }
    const Tensor result = c.op(a, b);
    EXPECT_EQ(result.dtype(), DType::boolean);
    EXPECT_TRUE(has_values(result, {n, n}, expected));
    EXPECT_TRUE(has_values(c.op(a.to(DType::float32), b.to(DType::float32)), {n, n}, expected));
    for (std::size_t j = 0; j < points.size(); ++j) {
      std::vector<double> column;
      for (std::size_t i = 0; i < points.size(); ++i)
        column.push_back(expected[i * points.size() + j]);
      EXPECT_TRUE(has_values(c.with_number(b, points[j]), {n}, column));
      EXPECT_TRUE(has_values(c.with_number(b.to(DType::float32), points[j]), {n}, column));
    }
  }
}

TEST(Compare, IntegersBeyondDoublePrecision) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const Tensor x = tensor({big, big - 1, std::int64_t{-5}});
  EXPECT_TRUE(has_values(equal(x, tensor({big})), {3}, {1, 0, 0}));
  EXPECT_TRUE(has_values(less(x, tensor({big})), {3}, {0, 1, 1}));
  EXPECT_TRUE(has_values(not_equal(tensor({0, 1, 0}), 0), {3}, {0, 1, 0}));
}

TEST(Compare, BroadcastsAllPairsOfShapes) {
  for_each_broadcast_pair([](const Shape& a, const Shape& b, const Shape& result) {
    const Tensor x = random_leaf(a, 1);
    const Tensor y = random_leaf(b, 2);
    std::vector<double> expected;
    for (std::int64_t i = 0; i < result.numel(); ++i) {
      const double p = x.data<double>()[broadcast_offset(a, result, i)];
      const double q = y.data<double>()[broadcast_offset(b, result, i)];
      expected.push_back(p < q ? 1 : 0);
    }
    EXPECT_TRUE(has_values(less(x, y), result, expected));
    EXPECT_FALSE(less(x, y).requires_grad());
  });
}

TEST(Compare, EmptyTensors) {
  EXPECT_TRUE(has_values(equal(zeros({0, 2}), zeros({2})), {0, 2}, {}));
  EXPECT_TRUE(has_values(equal(zeros({0}), 1), {0}, {}));
}

TEST(Compare, BrokenInputNamesWhatIsWrong) {
  for (const Case& c : cases) {
    const std::string name = c.name;
    EXPECT_ERROR(c.op(zeros({2}), zeros({3})), ShapeError,
                 name + ": shapes do not broadcast: a is [2], b is [3]");
    EXPECT_ERROR(c.op(zeros({2}), zeros({2}, DType::int64)), DTypeError,
                 name + ": dtypes differ: a is float32 [2], b is int64 [2]: convert one with to()");
    EXPECT_ERROR(c.with_number(zeros({2}, DType::boolean), 1), DTypeError,
                 name + ": not defined for boolean tensors");
    EXPECT_ERROR(c.with_number(tensor({1}), 1.5), DTypeError,
                 name + ": the number 1.5 is not an int64: use a float dtype");
  }
}

TEST(Compare, OperatorsCompareTensorsAndNumbersOnEitherSide) {
  const Tensor a = tensor({1.0, 2.0, 3.0, not_a_number}), b = tensor({2.0, 2.0, 2.0, 2.0});
  EXPECT_EQ((a < b).dtype(), DType::boolean);
  EXPECT_TRUE(has_values(a < b, {4}, {1, 0, 0, 0}));
  EXPECT_TRUE(has_values(a <= b, {4}, {1, 1, 0, 0}));
  EXPECT_TRUE(has_values(a > b, {4}, {0, 0, 1, 0}));
  EXPECT_TRUE(has_values(a >= b, {4}, {0, 1, 1, 0}));
  EXPECT_TRUE(has_values(a < 2, {4}, {1, 0, 0, 0}));
  EXPECT_TRUE(has_values(a <= 2.0, {4}, {1, 1, 0, 0}));
  EXPECT_TRUE(has_values(a > 2.0f, {4}, {0, 0, 1, 0}));
  EXPECT_TRUE(has_values(a >= 2u, {4}, {0, 1, 1, 0}));
  EXPECT_TRUE(has_values(2 < a, {4}, {0, 0, 1, 0}));
  EXPECT_TRUE(has_values(2 <= a, {4}, {0, 1, 1, 0}));
  EXPECT_TRUE(has_values(2 > a, {4}, {1, 0, 0, 0}));
  EXPECT_TRUE(has_values(2 >= a, {4}, {1, 1, 0, 0}));
  const Tensor column = tensor({1, 3}, {2, 1}), row = tensor({1, 2, 3});
  EXPECT_TRUE(has_values(column < row, {2, 3}, {0, 1, 1, 0, 0, 0}));
  EXPECT_FALSE((random_leaf({2}) < 0).requires_grad());
}

TEST(Compare, OperatorsNameTheOpInErrors) {
  EXPECT_ERROR(zeros({2}) < zeros({3}), ShapeError,
               "less: shapes do not broadcast: a is [2], b is [3]");
  EXPECT_ERROR(zeros({2}) >= zeros({2}, DType::int64), DTypeError,
               "greater_equal: dtypes differ: a is float32 [2], b is int64 [2]: convert one with "
               "to()");
  EXPECT_ERROR(zeros({2}, DType::boolean) > 1, DTypeError,
               "greater: not defined for boolean tensors");
  EXPECT_ERROR(1 < zeros({2}, DType::boolean), DTypeError,
               "greater: not defined for boolean tensors");
}

TEST(Compare, IsNaN) {
  EXPECT_TRUE(has_values(isnan(tensor({1.0, not_a_number, infinity})), {3}, {0, 1, 0}));
  EXPECT_ERROR(isnan(tensor({1})), DTypeError, "isnan: not defined for int64 tensors");
}

TEST(Logical, TruthTables) {
  const Tensor a = tensor({false, false, true, true});
  const Tensor b = tensor({false, true, false, true});
  EXPECT_TRUE(has_values(logical_and(a, b), {4}, {0, 0, 0, 1}));
  EXPECT_TRUE(has_values(logical_or(a, b), {4}, {0, 1, 1, 1}));
  EXPECT_TRUE(has_values(logical_xor(a, b), {4}, {0, 1, 1, 0}));
  EXPECT_TRUE(has_values(logical_not(b), {4}, {1, 0, 1, 0}));
}

TEST(Logical, BroadcastsAndTakesEmpty) {
  const Tensor a = tensor({true, false}, {2, 1});
  const Tensor b = tensor({false, true, true});
  EXPECT_TRUE(has_values(logical_and(a, b), {2, 3}, {0, 1, 1, 0, 0, 0}));
  EXPECT_TRUE(has_values(logical_or(scalar(true), b), {3}, {1, 1, 1}));
  EXPECT_TRUE(has_values(logical_not(zeros({0}, DType::boolean)), {0}, {}));
}

TEST(Logical, BrokenInputNamesWhatIsWrong) {
  EXPECT_ERROR(logical_not(zeros({2})), DTypeError,
               "logical_not: a tensor of dtype float32 where boolean is needed: compare it first, "
               "as in not_equal(x, 0)");
  EXPECT_ERROR(logical_and(zeros({2}, DType::boolean), tensor({1, 1})), DTypeError,
               "logical_and: a tensor of dtype int64 where boolean is needed: compare it first, as "
               "in not_equal(x, 0)");
  EXPECT_ERROR(logical_or(zeros({2}, DType::boolean), zeros({3}, DType::boolean)), ShapeError,
               "logical_or: shapes do not broadcast: a is [2], b is [3]");
  EXPECT_ERROR(logical_xor(zeros({2}), zeros({3}, DType::boolean)), DTypeError,
               "logical_xor: a tensor of dtype float32 where boolean is needed: compare it first, "
               "as in not_equal(x, 0)");
}

}  // namespace
}  // namespace gradus
