#include <gradus/framework/ops/pad.h>
#include <gradus/tests/support/op_cases.h>

#include <limits>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"pad", "constant, two axes", leaves({{2, 3}}),
           [](const Inputs& in) {
             return pad(in[0], {1, 2, 0, 1}, {.value = 0.5});
           }},
    OpCase{"pad", "constant, cut off", leaves({{3, 4}}),
           [](const Inputs& in) {
             return pad(in[0], {-1, 2, 1, -1});
           }},
    OpCase{"pad", "reflect", leaves({{3, 4}}),
           [](const Inputs& in) {
             return pad(in[0], {3, 2, 1, 2}, {.mode = PadMode::reflect});
           }},
    OpCase{"pad", "replicate", leaves({{2, 3}}),
           [](const Inputs& in) {
             return pad(in[0], {4, 3, 2, 1}, {.mode = PadMode::replicate});
           }},
    OpCase{"pad", "circular", leaves({{2, 3}}),
           [](const Inputs& in) {
             return pad(in[0], {3, 2, 1, 2}, {.mode = PadMode::circular});
           }},
};

using Values = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

constexpr PadMode modes[] = {PadMode::constant, PadMode::reflect, PadMode::replicate,
                             PadMode::circular};

// The entry of an axis of size n at position p, which may be beside it; -1 for none.
std::int64_t naive_entry(std::int64_t p, std::int64_t n, PadMode mode) {
  if (p >= 0 && p < n) return p;
  switch (mode) {
    case PadMode::reflect:
      return p < 0 ? -p : n - 1 - (p - (n - 1));
    case PadMode::replicate:
      return p < 0 ? 0 : n - 1;
    case PadMode::circular:
      return p < 0 ? p + n : p - n;
    case PadMode::constant:
      break;
  }
  return -1;
}

void check(const Tensor& x, const Sizes& padding, PadMode mode) {
  SCOPED_TRACE(testing::PrintToString(padding) + " mode " + std::to_string(static_cast<int>(mode)));
  const double value = mode == PadMode::constant ? 99 : 0;
  const auto before = [&](int axis) {
    const auto i = static_cast<std::size_t>(2 * (x.dim() - 1 - axis));
    return i < padding.size() ? std::pair(padding[i], padding[i + 1])
                              : std::pair<std::int64_t, std::int64_t>();
  };
  Sizes sizes;
  for (int axis = 0; axis < x.dim(); ++axis) {
    sizes.push_back(before(axis).first + x.shape()[axis] + before(axis).second);
  }
  const Shape shape(sizes);
  const Values expected = by_index(shape, [&](Index index) {
    for (int axis = 0; axis < x.dim(); ++axis) {
      std::int64_t& i = index[static_cast<std::size_t>(axis)];
      i = naive_entry(i - before(axis).first, x.shape()[axis], mode);
      if (i < 0) return value;
    }
    return at(x, index);
  });
  EXPECT_TRUE(has_values(pad(x, padding, {.mode = mode, .value = value}), shape, expected));
}

TEST(OpPad, KnownValuesOfTheModes) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0});
  EXPECT_TRUE(has_values(pad(x, {2, 1}, {.value = 9}), {7}, {9, 9, 1, 2, 3, 4, 9}));
  EXPECT_TRUE(has_values(pad(x, {2, 1}, {.mode = PadMode::reflect}), {7}, {3, 2, 1, 2, 3, 4, 3}));
  EXPECT_TRUE(has_values(pad(x, {2, 1}, {.mode = PadMode::replicate}), {7}, {1, 1, 1, 2, 3, 4, 4}));
  EXPECT_TRUE(has_values(pad(x, {2, 1}, {.mode = PadMode::circular}), {7}, {3, 4, 1, 2, 3, 4, 1}));
  EXPECT_TRUE(has_values(pad(x, {-1, -2}), {1}, {2}));
  EXPECT_TRUE(has_values(pad(x, {-2, 2}, {.mode = PadMode::reflect}), {4}, {3, 4, 3, 2}));
}

TEST(OpPad, KnownValuesOfEveryPaddingOfOneAxis) {
  for (const PadMode mode : modes) {
    for (std::int64_t before = -5; before <= 5; ++before) {
      for (std::int64_t behind = -5; behind <= 5; ++behind) {
        if (before + 4 + behind < 0) continue;
        const std::int64_t most = mode == PadMode::reflect ? 3 : mode == PadMode::circular ? 4 : 5;
        if (std::max(before, behind) > most) continue;
        check(counting({4}), {before, behind}, mode);
        check(counting({4, 2}), {0, 0, before, behind}, mode);
        check(counting({2, 4, 3}), {0, 0, before, behind}, mode);
        check(counting({2, 4, 3}), {1, -1, before, behind}, mode);
      }
    }
  }
}

TEST(OpPad, KnownValuesOfSeveralAxes) {
  for (const PadMode mode : modes) {
    check(counting({2, 3, 2}), {1, 1, 2, 1, 1, 0}, mode);
    check(counting({3, 2, 3}), {2, 1, 0, 0, -1, 2}, mode);
    check(counting({2, 1, 2, 1, 2, 1, 2, 2}), {1, 1, 1, 0}, mode);
    check(counting({2, 3}), {}, mode);
  }
  EXPECT_TRUE(has_values(pad(scalar(3.0), {}), {}, {3}));
}

TEST(OpPad, KnownValuesOfEmptyTensors) {
  EXPECT_TRUE(has_values(pad(zeros({0}), {1, 1}, {.value = 2}), {2}, {2, 2}));
  EXPECT_TRUE(has_values(pad(zeros({0, 1}), {1, 1}, {.value = 2}), {0, 3}, {}));
  EXPECT_TRUE(has_values(pad(ones({2, 1}), {-1, 0}), {2, 0}, {}));
  for (const PadMode mode : modes) {
    EXPECT_TRUE(has_values(pad(zeros({0, 3}), {1, 1}, {.mode = mode}), {0, 5}, {}));
  }
}

TEST(OpPad, KnownValuesOfOtherConstants) {
  EXPECT_TRUE(has_values(pad(tensor({1.0f}), {0, 1}, {.value = -infinity}), {2}, {1, -infinity}));
  EXPECT_TRUE(
      has_values(pad(tensor({1.0}), {1, 0}, {.value = not_a_number}), {2}, {not_a_number, 1}));
  EXPECT_TRUE(has_values(pad(tensor({1, 2}), {1, 0}, {.value = -7}), {3}, {-7, 1, 2}));
  EXPECT_TRUE(has_values(pad(tensor({false}), {1, 0}, {.value = 1}), {2}, {1, 0}));
}

TEST(OpPad, GradientOfEveryMode) {
  for (const PadMode mode : modes) {
    for (const Sizes& padding : {Sizes{1, 2}, Sizes{0, 2, 1, 0}, Sizes{0, 0, 1, 1, 1, 1},
                                 Sizes{-1, 2, 1, -1}, Sizes{0, 0, -1, -1}, Sizes{2, -2}}) {
      EXPECT_TRUE(
          passes_gradcheck([&](const Inputs& in) { return pad(in[0], padding, {.mode = mode}); },
                           {random_leaf({2, 3, 3})}))
          << static_cast<int>(mode) << testing::PrintToString(padding);
    }
  }
}

TEST(OpPad, GradientAddsTheEntriesThatRepeatOne) {
  const auto gradient = [](PadMode mode) {
    const Tensor x = leaf({1, 2, 3});
    pad(x, {2, 1}, {.mode = mode}).backward(tensor({1.0, 10.0, 100.0, 1e3, 1e4, 1e5}));
    return gradient_of(x);
  };
  EXPECT_EQ(gradient(PadMode::constant), Values({100, 1e3, 1e4}));
  EXPECT_EQ(gradient(PadMode::reflect), Values({100, 101010, 1e4 + 1}));
  EXPECT_EQ(gradient(PadMode::replicate), Values({111, 1e3, 110000}));
  EXPECT_EQ(gradient(PadMode::circular), Values({100100, 1001, 10010}));
}

TEST(OpPad, GradientOfWhatIsCutOffIsZero) {
  const Tensor x = leaf({1, 2, 3});
  pad(x, {-1, -1}).backward(tensor({5.0}));
  EXPECT_EQ(gradient_of(x), Values({0, 5, 0}));
  for (const PadMode mode : modes) {
    const Tensor y = pad(x, {-1, -2}, {.mode = mode});  // nothing is left
    x.clear_grad();
    y.backward(zeros_like(y));
    EXPECT_EQ(gradient_of(x), Values({0, 0, 0}));
  }
}

TEST(OpPad, GradientOfMillionsOfCopiesIsRight) {
  const Tensor x = tensor({1.0f}).set_trainable(true);
  const Tensor y = pad(x, {17'000'000, 0}, {.mode = PadMode::replicate});
  y.backward(ones_like(y));  // a float sum of ones stops at 2^24
  EXPECT_NEAR(gradient_of(x)[0], 17'000'001, 2);
}

TEST(OpPad, BrokenInputNamesPaddingAndShape) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(pad(x, {1}), ValueError,
               "pad: padding [1] has an odd length: two numbers for each axis, the last axis "
               "first, are needed");
  EXPECT_ERROR(pad(x, {1, 1, 1, 1, 1, 1}), ShapeError,
               "pad: padding [1, 1, 1, 1, 1, 1] is for 3 axes, x is [2, 3]");
  EXPECT_ERROR(pad(x, {-2, -2}), ShapeError,
               "pad: -2 before and -2 after axis 1 of [2, 3]: more is cut off than there is");
  EXPECT_ERROR(pad(x, {3, 0}, {.mode = PadMode::reflect}), ShapeError,
               "pad: 3 before and 0 after axis 1 of [2, 3]: mode reflect takes fewer than the "
               "axis has");
  EXPECT_ERROR(pad(x, {0, 0, 0, 3}, {.mode = PadMode::circular}), ShapeError,
               "pad: 0 before and 3 after axis 0 of [2, 3]: circular mode cannot pad by more than "
               "the size of the axis");
  EXPECT_ERROR(pad(zeros({0}), {0, 1}, {.mode = PadMode::replicate}), ShapeError,
               "pad: 0 before and 1 after axis 0 of [0]: mode replicate needs an entry");
  EXPECT_ERROR(pad(x, {1, 1}, {.mode = PadMode::reflect, .value = 2}), ValueError,
               "pad: a value, 2, for mode reflect: only constant has one");
  EXPECT_ERROR(pad(tensor({1}), {1, 1}, {.value = 0.5}), DTypeError,
               "pad: the number 0.5 is not an int64: use a float dtype");
  EXPECT_ERROR(pad(tensor({true}), {1, 1}, {.value = 2}), DTypeError,
               "pad: the number 2 is not a boolean: use 0, 1 or another dtype");
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_ERROR(pad(x, {lowest, -(lowest + 1)}), ShapeError,
               "pad: -9223372036854775808 before and 9223372036854775807 after axis 1 of [2, 3]: "
               "no tensor is that large");
}

TEST(OpPad, Copies) {
  for (const PadMode mode : modes) {
    expect_copied([=](const Tensor& x) { return pad(x, {0, 0}, {.mode = mode}); });
    expect_any_dtype([=](const Tensor& x) { return pad(x, {2, 1, 1, 0}, {.mode = mode}); });
  }
}

}  // namespace
}  // namespace gradus
