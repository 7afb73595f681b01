#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"reshape", "two axes to three", leaves({{4, 3}}),
           [](const Inputs& in) {
             return reshape(in[0], {2, 2, -1});
           }},
    OpCase{"squeeze", "the middle axis", leaves({{2, 1, 3}}),
           [](const Inputs& in) { return squeeze(in[0], 1); }},
    OpCase{"unsqueeze", "the last axis", leaves({{2, 3}}),
           [](const Inputs& in) { return unsqueeze(in[0], -1); }},
    OpCase{"transpose", "the outer axes", leaves({{2, 3, 4}}),
           [](const Inputs& in) { return transpose(in[0], 0, 2); }},
    OpCase{"permute", "three axes", leaves({{2, 3, 4}}),
           [](const Inputs& in) {
             return permute(in[0], {2, 0, 1});
           }},
    OpCase{"cat", "the second axis", leaves({{2, 3}, {2, 1}}),
           [](const Inputs& in) {
             return cat({in[0], in[1]}, 1);
           }},
    OpCase{"stack", "a new last axis", leaves({{2, 3}, {2, 3}}),
           [](const Inputs& in) {
             return stack({in[0], in[1]}, -1);
           }},
    OpCase{"broadcast_to", "a row", leaves({{3}}),
           [](const Inputs& in) {
             return broadcast_to(in[0], {2, 3});
           }},
};

using Values = std::vector<double>;

TEST(OpReshape, KnownValuesKeepTheirOrder) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(has_values(reshape(x, {3, 2}), {3, 2}, {0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(reshape(x, {-1}).shape(), Shape({6}));
  EXPECT_EQ(reshape(x, {2, -1, 1}).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(reshape(x, {6, -1}).shape(), Shape({6, 1}));
  EXPECT_EQ(reshape(x, Shape{1, 6}).shape(), Shape({1, 6}));
  EXPECT_EQ(reshape(ones({1}), {}).shape(), Shape());
  EXPECT_EQ(reshape(zeros({0, 3}), {4, -1}).shape(), Shape({4, 0}));
  EXPECT_EQ(reshape(zeros({0, 3}), {5, 0}).shape(), Shape({5, 0}));
}

TEST(OpReshape, GradientHasTheShapeOfTheInput) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return reshape(in[0], {3, -1});
      },
      {random_leaf({2, 3})}));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return mul(reshape(in[0], {2}), reshape(in[0], {2, 1}));
      },
      {random_leaf({1, 2})}));
}

TEST(OpReshape, BrokenInputNamesShapesAndCounts) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(reshape(x, {4, 2}), ShapeError, "reshape: [2, 3] has 6 elements, [4, 2] has 8");
  EXPECT_ERROR(reshape(x, {4, -1}), ShapeError,
               "reshape: no size for -1 in [4, -1] gives the 6 elements of [2, 3]");
  EXPECT_ERROR(reshape(x, {0, -1}), ShapeError,
               "reshape: no size for -1 in [0, -1] gives the 6 elements of [2, 3]");
  EXPECT_ERROR(reshape(zeros({0}), {0, -1}), ShapeError,
               "reshape: no size for -1 in [0, -1] gives the 0 elements of [0]");
  EXPECT_ERROR(reshape(x, {-1, -1}), ShapeError,
               "reshape: more than one size of [-1, -1] is -1: x is [2, 3]");
  EXPECT_THROW(reshape(x, {-2, -3}), ShapeError);
}

TEST(OpReshape, SharesStorage) {
  expect_shared([](const Tensor& x) { return reshape(x, {6}); });
  expect_shared([](const Tensor& x) { return reshape(x, {1, 2, 3}); });
  expect_shared([](const Tensor& x) { return flatten(x); });
  expect_any_dtype([](const Tensor& x) { return reshape(x, {3, 2}); });
}

TEST(OpReshape, OfATensorInAGraphCannotBeChangedInPlace) {
  EXPECT_THROW(reshape(random_leaf({2}), {1, 2}).fill_(0), AutogradError);
}

TEST(Flatten, JoinsAxes) {
  const Tensor x = counting({2, 3, 4});
  EXPECT_EQ(flatten(x).shape(), Shape({24}));
  EXPECT_EQ(flatten(x, 1).shape(), Shape({2, 12}));
  EXPECT_EQ(flatten(x, 0, 1).shape(), Shape({6, 4}));
  EXPECT_EQ(flatten(x, -2, -1).shape(), Shape({2, 12}));
  EXPECT_EQ(flatten(x, 1, 1).shape(), Shape({2, 3, 4}));
  EXPECT_EQ(flatten(ones({})).shape(), Shape({1}));
  EXPECT_EQ(flatten(zeros({2, 0, 4}), 1).shape(), Shape({2, 0}));
  EXPECT_ERROR(flatten(x, 2, 0), ShapeError, "flatten: axis 0 comes before axis 2 of [2, 3, 4]");
  EXPECT_ERROR(flatten(x, 3), IndexError, "flatten: axis 3 is outside [-3, 3)");
}

TEST(Unflatten, MakesSeveralAxesOfOne) {
  const Tensor x = counting({2, 6});
  EXPECT_TRUE(has_values(unflatten(x, 1, {3, 2}), {2, 3, 2}, values_of(x)));
  EXPECT_EQ(unflatten(x, -1, {2, -1}).shape(), Shape({2, 2, 3}));
  EXPECT_EQ(unflatten(x, 0, {-1, 1, 1}).shape(), Shape({2, 1, 1, 6}));
  EXPECT_EQ(unflatten(x, 0, {2}).shape(), Shape({2, 6}));
  EXPECT_EQ(unflatten(zeros({0, 6}), 0, {-1, 2}).shape(), Shape({0, 2, 6}));
  expect_shared([](const Tensor& t) { return unflatten(t, 2, {3, 1}); });
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return unflatten(in[0], 0, {2, 2});
      },
      {random_leaf({4, 2})}));
}

TEST(Unflatten, RefusesSizesThatDoNotFit) {
  const Tensor x = zeros({2, 6});
  EXPECT_ERROR(unflatten(x, 1, {4, 2}), ShapeError,
               "unflatten: axis 1 of [2, 6] has 6 entries: sizes [4, 2] do not fit");
  EXPECT_ERROR(unflatten(x, 1, {4, -1}), ShapeError,
               "unflatten: axis 1 of [2, 6] has 6 entries: sizes [4, -1] do not fit");
  EXPECT_ERROR(unflatten(x, 1, {0, -1}), ShapeError,
               "unflatten: axis 1 of [2, 6] has 6 entries: sizes [0, -1] do not fit");
  EXPECT_ERROR(unflatten(ones({1}), 0, std::span<const std::int64_t>()), ShapeError,
               "unflatten: axis 0 of [1] has 1 entries: sizes [] do not fit");
  EXPECT_ERROR(unflatten(x, 2, {2, 3}), IndexError, "unflatten: axis 2 is outside [-2, 2)");
  EXPECT_THROW(unflatten(x, 1, {-1, -1}), ShapeError);
}

TEST(OpSqueeze, KnownValuesWithoutTheAxis) {
  const Tensor x = counting({1, 3, 1});
  EXPECT_TRUE(has_values(squeeze(x, 0), {3, 1}, {0, 1, 2}));
  EXPECT_TRUE(has_values(squeeze(x, -1), {1, 3}, {0, 1, 2}));
  EXPECT_EQ(squeeze(ones({1}), 0).shape(), Shape());
}

TEST(OpSqueeze, KnownValuesWithoutAllAxesOfSizeOne) {
  EXPECT_TRUE(has_values(squeeze(counting({1, 3, 1, 2})), {3, 2}, {0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(has_values(squeeze(counting({1, 1})), {}, {0}));
  EXPECT_TRUE(has_values(squeeze(counting({2})), {2}, {0, 1}));
  EXPECT_EQ(squeeze(zeros({1, 0})).shape(), Shape({0}));
}

TEST(OpSqueeze, GradientHasTheShapeOfTheInput) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return squeeze(in[0]); },
                               {random_leaf({1, 2, 1, 3})}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return squeeze(in[0], 1); },
                               {random_leaf({2, 1, 3})}));
}

TEST(OpSqueeze, BrokenInputNamesAxisAndSize) {
  EXPECT_ERROR(squeeze(zeros({2, 3}), 1), ShapeError,
               "squeeze: axis 1 of [2, 3] has size 3, not 1");
  EXPECT_ERROR(squeeze(zeros({2, 1}), 2), IndexError, "squeeze: axis 2 is outside [-2, 2)");
}

TEST(OpSqueeze, SharesStorage) {
  expect_shared([](const Tensor& x) { return squeeze(x, 0); });
  expect_shared([](const Tensor& x) { return squeeze(x); });
  expect_any_dtype([](const Tensor& x) { return squeeze(x, 0); });
}

TEST(OpUnsqueeze, KnownValuesWithTheNewAxis) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(has_values(unsqueeze(x, 0), {1, 2, 3}, {0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(unsqueeze(x, 2).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(unsqueeze(x, -1).shape(), Shape({2, 3, 1}));
  EXPECT_EQ(unsqueeze(x, -3).shape(), Shape({1, 2, 3}));
  EXPECT_EQ(unsqueeze(ones({}), 0).shape(), Shape({1}));
}

TEST(OpUnsqueeze, GradientHasTheShapeOfTheInput) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return unsqueeze(in[0], 1); },
                               {random_leaf({2, 3})}));
}

TEST(OpUnsqueeze, BrokenInputNamesTheAxis) {
  EXPECT_ERROR(unsqueeze(zeros({2, 3}), 3), IndexError, "unsqueeze: axis 3 is outside [-3, 3)");
  EXPECT_THROW(unsqueeze(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0), ShapeError);
}

TEST(OpUnsqueeze, SharesStorage) {
  expect_shared([](const Tensor& x) { return unsqueeze(x, 3); });
  expect_any_dtype([](const Tensor& x) { return unsqueeze(x, 0); });
}

TEST(OpTranspose, KnownValuesOfAMatrix) {
  EXPECT_TRUE(has_values(transpose(counting({2, 3}), 0, 1), {3, 2}, {0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(
      has_values(transpose(counting({2, 2, 2}), -1, 0), {2, 2, 2}, {0, 4, 2, 6, 1, 5, 3, 7}));
  EXPECT_TRUE(has_values(transpose(counting({2, 2}), 1, 1), {2, 2}, {0, 1, 2, 3}));
  EXPECT_EQ(transpose(zeros({0, 3}), 0, 1).shape(), Shape({3, 0}));
}

TEST(OpTranspose, GradientIsTransposedBack) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return transpose(in[0], 0, 2); },
                               {random_leaf({2, 3, 4})}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return mul(in[0], transpose(in[0], 0, 1)); },
                               {random_leaf({3, 3})}));
}

TEST(OpTranspose, BrokenInputNamesTheAxis) {
  EXPECT_ERROR(transpose(zeros({2, 3}), 0, 2), IndexError, "transpose: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(transpose(zeros({}), 0, 0), IndexError, "transpose: axis 0 is outside [0, 0)");
}

TEST(OpTranspose, Copies) {
  expect_copied([](const Tensor& x) { return transpose(x, 0, 0); });
  expect_any_dtype([](const Tensor& x) { return transpose(x, 1, 2); });
}

TEST(OpPermute, KnownValuesOfThreeAxes) {
  const Tensor y = permute(counting({2, 3, 2}), {1, 2, 0});
  EXPECT_TRUE(has_values(y, {3, 2, 2}, {0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11}));
  EXPECT_TRUE(has_values(permute(counting({2, 3}), {-1, 0}), {3, 2}, {0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(has_values(permute(ones({}), {}), {}, {1}));
}

TEST(OpPermute, GradientIsPermutedBack) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return permute(in[0], {2, 0, 1});
      },
      {random_leaf({2, 3, 4})}));
}

TEST(OpPermute, BrokenInputNamesTheAxes) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(permute(x, {0, 0}), ValueError,
               "permute: axes [0, 0] do not name each axis of [2, 3] once");
  EXPECT_ERROR(permute(x, {0, -2}), ValueError,
               "permute: axes [0, -2] do not name each axis of [2, 3] once");
  EXPECT_ERROR(permute(x, {0}), ValueError,
               "permute: axes [0] do not name each axis of [2, 3] once");
  EXPECT_ERROR(permute(x, {0, 2}), IndexError, "permute: axis 2 is outside [-2, 2)");
}

TEST(OpPermute, Copies) {
  expect_copied([](const Tensor& x) { return permute(x, {0, 1, 2}); });
  expect_any_dtype([](const Tensor& x) { return permute(x, {2, 0, 1}); });
}

TEST(OpCat, KnownValuesOnEveryAxis) {
  const Tensor a = counting({1, 2}), b = mul(counting({2, 2}), 10), c = tensor({7.0, 8.0}, {1, 2});
  EXPECT_TRUE(has_values(cat({a, b, c}), {4, 2}, {0, 1, 0, 10, 20, 30, 7, 8}));
  EXPECT_TRUE(has_values(cat({b, b}, 1), {2, 4}, {0, 10, 0, 10, 20, 30, 20, 30}));
  EXPECT_TRUE(has_values(cat({a, zeros({1, 0}, DType::float64), c}, -1), {1, 4}, {0, 1, 7, 8}));
  EXPECT_TRUE(has_values(cat({a}), {1, 2}, {0, 1}));
  EXPECT_EQ(cat({zeros({0, 2}), zeros({0, 3})}, 1).shape(), Shape({0, 5}));
}

TEST(OpCat, GradientOfEachPart) {
  const Tensor a = random_leaf({2, 1}), b = random_leaf({2, 3}, 2), c = random_leaf({2, 2}, 3);
  const auto join = [](const Inputs& in) { return cat(in, 1); };
  EXPECT_TRUE(passes_gradcheck(join, {a, b, c}));
  EXPECT_TRUE(passes_gradcheck(join, {a, frozen(b), c}));
  const Tensor d = random_leaf({1, 2}), e = random_leaf({3, 2}, 2);
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return cat(in, 0); }, {d, e, d.clone()}));
}

TEST(OpCat, GradientOfOneTensorTwiceIsTheSum) {
  for (const std::int64_t axis : {0, 1}) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return cat({in[0], in[0]}, axis);
        },
        {random_leaf({2, 2})}));
  }
}

TEST(OpCat, GradientsOfTwoLeavesShareNoStorage) {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4});
  cat({a, b}).backward(tensor({1.0, 2.0, 3.0, 4.0}));
  a.grad().dense().fill_(9);
  EXPECT_EQ(gradient_of(b), Values({3, 4}));
}

TEST(OpCat, BrokenInputNamesTheTensors) {
  const Tensor a = zeros({2, 3});
  EXPECT_ERROR(cat({}), ValueError, "cat: the list of tensors is empty");
  EXPECT_ERROR(
      cat({a, a, zeros({4, 3})}, 1), ShapeError,
      "cat: shapes differ on an axis other than 1: tensor 0 is [2, 3], tensor 2 is [4, 3]");
  EXPECT_ERROR(
      cat({a, zeros({2, 3, 1})}), ShapeError,
      "cat: shapes differ on an axis other than 0: tensor 0 is [2, 3], tensor 1 is [2, 3, 1]");
  EXPECT_ERROR(cat({a, zeros({3})}), ShapeError,
               "cat: shapes differ on an axis other than 0: tensor 0 is [2, 3], tensor 1 is [3]");
  EXPECT_ERROR(cat({a, zeros({2, 3}, DType::int64)}), DTypeError,
               "cat: dtypes differ: tensor 0 is float32, tensor 1 is int64");
  EXPECT_ERROR(cat({a}, 2), IndexError, "cat: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(cat({zeros({})}), IndexError, "cat: axis 0 is outside [0, 0)");
}

TEST(OpCat, Copies) {
  expect_copied([](const Tensor& x) { return cat({x}); });
  expect_any_dtype([](const Tensor& x) { return cat({x, x}, 2); });
}

TEST(OpStack, KnownValuesOnEveryAxis) {
  const Tensor a = tensor({1.0, 2.0}), b = tensor({3.0, 4.0}), c = tensor({5.0, 6.0});
  EXPECT_TRUE(has_values(stack({a, b, c}), {3, 2}, {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(has_values(stack({a, b, c}, 1), {2, 3}, {1, 3, 5, 2, 4, 6}));
  EXPECT_TRUE(has_values(stack({a}, -2), {1, 2}, {1, 2}));
  EXPECT_TRUE(has_values(stack({scalar(1.0), scalar(2.0)}), {2}, {1, 2}));
  EXPECT_EQ(stack({zeros({0}), zeros({0})}, 1).shape(), Shape({0, 2}));
}

TEST(OpStack, GradientOfEachPart) {
  const Tensor a = random_leaf({2, 3}), b = random_leaf({2, 3}, 2);
  for (const std::int64_t axis : {0, 1, 2}) {
    const auto join = [=](const Inputs& in) { return stack(in, axis); };
    EXPECT_TRUE(passes_gradcheck(join, {a, b}));
    EXPECT_TRUE(passes_gradcheck(join, {frozen(a), b}));
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return stack({in[0], in[0]}, axis);
        },
        {a}));
  }
}

TEST(OpStack, BrokenInputNamesTheTensors) {
  const Tensor a = zeros({2, 3});
  EXPECT_ERROR(stack({}), ValueError, "stack: the list of tensors is empty");
  EXPECT_ERROR(stack({a, zeros({2, 4})}), ShapeError,
               "stack: shapes differ: tensor 0 is [2, 3], tensor 1 is [2, 4]");
  EXPECT_ERROR(stack({a, zeros({2, 3}, DType::float64)}), DTypeError,
               "stack: dtypes differ: tensor 0 is float32, tensor 1 is float64");
  EXPECT_ERROR(stack({a}, 3), IndexError, "stack: axis 3 is outside [-3, 3)");
}

TEST(OpStack, Copies) {
  expect_copied([](const Tensor& x) { return stack({x}); });
  expect_any_dtype([](const Tensor& x) { return stack({x, x}, 3); });
}

TEST(OpBroadcastTo, KnownValuesAreThoseOfTheRule) {
  for_each_broadcast_pair([](const Shape& a, const Shape&, const Shape& result) {
    Values expected;
    for (std::int64_t i = 0; i < result.numel(); ++i) {
      expected.push_back(static_cast<double>(broadcast_offset(a, result, i)));
    }
    ASSERT_TRUE(has_values(broadcast_to(counting(a), result), result, expected)) << a.str();
  });
  EXPECT_EQ(broadcast_to(ones({1, 3}), {0, 3}).shape(), Shape({0, 3}));
}

TEST(OpBroadcastTo, GradientIsTheSumOverTheRepeats) {
  const auto repeat = [](const Inputs& in) { return broadcast_to(in[0], {2, 3, 4}); };
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{3, 1}, Shape{2, 1, 1}, Shape{2, 3, 4}}) {
    EXPECT_TRUE(passes_gradcheck(repeat, {random_leaf(shape)})) << shape.str();
  }
}

TEST(OpBroadcastTo, BrokenInputNamesBothShapes) {
  EXPECT_ERROR(broadcast_to(zeros({2, 3}), {3, 3}), ShapeError,
               "broadcast_to: [2, 3] does not broadcast to [3, 3]");
  EXPECT_ERROR(broadcast_to(zeros({1, 3}), {3}), ShapeError,
               "broadcast_to: [1, 3] does not broadcast to [3]");
}

TEST(OpBroadcastTo, Copies) {
  expect_copied([](const Tensor& x) { return broadcast_to(x, {1, 2, 3}); });
  expect_any_dtype([](const Tensor& x) { return broadcast_to(x, {2, 2, 3}); });
}

}  // namespace
}  // namespace gradus
