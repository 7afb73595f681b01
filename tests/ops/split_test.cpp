#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/tests/support/op_cases.h>

#include <limits>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"split", "the second part", leaves({{5, 2}}),
           [](const Inputs& in) { return split(in[0], 2)[1]; }},
    OpCase{"unbind", "the first axis", leaves({{3, 2}}),
           [](const Inputs& in) {
             const std::vector<Tensor> parts = unbind(in[0]);
             return mul(parts[0], parts[2]);
           }},
    OpCase{"unbind", "an inner axis", leaves({{2, 3, 2}}),
           [](const Inputs& in) { return unbind(in[0], 1)[1]; }},
};

using Values = std::vector<double>;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

TEST(OpSplit, KnownValuesOfPartsOfGivenSizes) {
  const std::vector<Tensor> parts = split(counting({2, 4}), {1, 0, 3}, 1);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_TRUE(has_values(parts[0], {2, 1}, {0, 4}));
  EXPECT_TRUE(has_values(parts[1], {2, 0}, {}));
  EXPECT_TRUE(has_values(parts[2], {2, 3}, {1, 2, 3, 5, 6, 7}));
  EXPECT_TRUE(split(zeros({0, 2}), std::span<const std::int64_t>()).empty());
}

TEST(OpSplit, KnownValuesOfPartsOfOneSize) {
  const std::vector<Tensor> parts = split(counting({5}), 2);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_TRUE(has_values(parts[0], {2}, {0, 1}));
  EXPECT_TRUE(has_values(parts[2], {1}, {4}));
  EXPECT_EQ(split(counting({4}), 2).size(), 2u);
  EXPECT_EQ(split(counting({4}), largest).size(), 1u);
  ASSERT_EQ(split(zeros({0, 2}), 3).size(), 1u);
  EXPECT_EQ(split(counting({5}), {5}).size(), 1u);  // a list of sizes, not parts of one size
}

TEST(OpSplit, GradientOfAllParts) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        const std::vector<Tensor> parts = split(in[0], {1, 2}, 1);
        return mul(parts[0], parts[1]);
      },
      {random_leaf({2, 3, 2})}));
}

TEST(OpSplit, GradientOfUnusedPartsIsZero) {
  const Tensor x = random_leaf({2, 3});
  split(x, 1, 1)[1].backward(tensor({5.0, 6.0}, {2, 1}));
  EXPECT_EQ(gradient_of(x), Values({0, 5, 0, 0, 6, 0}));
}

TEST(OpSplit, BrokenInputNamesSizes) {
  const Tensor x = zeros({5, 3});
  EXPECT_ERROR(split(x, {2, 2}), ShapeError,
               "split: sizes [2, 2] add up to 4, axis 0 of [5, 3] has 5");
  EXPECT_ERROR(split(x, {6, -1}), ValueError, "split: size -1 at position 1 is negative");
  EXPECT_ERROR(split(x, 0), ValueError, "split: size 0 is not positive");
  EXPECT_ERROR(split(x, 1, 2), IndexError, "split: axis 2 is outside [-2, 2)");
  EXPECT_THROW(split(x, {largest, largest, 7}), ShapeError);
}

TEST(OpSplit, Copies) {
  expect_copied([](const Tensor& x) { return split(x, 1)[0]; });
  expect_any_dtype([](const Tensor& x) { return split(x, 1, 1)[1]; });
}

TEST(Chunk, HasTheSizesOfPyTorch) {
  const auto sizes = [](std::int64_t n, std::int64_t chunks) {
    std::vector<std::int64_t> result;
    for (const Tensor& part : chunk(counting({2, n}), chunks, -1)) result.push_back(part.size(1));
    return result;
  };
  using Sizes = std::vector<std::int64_t>;
  EXPECT_EQ(sizes(6, 3), Sizes({2, 2, 2}));
  EXPECT_EQ(sizes(7, 3), Sizes({3, 3, 1}));
  EXPECT_EQ(sizes(5, 4), Sizes({2, 2, 1}));
  EXPECT_EQ(sizes(2, 5), Sizes({1, 1}));
  EXPECT_EQ(sizes(3, largest), Sizes({1, 1, 1}));
  EXPECT_EQ(sizes(4, 1), Sizes({4}));
  EXPECT_EQ(sizes(0, 3), Sizes({0, 0, 0}));
  EXPECT_TRUE(has_values(chunk(counting({2, 5}), 2, 1)[1], {2, 2}, {3, 4, 8, 9}));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        const std::vector<Tensor> parts = chunk(in[0], 2, 1);
        return mul(parts[0], parts[1]);
      },
      {random_leaf({3, 4})}));
  EXPECT_ERROR(chunk(zeros({2}), 0), ValueError, "chunk: 0 chunks");
  EXPECT_ERROR(chunk(zeros({0}), std::int64_t{1} << 40), Error,
               "chunk: 1099511627776 parts: that many tensors do not fit in memory");
  EXPECT_THROW(chunk(zeros({0}), largest), Error);
  EXPECT_THROW(split(zeros({std::int64_t{1} << 40, 0}), 1), Error);
  EXPECT_THROW(unbind(zeros({std::int64_t{1} << 40, 0})), Error);
  EXPECT_ERROR(chunk(zeros({2}), 2, 1), IndexError, "chunk: axis 1 is outside [-1, 1)");
}

TEST(OpUnbind, KnownValuesAreThoseOfSelect) {
  const Tensor x = counting({2, 3, 4});
  for (int axis = 0; axis < 3; ++axis) {
    const std::vector<Tensor> parts = unbind(x, axis - 3);
    ASSERT_EQ(static_cast<std::int64_t>(parts.size()), x.size(axis));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Tensor expected = select(x, axis, static_cast<std::int64_t>(i));
      EXPECT_TRUE(has_values(parts[i], expected.shape(), values_of(expected)));
    }
  }
  EXPECT_TRUE(has_values(unbind(tensor({1.0, 2.0}))[1], {}, {2}));
  EXPECT_TRUE(unbind(zeros({0, 2})).empty());
  EXPECT_EQ(unbind(zeros({2, 0})).size(), 2u);
}

TEST(OpUnbind, GradientOfAllParts) {
  for (const std::int64_t axis : {0, 1, 2}) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          const std::vector<Tensor> parts = unbind(in[0], axis);
          return mul(parts[0], parts[1]) + mul(parts[1], parts[1]);
        },
        {random_leaf({3, 2, 4})}));
  }
}

TEST(OpUnbind, GradientOfUnusedPartsIsZero) {
  const Tensor x = random_leaf({2, 3});
  unbind(x, 1)[1].backward(tensor({5.0, 6.0}));
  EXPECT_EQ(gradient_of(x), Values({0, 5, 0, 0, 6, 0}));
}

TEST(OpUnbind, GradientOfManyStepsTakesOneTensor) {
  constexpr std::int64_t steps = 200;
  for (const std::int64_t axis : {0, 1}) {
    const Tensor x = random_leaf(axis == 0 ? Shape{steps, 1000} : Shape{1000, steps});
    const std::vector<Tensor> parts = unbind(x, axis);
    Tensor sum = parts[0];
    for (std::size_t t = 1; t < parts.size(); ++t) sum = add(sum, parts[t]);
    reset_peak_memory();
    const std::int64_t before = memory_stats().live;
    sum.backward(ones_like(sum));
    const auto bytes = static_cast<double>(x.numel() * item_size(x.dtype()));
    EXPECT_LT(static_cast<double>(memory_stats().peak - before), 1.5 * bytes);
    EXPECT_EQ(gradient_of(x), Values(static_cast<std::size_t>(x.numel()), 1.0));
  }
}

TEST(OpUnbind, BrokenInputNamesTheAxis) {
  EXPECT_ERROR(unbind(zeros({2, 3}), 2), IndexError, "unbind: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(unbind(scalar(1.0)), IndexError, "unbind: axis 0 is outside [0, 0)");
}

TEST(OpUnbind, Copies) {
  expect_copied([](const Tensor& x) { return unbind(x)[0]; });
  expect_any_dtype([](const Tensor& x) { return unbind(x, 2)[1]; });
}

}  // namespace
}  // namespace gradus
