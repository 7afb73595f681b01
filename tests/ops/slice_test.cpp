#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

#include <limits>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"slice", "every second entry", leaves({{2, 5}}),
           [](const Inputs& in) { return slice(in[0], 1, 1, 5, 2); }},
    OpCase{"slice", "the first axis", leaves({{5, 2}}),
           [](const Inputs& in) { return slice(in[0], 0, 1, 3); }},
    OpCase{"select", "the last axis", leaves({{2, 3}}),
           [](const Inputs& in) { return select(in[0], -1, 1); }},
};

using Values = std::vector<double>;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();

// The indices of x[start:end:step] for an axis of size n, by the words of Python's reference.
std::vector<std::int64_t> naive_indices(std::int64_t n, std::int64_t start, std::int64_t end,
                                        std::int64_t step) {
  const auto bound = [&](std::int64_t i) {
    if (i < 0) i += n;
    if (step > 0) return i < 0 ? 0 : i > n ? n : i;
    return i < 0 ? -1 : i > n - 1 ? n - 1 : i;
  };
  std::vector<std::int64_t> indices;
  const std::int64_t last = bound(end);
  for (std::int64_t i = bound(start); step > 0 ? i < last : i > last; i += step) {
    indices.push_back(i);
  }
  return indices;
}

TEST(OpSlice, KnownValuesOfEveryRangeUpToLengthEight) {
  for (std::int64_t n = 0; n <= 8; ++n) {
    const Tensor rows = counting({n, 2}), columns = counting({2, n});
    for (std::int64_t start = -n - 2; start <= n + 2; ++start) {
      for (std::int64_t end = -n - 2; end <= n + 2; ++end) {
        for (std::int64_t step = -n - 2; step <= n + 2; ++step) {
          if (step == 0) continue;
          const std::vector<std::int64_t> indices = naive_indices(n, start, end, step);
          Values of_rows, of_columns;
          for (const std::int64_t i : indices) {
            of_rows.push_back(static_cast<double>(2 * i));
            of_rows.push_back(static_cast<double>(2 * i + 1));
          }
          for (const std::int64_t row : {std::int64_t{0}, n}) {
            for (const std::int64_t i : indices) {
              of_columns.push_back(static_cast<double>(row + i));
            }
          }
          const auto count = static_cast<std::int64_t>(indices.size());
          ASSERT_TRUE(has_values(slice(rows, 0, start, end, step), {count, 2}, of_rows))
              << n << ": " << start << ":" << end << ":" << step;
          ASSERT_TRUE(has_values(slice(columns, 1, start, end, step), {2, count}, of_columns))
              << n << ": " << start << ":" << end << ":" << step;
        }
      }
    }
  }
}

TEST(OpSlice, KnownValuesOfExtremeBounds) {
  const Tensor x = counting({4});
  EXPECT_TRUE(has_values(slice(x, 0, 0, largest), {4}, {0, 1, 2, 3}));
  EXPECT_TRUE(has_values(slice(x, 0, lowest, largest, largest), {1}, {0}));
  EXPECT_TRUE(has_values(slice(x, 0, largest, lowest, -1), {4}, {3, 2, 1, 0}));
  EXPECT_TRUE(has_values(slice(x, 0, largest, lowest, lowest), {1}, {3}));
  EXPECT_TRUE(has_values(slice(x, 0, largest, largest), {0}, {}));
}

// What slice(x, axis, start, end, step) of leaves [n, 2] and [2, n] sends back to each.
void check_gradients(const Tensor& rows, const Tensor& columns, std::int64_t start,
                     std::int64_t end, std::int64_t step) {
  const std::int64_t n = rows.size(0);
  Values of_rows(static_cast<std::size_t>(2 * n)), of_columns(of_rows), g;
  const std::vector<std::int64_t> indices = naive_indices(n, start, end, step);
  const auto count = static_cast<std::int64_t>(indices.size());
  for (std::int64_t k = 0; k < 2 * count; ++k) {
    g.push_back(static_cast<double>(k + 1));
    of_rows[static_cast<std::size_t>(2 * indices[static_cast<std::size_t>(k / 2)] + k % 2)] =
        g.back();
    of_columns[static_cast<std::size_t>(k / count * n +
                                        indices[static_cast<std::size_t>(k % count)])] = g.back();
  }
  rows.clear_grad();
  columns.clear_grad();
  slice(rows, 0, start, end, step).backward(tensor(g, {count, 2}));
  slice(columns, 1, start, end, step).backward(tensor(g, {2, count}));
  ASSERT_EQ(gradient_of(rows), of_rows) << n << ": " << start << ":" << end << ":" << step;
  ASSERT_EQ(gradient_of(columns), of_columns) << n << ": " << start << ":" << end << ":" << step;
}

TEST(OpSlice, GradientOfEveryRangeUpToLengthEight) {
  for (std::int64_t n = 0; n <= 8; ++n) {
    const Tensor rows = random_leaf({n, 2}), columns = random_leaf({2, n});
    for (std::int64_t start = -n - 2; start <= n + 2; ++start) {
      for (std::int64_t end = -n - 2; end <= n + 2; ++end) {
        for (std::int64_t step = -n - 2; step <= n + 2; ++step) {
          if (step != 0) check_gradients(rows, columns, start, end, step);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(OpSlice, GradientOfEveryKindOfRange) {
  const auto check = [](std::int64_t axis, std::int64_t start, std::int64_t end,
                        std::int64_t step) {
    EXPECT_TRUE(
        passes_gradcheck([=](const Inputs& in) { return slice(in[0], axis, start, end, step); },
                         {random_leaf({4, 5, 3})}))
        << "axis " << axis << ": " << start << ":" << end << ":" << step;
  };
  for (const std::int64_t axis : {0, 1, 2}) {
    check(axis, 1, 3, 1);
    check(axis, 0, 5, 2);
    check(axis, -1, -9, -1);
    check(axis, 3, 0, -2);
  }
}

TEST(OpSlice, GradientOfOverlappingSlicesIsTheSum) {
  const Tensor x = leaf({1, 2, 3});
  add(slice(x, 0, 0, 2), slice(x, 0, 1, 3)).backward(tensor({1.0, 10.0}));
  EXPECT_EQ(gradient_of(x), Values({1, 11, 10}));
}

TEST(OpSlice, GradientOfAnEmptySliceIsZero) {
  const Tensor x = random_leaf({3, 2});
  for (const std::int64_t axis : {0, 1}) {
    const Tensor y = slice(x, axis, 2, 1);
    x.clear_grad();
    y.backward(zeros_like(y));
    EXPECT_EQ(gradient_of(x), Values(6, 0.0));
  }
}

TEST(OpSlice, BrokenInputNamesTheAxis) {
  EXPECT_ERROR(slice(zeros({2, 3}), 2, 0, 1), IndexError, "slice: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(slice(zeros({2, 3}), 0, 0, 1, 0), ValueError, "slice: step is 0");
}

TEST(OpSlice, SharesOnTheLeadingAxisWithStepOneOnly) {
  expect_shared([](const Tensor& x) { return slice(x, 0, 0, 1); });
  expect_copied([](const Tensor& x) { return slice(x, 0, 0, 1, 2); });
  expect_copied([](const Tensor& x) { return slice(x, 0, 0, -2, -1); });
  expect_copied([](const Tensor& x) { return slice(x, 1, 0, 2); });
  expect_any_dtype([](const Tensor& x) { return slice(x, 2, 0, 3, 2); });
}

TEST(OpSelect, KnownValuesOnEveryAxis) {
  const Tensor x = counting({2, 3, 2});
  EXPECT_TRUE(has_values(select(x, 0, 1), {3, 2}, {6, 7, 8, 9, 10, 11}));
  EXPECT_TRUE(has_values(select(x, 1, -1), {2, 2}, {4, 5, 10, 11}));
  EXPECT_TRUE(has_values(select(x, -1, 0), {2, 3}, {0, 2, 4, 6, 8, 10}));
  EXPECT_TRUE(has_values(select(counting({3}), 0, 2), {}, {2}));
}

TEST(OpSelect, GradientOnEveryAxis) {
  for (const std::int64_t axis : {0, 1, 2}) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) { return mul(select(in[0], axis, 1), select(in[0], axis, -2)); },
        {random_leaf({2, 3, 2})}));
  }
}

TEST(OpSelect, GradientOfManyStepsGathersInOneTensor) {
  constexpr std::int64_t steps = 2000;
  for (const std::int64_t axis : {0, 1}) {
    const Tensor x = axis == 0 ? random_leaf({steps, 2, 64}) : random_leaf({2, steps, 64});
    Tensor sum = select(x, axis, 0);
    for (std::int64_t t = 1; t < steps; ++t) sum = add(sum, select(x, axis, t));
    reset_peak_memory();
    const std::int64_t before = memory_stats().live;
    sum.backward(ones_like(sum));
    // The gradient and small change: not another tensor of that size for each step.
    const auto bytes = static_cast<double>(x.numel() * item_size(x.dtype()));
    EXPECT_LT(static_cast<double>(memory_stats().peak - before), 1.5 * bytes);
    EXPECT_EQ(gradient_of(x), Values(static_cast<std::size_t>(x.numel()), 1.0));
  }
}

TEST(OpSelect, BrokenInputNamesIndexAndShape) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(select(x, 1, 3), IndexError,
               "select: index 3 is outside [-3, 3) on axis 1 of [2, 3]");
  EXPECT_ERROR(select(x, 0, -3), IndexError,
               "select: index -3 is outside [-2, 2) on axis 0 of [2, 3]");
  EXPECT_ERROR(select(x, 2, 0), IndexError, "select: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(select(zeros({0}), 0, 0), IndexError,
               "select: index 0 is outside [0, 0) on axis 0 of [0]");
}

TEST(OpSelect, SharesOnTheLeadingAxisOnly) {
  expect_shared([](const Tensor& x) { return select(x, 0, 0); });
  expect_shared([](const Tensor& x) { return select(squeeze(x, 0), 0, 1); });
  expect_copied([](const Tensor& x) { return select(x, 1, 0); });
  expect_any_dtype([](const Tensor& x) { return select(x, 1, 1); });
}

TEST(Index, IsAnEntryOfTheFirstAxis) {
  const Tensor x = tensor({{0., 1., 2.}, {3., 4., 5.}});
  EXPECT_TRUE(has_values(x[1], {3}, {3, 4, 5}));
  EXPECT_TRUE(has_values(x[-2], {3}, {0, 1, 2}));
  EXPECT_EQ(x[1][2].item(), 5);
  EXPECT_EQ(tensor({{true, false}})[0].dtype(), DType::boolean);
  x[0].fill_(7);  // shares
  EXPECT_TRUE(has_values(x, {2, 3}, {7, 7, 7, 3, 4, 5}));
}

TEST(Index, CarriesTheGradient) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return in[0][1] * in[0][-1][0]; },
                               {random_leaf({3, 2})}));
  const Tensor x = leaf({1, 2, 3});
  (x[2] * 5.0).backward();
  EXPECT_EQ(gradient_of(x), (Values{0, 0, 5}));
}

TEST(Index, BrokenInputNamesWhatIsWrong) {
  EXPECT_ERROR(zeros({2, 3})[2], IndexError,
               "select: index 2 is outside [-2, 2) on axis 0 of [2, 3]");
  EXPECT_ERROR(zeros({2, 3})[-3], IndexError,
               "select: index -3 is outside [-2, 2) on axis 0 of [2, 3]");
  EXPECT_ERROR(scalar(1.0)[0], IndexError, "select: axis 0 is outside [0, 0)");
}

}  // namespace
}  // namespace gradus
