#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/tests/support/op_cases.h>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"repeat", "both axes", leaves({{2, 3}}),
           [](const Inputs& in) {
             return repeat(in[0], {2, 3});
           }},
    OpCase{"repeat", "a new axis, the last one kept", leaves({{2, 3}}),
           [](const Inputs& in) {
             return repeat(in[0], {2, 2, 1});
           }},
    OpCase{"repeat_interleave", "the first axis", leaves({{2, 3}}),
           [](const Inputs& in) { return repeat_interleave(in[0], 3, 0); }},
    OpCase{"repeat_interleave", "the last axis", leaves({{2, 3}}),
           [](const Inputs& in) { return repeat_interleave(in[0], 2, 1); }},
};

using Values = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

constexpr std::int64_t huge = std::int64_t{1} << 62;

// y[i] = x[i mod the shape of x], axes counted from the end.
Values naive_repeat(const Tensor& x, const Shape& result) {
  return by_index(result, [&](const Index& index) {
    Index own;
    const int extra = result.rank() - x.dim();
    for (int axis = 0; axis < x.dim(); ++axis) {
      own.push_back(index[static_cast<std::size_t>(axis + extra)] % x.shape()[axis]);
    }
    return at(x, own);
  });
}

TEST(OpRepeat, KnownValuesOfEveryCountUpToThree) {
  EXPECT_TRUE(has_values(repeat(tensor({1.0, 2.0}), {2}), {4}, {1, 2, 1, 2}));
  EXPECT_TRUE(has_values(repeat(tensor({1.0, 2.0}), {2, 1}), {2, 2}, {1, 2, 1, 2}));
  const Tensor x = counting({2, 1, 3});
  for (std::int64_t a = 0; a <= 3; ++a) {
    for (std::int64_t b = 0; b <= 3; ++b) {
      for (std::int64_t c = 0; c <= 3; ++c) {
        const Shape shape{2 * a, b, 3 * c}, longer{2, 2 * a, b, 3 * c};
        EXPECT_TRUE(has_values(repeat(x, {a, b, c}), shape, naive_repeat(x, shape)));
        EXPECT_TRUE(has_values(repeat(x, {2, a, b, c}), longer, naive_repeat(x, longer)));
      }
    }
  }
}

TEST(OpRepeat, KnownValuesOfEightAxesAndOfNone) {
  const Tensor x = counting({2, 1, 2, 1, 2, 1, 2, 2});
  const Shape shape{4, 2, 4, 2, 4, 2, 4, 4};
  EXPECT_TRUE(has_values(repeat(x, Sizes(8, 2)), shape, naive_repeat(x, shape)));
  EXPECT_TRUE(has_values(repeat(scalar(3.0), {}), {}, {3}));
  EXPECT_TRUE(has_values(repeat(scalar(3.0), {2, 2}), {2, 2}, {3, 3, 3, 3}));
  EXPECT_TRUE(has_values(repeat(zeros({0, 2}), {3, 2}), {0, 4}, {}));
}

TEST(OpRepeat, GradientIsTheSumOverTheRepeats) {
  for (const Sizes& counts :
       {Sizes{3, 2}, Sizes{1, 2}, Sizes{2, 1}, Sizes{2, 3, 2}, Sizes{2, 1, 1, 2}, Sizes{1, 1}}) {
    EXPECT_TRUE(passes_gradcheck([&](const Inputs& in) { return repeat(in[0], counts); },
                                 {random_leaf({2, 3})}));
  }
  const Tensor x = leaf({1, 2});
  const Tensor y = repeat(x, {2, 2});
  y.backward(tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0}, {2, 4}));
  EXPECT_EQ(gradient_of(x), Values({16, 20}));
}

TEST(OpRepeat, GradientOfNoRepeatsIsZero) {
  const Tensor x = leaf({1, 2});
  const Tensor y = repeat(x, {3, 0});
  y.backward(zeros_like(y));
  EXPECT_EQ(gradient_of(x), Values({0, 0}));
}

TEST(OpRepeat, GradientOfMillionsOfRepeatsIsExact) {
  const Tensor x = tensor({1.0f}).set_trainable(true);
  const Tensor y = repeat(x, {17'000'002});  // a float sum of ones stops at 2^24
  y.backward(ones_like(y));
  EXPECT_EQ(gradient_of(x), Values({17'000'002}));
}

TEST(OpRepeat, BrokenInputNamesTheCounts) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(repeat(x, {2}), ShapeError,
               "repeat: counts [2] are too few for x [2, 3]: one is needed for each axis");
  EXPECT_ERROR(repeat(x, {2, -1}), ValueError, "repeat: count -1 at position 1 is negative");
  EXPECT_ERROR(repeat(x, {1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError,
               "repeat: 9 counts: a tensor has 8 axes at most");
  EXPECT_ERROR(repeat(x, {huge, 1}), ShapeError,
               "repeat: an axis of 2 times 4611686018427387904 entries is too large");
  EXPECT_THROW(repeat(x, {huge / 4, 4}), ShapeError);
}

TEST(OpRepeat, Copies) {
  expect_copied([](const Tensor& x) { return repeat(x, {1, 1, 1}); });
  expect_any_dtype([](const Tensor& x) { return repeat(x, {2, 1, 2}); });
}

TEST(Tile, TakesMissingCountsForOne) {
  const Tensor x = counting({2, 3});
  for (const Sizes& counts : {Sizes{}, Sizes{2}, Sizes{3, 2}, Sizes{2, 1, 2}}) {
    Sizes all(2 - std::min<std::size_t>(2, counts.size()), 1);
    all.insert(all.end(), counts.begin(), counts.end());
    const Tensor expected = repeat(x, all);
    EXPECT_TRUE(has_values(tile(x, counts), expected.shape(), values_of(expected)));
  }
  EXPECT_TRUE(has_values(tile(tensor({1.0, 2.0}), {2}), {4}, {1, 2, 1, 2}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return tile(in[0], {2}); }, {random_leaf({2, 3})}));
  EXPECT_ERROR(tile(x, {-2}), ValueError, "tile: count -2 at position 1 is negative");
}

TEST(OpRepeatInterleave, KnownValuesOnEveryAxis) {
  const Tensor x = counting({2, 3, 2});
  for (int axis = 0; axis < 3; ++axis) {
    for (std::int64_t count = 0; count <= 3; ++count) {
      Sizes sizes{2, 3, 2};
      sizes[static_cast<std::size_t>(axis)] *= count;
      const Shape shape(sizes);
      const Values expected = by_index(shape, [&](Index index) {
        index[static_cast<std::size_t>(axis)] /= count;
        return at(x, index);
      });
      EXPECT_TRUE(has_values(repeat_interleave(x, count, axis), shape, expected));
      const Tensor counts = full({x.size(axis)}, static_cast<double>(count), DType::int64);
      EXPECT_TRUE(has_values(repeat_interleave(x, counts, axis - 3), shape, expected));
    }
  }
}

TEST(OpRepeatInterleave, KnownValuesOfCountsForEachEntry) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  EXPECT_TRUE(has_values(repeat_interleave(x, tensor({1, 2}), 0), {3, 2}, {1, 2, 3, 4, 3, 4}));
  EXPECT_TRUE(has_values(repeat_interleave(x, tensor({0, 3}), 1), {2, 3}, {2, 2, 2, 4, 4, 4}));
  EXPECT_TRUE(has_values(repeat_interleave(x, tensor({0, 0}), 1), {2, 0}, {}));
  EXPECT_TRUE(has_values(repeat_interleave(x, tensor({1, 0, 2, 0})), {3}, {1, 3, 3}));
  EXPECT_TRUE(has_values(repeat_interleave(x, 2), {8}, {1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_TRUE(has_values(repeat_interleave(scalar(5.0), 2), {2}, {5, 5}));
  EXPECT_TRUE(has_values(repeat_interleave(zeros({0, 2}), 3, 0), {0, 2}, {}));
}

TEST(OpRepeatInterleave, GradientIsTheSumOverTheRepeats) {
  for (const std::int64_t axis : {0, 1, 2}) {
    EXPECT_TRUE(
        passes_gradcheck([=](const Inputs& in) { return repeat_interleave(in[0], 3, axis); },
                         {random_leaf({2, 3, 2})}));
  }
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return repeat_interleave(in[0], tensor({2, 0, 3}), 1);
      },
      {random_leaf({2, 3, 2})}));
  const Tensor x = leaf({1, 2, 3});
  repeat_interleave(x, tensor({2, 0, 1})).backward(tensor({1.0, 10.0, 100.0}));
  EXPECT_EQ(gradient_of(x), Values({11, 0, 100}));
  const Tensor none = repeat_interleave(x, 0);
  x.clear_grad();
  none.backward(zeros_like(none));
  EXPECT_EQ(gradient_of(x), Values({0, 0, 0}));
}

TEST(OpRepeatInterleave, BrokenInputNamesCountsAndShapes) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(repeat_interleave(x, -1, 0), ValueError, "repeat_interleave: count -1 is negative");
  EXPECT_ERROR(repeat_interleave(x, 2, 2), IndexError,
               "repeat_interleave: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(repeat_interleave(x, tensor({1, -2}), 0), ValueError,
               "repeat_interleave: count -2 at position 1 is negative");
  EXPECT_ERROR(repeat_interleave(x, tensor({1, 2}), 1), ShapeError,
               "repeat_interleave: counts are [2], the axis has 3 entries: one is needed for each");
  EXPECT_ERROR(repeat_interleave(x, tensor({1.0, 2.0}), 0), DTypeError,
               "repeat_interleave: counts are float64, int64 is needed");
  EXPECT_ERROR(repeat_interleave(x, huge, 0), ShapeError,
               "repeat_interleave: an axis of 2 times 4611686018427387904 entries is too large");
  EXPECT_THROW(repeat_interleave(x, tensor({huge, huge}), 0), Error);
}

TEST(OpRepeatInterleave, Copies) {
  expect_copied([](const Tensor& x) { return repeat_interleave(x, 1, 0); });
  expect_copied([](const Tensor& x) { return repeat_interleave(x, tensor({1}), 0); });
  expect_any_dtype([](const Tensor& x) { return repeat_interleave(x, 2, 1); });
  expect_any_dtype([](const Tensor& x) { return repeat_interleave(x, tensor({1, 2}), 1); });
}

TEST(Expand, KeepsSizesOfMinusOne) {
  const Tensor x = counting({2, 1});
  EXPECT_TRUE(has_values(expand(x, {-1, 3}), {2, 3}, {0, 0, 0, 1, 1, 1}));
  EXPECT_TRUE(has_values(expand(x, {2, -1, 2}), {2, 2, 2}, {0, 0, 1, 1, 0, 0, 1, 1}));
  EXPECT_TRUE(has_values(expand(scalar(4.0), {2}), {2}, {4, 4}));
  EXPECT_EQ(expand(zeros({0, 1}), {-1, 2}).shape(), Shape({0, 2}));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return expand(in[0], {3, -1, 2});
      },
      {random_leaf({2, 1})}));
  expect_copied([](const Tensor& t) { return expand(t, {-1, -1, -1}); });
}

TEST(Expand, RefusesOtherSizes) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(expand(x, {-1, 2, 3}), ShapeError,
               "expand: size -1 at position 0 of [-1, 2, 3] is for a new axis: x is [2, 3]");
  EXPECT_ERROR(expand(x, {-1, 4}), ShapeError, "expand: [2, 3] does not expand to [-1, 4]");
  EXPECT_ERROR(expand(x, {3}), ShapeError, "expand: [2, 3] does not expand to [3]");
  EXPECT_THROW(expand(x, {2, -3}), ShapeError);
}

TEST(Meshgrid, HasTheValuesOfEachVectorAlongItsAxis) {
  const Tensor a = tensor({1.0, 2.0}), b = tensor({3.0, 4.0, 5.0}), c = scalar(6.0);
  std::vector<Tensor> grids = meshgrid({a, b, c});
  ASSERT_EQ(grids.size(), 3u);
  EXPECT_TRUE(has_values(grids[0], {2, 3, 1}, {1, 1, 1, 2, 2, 2}));
  EXPECT_TRUE(has_values(grids[1], {2, 3, 1}, {3, 4, 5, 3, 4, 5}));
  EXPECT_TRUE(has_values(grids[2], {2, 3, 1}, Values(6, 6)));
  grids = meshgrid({a, b, c}, "xy");
  EXPECT_TRUE(has_values(grids[0], {3, 2, 1}, {1, 2, 1, 2, 1, 2}));
  EXPECT_TRUE(has_values(grids[1], {3, 2, 1}, {3, 3, 4, 4, 5, 5}));
  EXPECT_TRUE(has_values(grids[2], {3, 2, 1}, Values(6, 6)));
  EXPECT_TRUE(has_values(meshgrid({a}, "xy")[0], {2}, {1, 2}));
  EXPECT_EQ(meshgrid({a, zeros({0}, DType::float64)})[0].shape(), Shape({2, 0}));
}

TEST(Meshgrid, GradientIsTheSumOverTheOtherAxes) {
  for (const char* indexing : {"ij", "xy"}) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          const std::vector<Tensor> grids = meshgrid({in[0], in[1]}, indexing);
          return grids[0] * grids[1] + grids[1];
        },
        {random_leaf({2}, 1), random_leaf({3}, 2)}));
  }
}

TEST(Meshgrid, RefusesOtherInput) {
  EXPECT_ERROR(meshgrid({}), ValueError, "meshgrid: the list of tensors is empty");
  EXPECT_ERROR(meshgrid({zeros({2})}, "yx"), ValueError,
               "meshgrid: indexing is 'yx': 'ij' or 'xy' is needed");
  EXPECT_ERROR(meshgrid({zeros({2}), zeros({2, 1})}), ShapeError,
               "meshgrid: tensor 1 is [2, 1]: a vector is needed");
  EXPECT_ERROR(meshgrid({zeros({2}), arange(2)}), DTypeError,
               "meshgrid: dtypes differ: tensor 0 is float32, tensor 1 is int64");
}

}  // namespace
}  // namespace gradus
