#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/product.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/where.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"addmm", "a matrix", leaves({{2, 4}, {2, 3}, {3, 4}}),
           [](const Inputs& in) { return addmm(in[0], in[1], in[2]); }},
    OpCase{"addmm", "a row, scaled", leaves({{4}, {2, 3}, {3, 4}}),
           [](const Inputs& in) { return addmm(in[0], in[1], in[2], {.beta = -0.5, .alpha = 2}); }},
    OpCase{"addmm", "a column without its share", leaves({{2, 1}, {2, 3}, {3, 4}}),
           [](const Inputs& in) { return addmm(in[0], in[1], in[2], {.beta = 0, .alpha = 0.5}); }},
    OpCase{"dot", "two vectors", leaves({{5}, {5}}),
           [](const Inputs& in) { return dot(in[0], in[1]); }},
};

using Values = std::vector<double>;

TEST(OpAddmm, KnownValuesWithoutTheProductWhateverItHolds) {
  for (const std::int64_t n : {1, 3, 300}) {  // of each engine
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Tensor broken = full({n, n}, std::numeric_limits<double>::quiet_NaN(), dtype);
      const Tensor y = addmm(ones({n, n}, dtype), broken, broken, {.beta = 2, .alpha = 0});
      EXPECT_EQ(sum(y).item(), 2.0 * static_cast<double>(n * n)) << n;
    }
  }
}
TEST(OpAddmm, KnownValuesOfScaledSums) {
  const Tensor a = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  const Tensor b = tensor({1.0, 0.0, 0.0, 1.0, 2.0, 2.0}, {3, 2});  // a b = [7 8; 16 17]
  const Tensor c = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  EXPECT_TRUE(has_values(addmm(c, a, b), {2, 2}, {8, 10, 19, 21}));
  EXPECT_TRUE(has_values(addmm(c, a, b, {.beta = 2, .alpha = -1}), {2, 2}, {-5, -4, -10, -9}));
  EXPECT_TRUE(has_values(addmm(tensor({10.0, 20.0}), a, b), {2, 2}, {17, 28, 26, 37}));
  EXPECT_TRUE(has_values(addmm(tensor({10.0, 20.0}, {2, 1}), a, b), {2, 2}, {17, 18, 36, 37}));
  EXPECT_TRUE(has_values(addmm(scalar(1.0), a, b), {2, 2}, {8, 9, 17, 18}));
  EXPECT_TRUE(has_values(addmm(c.to(DType::float32), a.to(DType::float32), b.to(DType::float32)),
                         {2, 2}, {8, 10, 19, 21}));
  EXPECT_TRUE(has_values(c, {2, 2}, {1, 2, 3, 4}));  // stays
}

TEST(OpAddmm, KnownValuesOfNothing) {
  const Tensor c = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  const Tensor a = zeros({2, 0}, DType::float64), b = zeros({0, 2}, DType::float64);
  EXPECT_TRUE(has_values(addmm(c, a, b, {.beta = 3}), {2, 2}, {3, 6, 9, 12}));
  EXPECT_TRUE(has_values(addmm(c, a, b, {.beta = 0}), {2, 2}, {0, 0, 0, 0}));
  EXPECT_TRUE(has_values(addmm(scalar(1.0), b, c), {0, 2}, {}));
}

TEST(OpAddmm, KnownValuesWithBetaZeroDoNotSeeC) {
  const Tensor c = leaf({not_a_number, infinity, 1, 2}, {2, 2});
  const Tensor a = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}), b = tensor({1.0, 0.0, 0.0, 1.0}, {2, 2});
  const Tensor y = addmm(c, a, b, {.beta = 0});
  EXPECT_TRUE(has_values(y, {2, 2}, {1, 2, 3, 4}));
  y.backward(full({2, 2}, infinity, DType::float64));
  EXPECT_EQ(gradient_of(c), Values({0, 0, 0, 0}));
}

TEST(OpAddmm, GradientOfAllInputs) {
  for (const AddmmOptions& options : {AddmmOptions{}, AddmmOptions{.beta = 0.5, .alpha = -2},
                                      AddmmOptions{.beta = 0}, AddmmOptions{.alpha = 0}}) {
    for (const Shape& c : {Shape{2, 4}, Shape{4}, Shape{2, 1}, Shape{}}) {
      EXPECT_TRUE(
          passes_gradcheck([&](const Inputs& in) { return addmm(in[0], in[1], in[2], options); },
                           {random_leaf(c, 1), random_leaf({2, 3}, 2), random_leaf({3, 4}, 3)}));
    }
  }
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return addmm(in[0], in[0], in[0]); },
                               {random_leaf({3, 3})}));
}

TEST(OpAddmm, BrokenInputNamesShapesAndDTypes) {
  const Tensor a = zeros({2, 3}), b = zeros({3, 4});
  const auto needed = [](const std::string& shapes) {
    return "addmm: matrices a [m, k] and b [k, n], and c that broadcasts to [m, n], are needed: " +
           shapes;
  };
  EXPECT_ERROR(addmm(zeros({4}), a, a), ShapeError, needed("c is [4], a is [2, 3], b is [2, 3]"));
  EXPECT_ERROR(addmm(zeros({2}), a, b), ShapeError, needed("c is [2], a is [2, 3], b is [3, 4]"));
  EXPECT_ERROR(addmm(zeros({1, 2, 4}), a, b), ShapeError,
               needed("c is [1, 2, 4], a is [2, 3], b is [3, 4]"));
  EXPECT_ERROR(addmm(zeros({4}), zeros({3}), b), ShapeError,
               needed("c is [4], a is [3], b is [3, 4]"));
  EXPECT_ERROR(addmm(scalar(1.0), a, b), DTypeError,
               "addmm: dtypes differ: c is float64, a is float32, b is float32: convert with to()");
  EXPECT_ERROR(addmm(arange(1), ones({1, 1}, DType::int64), ones({1, 1}, DType::int64)), DTypeError,
               "addmm: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpDot, KnownValues) {
  EXPECT_TRUE(has_values(dot(tensor({1.0, 2.0, 3.0}), tensor({4.0, 5.0, 6.0})), {}, {32}));
  EXPECT_TRUE(has_values(dot(zeros({0}), zeros({0})), {}, {0}));
  EXPECT_TRUE(is_close(dot(full({100'000}, 0.1F), full({100'000}, 0.7F)), {}, {7000}, 1e-5));
}

TEST(OpDot, Gradient) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return dot(in[0], in[1]); },
                               {random_leaf({5}, 1), random_leaf({5}, 2)}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return dot(in[0], in[0]); }, {random_leaf({5})}));
}

TEST(OpDot, GradientForAZeroCotangentIsZero) {
  const Tensor a = leaf({infinity, 1.0}, {2}), b = leaf({2.0, not_a_number}, {2});
  where(scalar(false), dot(a, b), scalar(1.0)).backward();
  EXPECT_TRUE(has_values(a.grad().dense(), {2}, {0, 0}));
  EXPECT_TRUE(has_values(b.grad().dense(), {2}, {0, 0}));
}

TEST(OpDot, BrokenInputNamesWhatDoesNotFit) {
  EXPECT_ERROR(dot(zeros({2}), zeros({3})), ShapeError, "dot: lengths differ: a is [2], b is [3]");
  EXPECT_ERROR(dot(zeros({2}), zeros({2, 1})), ShapeError,
               "dot: two vectors are needed: a is [2], b is [2, 1]");
  EXPECT_ERROR(dot(zeros({2}), zeros({2}, DType::float64)), DTypeError,
               "dot: dtypes differ: a is float32 [2], b is float64 [2]: convert one with to()");
  EXPECT_ERROR(dot(arange(2), arange(2)), DTypeError,
               "dot: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(Outer, GivesAZeroGradientForAZeroCotangent) {
  const Tensor a = leaf({infinity, 1.0}, {2}), b = leaf({not_a_number, 3.0}, {2});
  const Tensor y = outer(a, b);
  where(tensor({false, false, false, true}, {2, 2}), y, zeros_like(y)).backward(ones_like(y));
  EXPECT_TRUE(has_values(a.grad().dense(), {2}, {0, 3}));
  EXPECT_TRUE(has_values(b.grad().dense(), {2}, {0, 1}));
}

TEST(Outer, HasTheProductOfEveryPair) {
  EXPECT_TRUE(
      has_values(outer(tensor({1.0, 2.0}), tensor({3.0, 4.0, 5.0})), {2, 3}, {3, 4, 5, 6, 8, 10}));
  EXPECT_EQ(outer(zeros({0}), zeros({2})).shape(), Shape({0, 2}));
  EXPECT_TRUE(has_values(outer(tensor({2.0}), tensor({3.0})), {1, 1}, {6}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return outer(in[0], in[1]); },
                               {random_leaf({2}, 1), random_leaf({3}, 2)}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return outer(in[0], in[0]); }, {random_leaf({3})}));
  EXPECT_ERROR(outer(zeros({2, 2}), zeros({3})), ShapeError,
               "outer: two vectors are needed: a is [2, 2], b is [3]");
}

}  // namespace
}  // namespace gradus
