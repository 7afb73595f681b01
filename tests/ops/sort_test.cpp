#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"sort", "the last axis", leaves({{2, 5}}),
           [](const Inputs& in) { return sort(in[0]).values; }},
    OpCase{"sort", "a middle axis, descending", leaves({{2, 4, 3}}),
           [](const Inputs& in) { return sort(in[0], 1, true).values; }},
    OpCase{"topk", "the greatest", leaves({{2, 5}}),
           [](const Inputs& in) { return topk(in[0], 2).values; }},
    OpCase{"topk", "the least of the first axis", leaves({{5, 3}}),
           [](const Inputs& in) { return topk(in[0], 3, 0, false, false).values; }},
    OpCase{"unique", "a matrix", leaves({{2, 3}}),
           [](const Inputs& in) { return unique(in[0]).values; }},
};

using Values = std::vector<double>;
using Order = std::vector<std::size_t>;

// a comes before b: NaN is the greatest.
bool before(double a, double b, bool descending) {
  if (descending) std::swap(a, b);
  return a < b || (std::isnan(b) && !std::isnan(a));
}

Order order_of(const Values& row, bool descending) {
  Order order(row.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return before(row[a], row[b], descending);
  });
  return order;
}

// What choose(row) -> places gives for each row along an axis: the values and the places.
template <class Choose>
std::pair<Values, Values> along(const Tensor& x, int axis, std::int64_t k, const Choose& choose) {
  const std::int64_t n = x.size(axis), inner = x.shape().numel(axis + 1, x.dim());
  const std::int64_t outer = x.shape().numel(0, axis);
  const Values all = values_of(x);
  Values values(static_cast<std::size_t>(outer * k * inner)), places = values;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t j = 0; j < inner; ++j) {
      Values row;
      for (std::int64_t i = 0; i < n; ++i) {
        row.push_back(all[static_cast<std::size_t>((o * n + i) * inner + j)]);
      }
      const Order chosen = choose(row);
      for (std::int64_t i = 0; i < k; ++i) {
        const std::size_t place = chosen[static_cast<std::size_t>(i)];
        values[static_cast<std::size_t>((o * k + i) * inner + j)] = row[place];
        places[static_cast<std::size_t>((o * k + i) * inner + j)] = static_cast<double>(place);
      }
    }
  }
  return {values, places};
}

// Integers with many ties as floats, some of them NaN or infinite.
Tensor with_ties(const Shape& shape) {
  Generator generator(3);
  const Tensor x = randint(-3, 4, shape, generator).to(DType::float64);
  for (double& value : x.mutable_span<double>()) {
    if (value == 3) value = not_a_number;
    if (value == -3) value = -infinity;
  }
  return x;
}

const std::vector<Shape> shapes{{1}, {7}, {300}, {4, 3}, {2, 3, 5}, {3, 40, 2}, {2, 1, 3}};

TEST(OpSort, KnownValuesAlongEachAxis) {
  for (const Shape& shape : shapes) {
    const Tensor x = with_ties(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (const bool descending : {false, true}) {
        SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis));
        const auto [values, places] = along(
            x, axis, shape[axis], [&](const Values& row) { return order_of(row, descending); });
        for (const DType type : {DType::float32, DType::float64}) {
          const auto [sorted, indices] = sort(x.to(type), axis - shape.rank(), descending);
          EXPECT_EQ(sorted.dtype(), type);
          EXPECT_TRUE(has_values(sorted, shape, values));
          EXPECT_TRUE(has_values(indices, shape, places));
          EXPECT_TRUE(has_values(argsort(x.to(type), axis, descending), shape, places));
        }
      }
    }
  }
}

TEST(OpSort, KnownValuesOfIntegersAndBooleans) {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const auto [values, indices] =
      sort(tensor({most, std::int64_t{-1}, least, std::int64_t{0}, most}));
  const std::vector<std::int64_t> expected{least, -1, 0, most, most};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values.data<std::int64_t>()));
  EXPECT_TRUE(has_values(indices, {5}, {2, 1, 3, 0, 4}));
  const auto flags = sort(tensor({true, false, true, false}), 0, true);
  EXPECT_TRUE(has_values(flags.values, {4}, {1, 1, 0, 0}));
  EXPECT_TRUE(has_values(flags.indices, {4}, {0, 2, 1, 3}));
}

TEST(OpSort, KnownValuesOfZerosKeepTheirSigns) {
  const auto [values, indices] = sort(tensor({0.0, -0.0, 1.0, -0.0}));
  EXPECT_TRUE(has_values(indices, {4}, {0, 1, 3, 2}));
  EXPECT_FALSE(std::signbit(values.data<double>()[0]));
  EXPECT_TRUE(std::signbit(values.data<double>()[1]));
}

TEST(OpSort, KnownValuesOfRankZeroAndOfNothing) {
  EXPECT_TRUE(has_values(sort(scalar(3.0)).values, {}, {3}));
  EXPECT_TRUE(has_values(sort(scalar(3.0), 0).indices, {}, {0}));
  EXPECT_TRUE(has_values(argsort(scalar(3.0), -1), {}, {0}));
  for (const Shape& shape : {Shape{0}, Shape{2, 0}, Shape{0, 2}}) {
    EXPECT_TRUE(has_values(sort(zeros(shape), 0).values, shape, {}));
    EXPECT_TRUE(has_values(argsort(zeros(shape), -1), shape, {}));
  }
}

TEST(OpSort, KnownValuesOfALongRow) {
  Generator generator(5);
  const Tensor x = randn({300'000}, 0, 1, DType::float32, generator);
  const Values row = values_of(x);
  const Order order = order_of(row, false);
  const auto [values, indices] = sort(x);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ASSERT_EQ(static_cast<std::size_t>(indices.data<std::int64_t>()[i]), order[i]);
    ASSERT_EQ(static_cast<double>(values.data<float>()[i]), row[order[i]]);
  }
}

TEST(OpSort, GradientAlongEachAxis) {
  for (const bool descending : {false, true}) {
    for (const std::int64_t axis : {0, 1, 2}) {
      EXPECT_TRUE(
          passes_gradcheck([=](const Inputs& in) { return sort(in[0], axis, descending).values; },
                           {random_leaf({3, 4, 2})}));
    }
  }
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return sort(in[0]).values * in[0]; },
                               {random_leaf({5})}));
}

TEST(OpSort, GradientGoesToTheIndexAtTiesAndNaN) {
  const Tensor x = leaf({2, 1, not_a_number, 1, infinity});
  const auto [values, indices] = sort(x, 0, true);
  EXPECT_TRUE(has_values(indices, {5}, {2, 4, 0, 1, 3}));
  values.backward(tensor({1.0, 2.0, 3.0, 4.0, 5.0}));
  EXPECT_EQ(gradient_of(x), (Values{3, 4, 1, 5, 2}));
  EXPECT_FALSE(indices.requires_grad());
}

TEST(OpSort, GradientOfNothing) {
  const Tensor x = random_leaf({2, 0});
  sort(x).values.backward(zeros({2, 0}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 0}, {}));
}

TEST(OpSort, GradientNoticesIndicesThatChanged) {
  const Tensor x = random_leaf({3});
  const auto [values, indices] = sort(x);
  indices.fill_(0);
  EXPECT_THROW(values.backward(ones_like(values)), AutogradError);
}

TEST(OpSort, BrokenInputNamesTheAxis) {
  EXPECT_ERROR(sort(ones({2, 3}), 2), IndexError, "sort: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(argsort(ones({2, 3}), -3), IndexError, "argsort: axis -3 is outside [-2, 2)");
  EXPECT_ERROR(sort(ones({}), 1), IndexError, "sort: axis 1 is outside [-1, 1)");
}

TEST(OpTopk, KnownValuesAlongEachAxis) {
  for (const Shape& shape : shapes) {
    const Tensor x = with_ties(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (std::int64_t k = 0; k <= shape[axis]; k += 1 + shape[axis] / 8) {
        for (const bool largest : {false, true}) {
          for (const bool sorted : {false, true}) {
            SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis) + " k " + std::to_string(k));
            const auto [values, places] = along(x, axis, k, [&](const Values& row) {
              Order order = order_of(row, largest);
              if (!sorted) std::sort(order.begin(), order.begin() + k);
              return order;
            });
            const Shape result = detail::splice(shape, axis, 1, {k});
            const auto [found, indices] = topk(x, k, axis, largest, sorted);
            EXPECT_TRUE(has_values(found, result, values));
            EXPECT_TRUE(has_values(indices, result, places));
          }
        }
      }
    }
  }
}

TEST(OpTopk, KnownValuesOfALongRow) {
  Generator generator(6);
  const Tensor x = randint(0, 1000, {50'000}, generator);  // ties
  const Values row = values_of(x);
  for (const bool largest : {false, true}) {
    const Order order = order_of(row, largest);
    for (const std::int64_t k : {1, 3, 700, 20'000, 50'000}) {
      const Tensor indices = topk(x, k, 0, largest).indices;
      for (std::int64_t i = 0; i < k; ++i) {
        ASSERT_EQ(static_cast<std::size_t>(indices.data<std::int64_t>()[i]),
                  order[static_cast<std::size_t>(i)])
            << "k " << k << ", " << i;
      }
    }
  }
}

TEST(OpTopk, KnownValuesOfRankZeroAndOfNothing) {
  EXPECT_TRUE(has_values(topk(scalar(3.0), 1).values, {}, {3}));
  EXPECT_TRUE(has_values(topk(zeros({2, 0}), 0).values, {2, 0}, {}));
  EXPECT_TRUE(has_values(topk(zeros({0, 2}), 1).indices, {0, 1}, {}));
}

TEST(OpTopk, GradientGoesToTheChosenOnes) {
  const Tensor x = leaf({2, 5, 5, not_a_number, 5, 1}, {2, 3});
  const auto [values, indices] = topk(x, 2);
  EXPECT_TRUE(has_values(indices, {2, 2}, {1, 2, 0, 1}));
  values.backward(tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 3}, {0, 1, 2, 3, 4, 0}));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        const Tensor y = topk(in[0], 2, 1, false).values;
        return mul(y, y);
      },
      {random_leaf({2, 5, 3})}));
}

TEST(OpTopk, GradientOfNoValuesIsZero) {
  const Tensor x = random_leaf({2, 3});
  topk(x, 0).values.backward(zeros({2, 0}, DType::float64));
  EXPECT_EQ(gradient_of(x), Values(6, 0.0));
}

TEST(OpTopk, BrokenInputNamesKAndAxis) {
  EXPECT_ERROR(topk(ones({2, 5}), 6), ValueError, "topk: k is 6, axis 1 of [2, 5] has 5 elements");
  EXPECT_ERROR(topk(ones({2, 5}), -1, 0), ValueError,
               "topk: k is -1, axis 0 of [2, 5] has 2 elements");
  EXPECT_ERROR(topk(ones({}), 0), ValueError, "topk: k is 0 for a tensor of rank 0");
  EXPECT_ERROR(topk(ones({2, 5}), 1, 2), IndexError, "topk: axis 2 is outside [-2, 2)");
}

TEST(OpUnique, KnownValuesWithInverseAndCounts) {
  for (const Shape& shape : {Shape{1}, Shape{50}, Shape{2000}, Shape{4, 3}}) {
    Generator generator(8);
    const Tensor x = randint(-20, 20, shape, generator);
    std::map<double, double> counts;
    for (const double value : values_of(x)) ++counts[value];
    Values distinct, count;
    for (const auto& [value, n] : counts) distinct.push_back(value), count.push_back(n);
    const auto n = static_cast<std::int64_t>(distinct.size());
    for (const DType type : {DType::float32, DType::float64, DType::int64}) {
      const Unique y = unique(x.to(type), {.inverse = true, .counts = true});
      EXPECT_EQ(y.values.dtype(), type);
      EXPECT_TRUE(has_values(y.values, {n}, distinct));
      EXPECT_TRUE(has_values(y.counts, {n}, count));
      EXPECT_EQ(y.inverse.shape(), shape);
      for (std::int64_t i = 0; i < x.numel(); ++i) {
        ASSERT_EQ(distinct[static_cast<std::size_t>(y.inverse.data<std::int64_t>()[i])],
                  values_of(x)[static_cast<std::size_t>(i)]);
      }
    }
  }
}

TEST(OpUnique, KnownValuesOfNothingOneElementAndBooleans) {
  const Unique none = unique(zeros({2, 0}), {.inverse = true, .counts = true});
  EXPECT_TRUE(has_values(none.values, {0}, {}));
  EXPECT_TRUE(has_values(none.inverse, {2, 0}, {}));
  EXPECT_TRUE(has_values(none.counts, {0}, {}));
  const Unique one = unique(scalar(4.0), {.inverse = true});
  EXPECT_TRUE(has_values(one.values, {1}, {4}));
  EXPECT_TRUE(has_values(one.inverse, {}, {0}));
  EXPECT_FALSE(one.counts.defined());
  EXPECT_TRUE(has_values(unique(tensor({true, false, true})).values, {2}, {0, 1}));
}

TEST(OpUnique, KnownValuesOfNaNAndZeros) {
  const Unique y = unique(tensor({not_a_number, 0.0, 1.0, not_a_number, -0.0}),
                          {.inverse = true, .counts = true});
  EXPECT_TRUE(has_values(y.values, {4}, {0, 1, not_a_number, not_a_number}));
  EXPECT_FALSE(std::signbit(y.values.data<double>()[0]));
  EXPECT_TRUE(has_values(y.counts, {4}, {2, 1, 1, 1}));
  EXPECT_TRUE(has_values(y.inverse, {5}, {2, 0, 1, 3, 0}));
}

TEST(OpUnique, GradientIsSharedByEqualElements) {
  const Tensor x = leaf({5, 1, 5, 2, 5, 1}, {2, 3});
  unique(x).values.backward(tensor({4.0, 10.0, 6.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 3}, {2, 2, 2, 10, 2, 2}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return unique(in[0]).values; }, {random_leaf({7})}));
  const Tensor none = random_leaf({0});
  unique(none).values.backward(zeros({0}, DType::float64));
  EXPECT_TRUE(has_values(none.grad().dense(), {0}, {}));
}

TEST(OpUnique, BrokenInputIsUndefined) { EXPECT_THROW(unique(Tensor()), Error); }

}  // namespace
}  // namespace gradus
