#include <gradus/framework/ops/rearrange.h>
#include <gradus/tests/support/op_cases.h>

#include <limits>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"flip", "the last axis", leaves({{2, 5}}),
           [](const Inputs& in) { return flip(in[0], 1); }},
    OpCase{"flip", "two axes", leaves({{2, 3, 4}}),
           [](const Inputs& in) {
             return flip(in[0], {0, -1});
           }},
    OpCase{"roll", "the first axis", leaves({{5, 2}}),
           [](const Inputs& in) { return roll(in[0], 2, 0); }},
    OpCase{"roll", "two axes", leaves({{4, 3}}),
           [](const Inputs& in) {
             return roll(in[0], {-1, 1}, {0, 1});
           }},
};

using Values = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

TEST(OpFlip, KnownValuesOfEverySubsetOfAxes) {
  EXPECT_TRUE(has_values(flip(tensor({1.0, 2.0, 3.0}), 0), {3}, {3, 2, 1}));
  const Tensor x = counting({3, 2, 4});
  for (unsigned mask = 0; mask < 8; ++mask) {
    Sizes axes;
    for (int axis = 0; axis < 3; ++axis) {
      if (mask >> axis & 1u) axes.push_back(mask % 2 == 0 ? axis : axis - 3);
    }
    const Values expected = by_index(x.shape(), [&](Index index) {
      for (int axis = 0; axis < 3; ++axis) {
        std::int64_t& i = index[static_cast<std::size_t>(axis)];
        if (mask >> axis & 1u) i = x.shape()[axis] - 1 - i;
      }
      return at(x, index);
    });
    EXPECT_TRUE(has_values(flip(x, Axes(std::span<const std::int64_t>(axes))), x.shape(), expected))
        << mask;
  }
  EXPECT_TRUE(has_values(flip(zeros({2, 0}), {0, 1}), {2, 0}, {}));
  EXPECT_TRUE(has_values(flip(tensor({7.0}), 0), {1}, {7}));
  EXPECT_TRUE(has_values(flip(scalar(7.0), {}), {}, {7}));
}

TEST(OpFlip, GradientIsFlippedBack) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return flip(in[0], {1, 0}) * in[0];
      },
      {random_leaf({3, 2, 2})}));
  const Tensor x = leaf({1, 2, 3});
  flip(x, 0).backward(tensor({1.0, 10.0, 100.0}));
  EXPECT_EQ(gradient_of(x), Values({100, 10, 1}));
}

TEST(OpFlip, BrokenInputNamesTheAxis) {
  EXPECT_ERROR(flip(zeros({2, 3}), 2), IndexError, "flip: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(flip(zeros({2, 3}), {1, -1}), ValueError,
               "flip: axis -1 is given twice for a tensor of shape [2, 3]");
}

TEST(OpFlip, Copies) {
  expect_copied([](const Tensor& x) { return flip(x, 0); });
  expect_any_dtype([](const Tensor& x) { return flip(x, {1, 2}); });
}

TEST(OpRoll, KnownValuesOfEveryShift) {
  const Tensor x = counting({3, 4, 2});
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t n = x.shape()[axis];
    for (std::int64_t shift = -2 * n - 1; shift <= 2 * n + 1; ++shift) {
      const Values expected = by_index(x.shape(), [&](Index index) {
        std::int64_t& i = index[static_cast<std::size_t>(axis)];
        i = ((i - shift) % n + n) % n;
        return at(x, index);
      });
      EXPECT_TRUE(has_values(roll(x, shift, axis), x.shape(), expected)) << axis << ": " << shift;
    }
  }
}

TEST(OpRoll, KnownValuesOfSeveralAxesAndOfNone) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(has_values(roll(x, {1, -1}, {0, 1}), {2, 3}, {4, 5, 3, 1, 2, 0}));
  EXPECT_TRUE(has_values(roll(x, {1, 1}, {1, -1}), {2, 3}, {1, 2, 0, 4, 5, 3}));  // add up
  EXPECT_TRUE(has_values(roll(x, 2), {2, 3}, {4, 5, 0, 1, 2, 3}));
  EXPECT_TRUE(has_values(roll(x, Sizes{}, Sizes{}), {2, 3}, {0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(has_values(roll(scalar(3.0), 5), {}, {3}));
  EXPECT_TRUE(has_values(roll(zeros({2, 0}), 3, 1), {2, 0}, {}));
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(has_values(roll(x, lowest, 1), {2, 3}, {2, 0, 1, 5, 3, 4}));  // -2^63 mod 3 is 1
}

TEST(OpRoll, GradientIsRolledBack) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return roll(in[0], {2, -1}, {0, 2}) * in[0];
      },
      {random_leaf({3, 2, 2})}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return roll(in[0], 3) * in[0]; },
                               {random_leaf({2, 4})}));
  const Tensor x = leaf({1, 2, 3});
  roll(x, 1, 0).backward(tensor({1.0, 10.0, 100.0}));
  EXPECT_EQ(gradient_of(x), Values({10, 100, 1}));
}

TEST(OpRoll, BrokenInputNamesAxesAndCounts) {
  EXPECT_ERROR(roll(zeros({2, 3}), 1, 2), IndexError, "roll: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(roll(zeros({2, 3}), {1, 2}, Sizes{0}), ValueError, "roll: 2 shifts for 1 axes");
}

TEST(OpRoll, Copies) {
  expect_copied([](const Tensor& x) { return roll(x, 0, 0); });
  expect_any_dtype([](const Tensor& x) { return roll(x, 1, 2); });
}

TEST(Movedim, KeepsTheOrderOfTheOthers) {
  const Tensor x = counting({2, 3, 4, 5});
  EXPECT_EQ(movedim(x, 0, 2).shape(), Shape({3, 4, 2, 5}));
  EXPECT_EQ(movedim(x, -1, 0).shape(), Shape({5, 2, 3, 4}));
  EXPECT_EQ(movedim(x, {3, 0}, {0, 1}).shape(), Shape({5, 2, 3, 4}));
  EXPECT_EQ(movedim(x, {0, 1}, {-1, -2}).shape(), Shape({4, 5, 3, 2}));
  EXPECT_EQ(movedim(x, Sizes{}, Sizes{}).shape(), x.shape());
  EXPECT_TRUE(has_values(movedim(counting({2, 3}), 0, 1), {3, 2}, {0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return movedim(in[0], 0, -1); },
                               {random_leaf({2, 3, 2})}));
  expect_copied([](const Tensor& t) { return movedim(t, 1, 1); });
}

TEST(Movedim, RefusesAxesThatDoNotFit) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(movedim(x, 0, 2), IndexError, "movedim: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(movedim(x, {0, 1}, Sizes{0}), ValueError, "movedim: 2 axes to 1 places");
  EXPECT_ERROR(movedim(x, {0, -2}, {0, 1}), ValueError,
               "movedim: axis 0 appears twice in [0, -2] for a tensor of shape [2, 3]");
}

TEST(Unfold, HasTheWindowsAsItsLastAxis) {
  const Tensor x = tensor({{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}});
  EXPECT_TRUE(has_values(unfold(x, 1, 3, 2), {2, 2, 3}, {1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9, 10}));
  EXPECT_TRUE(has_values(unfold(x, -2, 2, 1), {1, 5, 2}, {1, 6, 2, 7, 3, 8, 4, 9, 5, 10}));
  EXPECT_TRUE(has_values(unfold(x, 0, 1, 5), {1, 5, 1}, {1, 2, 3, 4, 5}));
  EXPECT_TRUE(has_values(unfold(tensor({true, false, true}), 0, 2, 1), {2, 2}, {1, 0, 0, 1}));
}
TEST(Unfold, AddsTheGradientsOfWindowsThatOverlap) {
  const Tensor x = leaf({1, 2, 3, 4});
  unfold(x, 0, 3, 1).backward(tensor({1.0, 10.0, 100.0, 2.0, 20.0, 200.0}, {2, 3}));
  EXPECT_EQ(gradient_of(x), (Values{1, 12, 120, 200}));
  const Tensor y = random_leaf({2, 5, 3});
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return unfold(in[0], 1, 2, 2); }, {y}));
}
TEST(Unfold, SaysWhatDoesNotFit) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(unfold(x, 1, 4, 1), ShapeError,
               "unfold: x is [2, 3]: axis 1 has 3 entries, a window has 4");
  EXPECT_ERROR(unfold(x, 1, 2, 0), ValueError,
               "unfold: size is 2, step is 0: both must be at least 1");
  EXPECT_THROW(unfold(x, 1, 0, 1), ValueError);
  EXPECT_THROW(unfold(x, 2, 1, 1), IndexError);
  EXPECT_THROW(unfold(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0, 1, 1), ShapeError);
  EXPECT_THROW(unfold(zeros({std::int64_t{1} << 62, 0}), 0, std::int64_t{1} << 61, 1), ShapeError);
}

}  // namespace
}  // namespace gradus
