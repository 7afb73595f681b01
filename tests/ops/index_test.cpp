#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/tests/support/op_cases.h>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"index_select", "repeated ids",
           leaves_and({{2, 3}},
                      [] {
                        return Inputs{tensor<std::int64_t>({2, 0, 2, 1}, {4})};
                      }),
           [](const Inputs& in) { return index_select(in[0], 1, in[1]); }},
    OpCase{"gather", "repeated ids",
           leaves_and({{2, 3}},
                      [] {
                        return Inputs{tensor<std::int64_t>({2, 0, 2, 1}, {2, 2})};
                      }),
           [](const Inputs& in) { return gather(in[0], 1, in[1]); }},
};

using Values = std::vector<double>;

Tensor no_ids(const Shape& shape = {0}) { return zeros(shape, DType::int64); }

TEST(OpIndexSelect, KnownValuesOnEveryAxis) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(
      has_values(index_select(x, 0, tensor({1, 0, 1})), {3, 3}, {3, 4, 5, 0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(has_values(index_select(x, 1, tensor({2, 2, 0})), {2, 3}, {2, 2, 0, 5, 5, 3}));
  EXPECT_TRUE(
      has_values(index_select(counting({2, 2, 2}), -2, tensor({1})), {2, 1, 2}, {2, 3, 6, 7}));
}

TEST(OpIndexSelect, KnownValuesOfEveryDtype) {
  const Tensor ids = tensor({1, 1, 0});
  for (const DType type : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
    const Tensor x = tensor({0, 1, 1, 0}, {2, 2}).to(type);
    EXPECT_TRUE(has_values(index_select(x, 0, ids), {3, 2}, {1, 0, 1, 0, 0, 1}));
    EXPECT_EQ(index_select(x, 1, ids).dtype(), type);
  }
}

TEST(OpIndexSelect, GradientOnEveryAxisWithRepeatedIds) {
  const Tensor x = random_leaf({3, 4, 2});
  for (const std::int64_t axis : {0, 1, 2}) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return index_select(in[0], axis, tensor({1, 0, 1, 1}));
        },
        {x}));
  }
}

TEST(OpIndexSelect, GradientOfNoIdsIsZero) {
  const Tensor x = random_leaf({2, 2});
  const Tensor y = index_select(x, 1, no_ids());
  EXPECT_EQ(y.shape(), Shape({2, 0}));
  y.backward(zeros_like(y));
  EXPECT_EQ(gradient_of(x), Values(4, 0));
}

TEST(OpIndexSelect, BrokenInputNamesIdsAndAxis) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(index_select(x, 1, tensor({0, 3})), IndexError,
               "index_select: index 3 at position [1] is outside [0, 3)");
  EXPECT_ERROR(index_select(x, 0, tensor({-1})), IndexError,
               "index_select: index -1 at position [0] is outside [0, 2)");
  EXPECT_ERROR(index_select(x, 2, tensor({0})), IndexError,
               "index_select: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(index_select(x, 0, tensor({0, 0}, {1, 2})), ShapeError,
               "index_select: ids are [1, 2]: a vector [n] is needed");
  EXPECT_ERROR(
      index_select(x, 0, tensor({0.0f})), DTypeError,
      "index_select: ids are float32, int64 is needed: convert them with to(DType::int64)");
}

TEST(OpGather, KnownValuesOnEveryAxis) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(has_values(gather(x, 1, tensor({2, 0, 1, 1}, {2, 2})), {2, 2}, {2, 0, 4, 4}));
  EXPECT_TRUE(has_values(gather(x, 0, tensor({1, 0, 1}, {1, 3})), {1, 3}, {3, 1, 5}));
  EXPECT_TRUE(has_values(gather(counting({2, 2, 2}), 1, tensor({1, 0, 0, 1}, {2, 1, 2})), {2, 1, 2},
                         {2, 1, 4, 7}));
}

TEST(OpGather, GradientWithRepeatedIds) {
  const Tensor x = random_leaf({2, 3, 2});
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return gather(in[0], 1, tensor({1, 1, 2, 0, 0, 0, 2, 1}, {2, 2, 2}));
      },
      {x}));
}

TEST(OpGather, EmptyIdsGiveNothing) {
  const Tensor x = random_leaf({2, 3});
  const Tensor y = gather(x, 1, no_ids({2, 0}));
  EXPECT_EQ(y.shape(), Shape({2, 0}));
  y.backward(zeros_like(y));
  EXPECT_EQ(gradient_of(x), Values(6, 0));
}

TEST(OpGather, BrokenInputNamesShapesAndIds) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(gather(x, 1, no_ids({3, 1})), ShapeError,
               "gather: shapes differ on an axis other than 1: x is [2, 3], ids are [3, 1]");
  EXPECT_ERROR(gather(x, 1, no_ids({2})), ShapeError,
               "gather: shapes differ on an axis other than 1: x is [2, 3], ids are [2]");
  EXPECT_ERROR(gather(x, -1, tensor({0, 5}, {2, 1})), IndexError,
               "gather: index 5 at position [1, 0] is outside [0, 3)");
}

TEST(TakeAlongAxis, KnownValuesBroadcastBesideTheAxis) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(
      has_values(take_along_axis(x, tensor({2, 0, 1, 1}, {2, 2}), 1), {2, 2}, {2, 0, 4, 4}));
  EXPECT_TRUE(has_values(take_along_axis(x, tensor({2, 0}, {1, 2}), -1), {2, 2}, {2, 0, 5, 3}));
  EXPECT_TRUE(has_values(take_along_axis(counting({1, 3}), tensor({2, 0, 1}, {3, 1}), 1), {3, 1},
                         {2, 0, 1}));
  EXPECT_TRUE(has_values(take_along_axis(counting({1, 2, 2}), tensor({1, 0}, {2, 1, 1}), 1),
                         {2, 1, 2}, {2, 3, 0, 1}));
  EXPECT_TRUE(has_values(take_along_axis(x, no_ids({2, 0}), 1), {2, 0}, {}));
}

TEST(TakeAlongAxis, PutsATensorInOrder) {
  for (const std::int64_t axis : {0, 1, 2}) {
    const Tensor x = frozen(random_leaf({3, 4, 2}));
    const Tensor sorted = take_along_axis(x, argsort(x, axis), axis);
    EXPECT_TRUE(has_values(sorted, x.shape(), values_of(sort(x, axis).values)));
  }
}

TEST(TakeAlongAxis, GradientIsSummedOverWhatWasBroadcast) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return take_along_axis(in[0], tensor({1, 1, 2}, {1, 3}), 1);
      },
      {random_leaf({2, 3})}));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return take_along_axis(in[0], tensor({1, 1, 2}, {3, 1}), 1);
      },
      {random_leaf({1, 3})}));
}

TEST(TakeAlongAxis, BrokenInputNamesShapesAndIds) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(
      take_along_axis(x, no_ids({3, 1}), 1), ShapeError,
      "take_along_axis: shapes do not broadcast on the axes other than 1: x is [2, 3], ids "
      "are [3, 1]");
  EXPECT_ERROR(take_along_axis(x, no_ids({2}), 1), ShapeError,
               "take_along_axis: shapes do not broadcast on the axes other than 1: x is [2, 3], "
               "ids are [2]");
  EXPECT_ERROR(take_along_axis(x, tensor({0, 3}, {1, 2}), 1), IndexError,
               "take_along_axis: index 3 at position [0, 1] is outside [0, 3)");
  EXPECT_ERROR(take_along_axis(x, no_ids({2, 1}), 2), IndexError,
               "take_along_axis: axis 2 is outside [-2, 2)");
}

TEST(OneHot, PutsASingleOneInEachRow) {
  EXPECT_TRUE(has_values(one_hot(tensor({2, 0}), 3), {2, 3}, {0, 0, 1, 1, 0, 0}));
  EXPECT_TRUE(has_values(one_hot(scalar(1), 2, DType::boolean), {2}, {0, 1}));
  EXPECT_EQ(one_hot(no_ids({2, 0}), 4).shape(), Shape({2, 0, 4}));
  EXPECT_ERROR(one_hot(tensor({0, 3}), 3), IndexError,
               "one_hot: index 3 at position [1] is outside [0, 3)");
  EXPECT_ERROR(one_hot(no_ids(), -1), ValueError, "one_hot: -1 classes");
}

}  // namespace
}  // namespace gradus
