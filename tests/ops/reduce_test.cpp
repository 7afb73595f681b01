#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

#include "reduce_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"sum", "all", leaves({{2, 3}}), [](const Inputs& in) { return sum(in[0]); }},
    OpCase{"sum", "an axis", leaves({{2, 3, 4}}),
           [](const Inputs& in) { return sum(in[0], 1, true); }},
    OpCase{"mean", "two axes", leaves({{2, 3, 4}}),
           [](const Inputs& in) {
             return mean(in[0], {0, 2});
           }},
    OpCase{"amax", "an axis", leaves({{3, 4}}), [](const Inputs& in) { return amax(in[0], 0); }},
    OpCase{"amin", "an axis", leaves({{3, 4}}), [](const Inputs& in) { return amin(in[0], -1); }},
    OpCase{"max", "all", leaves({{3, 4}}), [](const Inputs& in) { return max(in[0]); }},
    OpCase{"max", "an axis", leaves({{3, 4}}),
           [](const Inputs& in) { return max(in[0], 1).values; }},
    OpCase{"min", "all", leaves({{3, 4}}), [](const Inputs& in) { return min(in[0]); }},
    OpCase{"min", "an axis", leaves({{3, 4}}),
           [](const Inputs& in) { return min(in[0], 0).values; }},
};

double sum_of(const std::vector<double>& x) {
  double total = 0;
  for (const double value : x) total += value;
  return total;
}
double mean_of(const std::vector<double>& x) { return sum_of(x) / static_cast<double>(x.size()); }
double max_of(const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); }
double min_of(const std::vector<double>& x) { return *std::min_element(x.begin(), x.end()); }

TEST(OpSum, KnownValuesOverAllSubsetsOfAxes) {
  check_values(sum, sum_of);
  check_whole(sum, sum_of);
}
TEST(OpSum, KnownValuesOfIntegersAndCountsOfBooleans) {
  const std::int64_t big = std::int64_t{1} << 53;
  EXPECT_EQ(sum(tensor({big, std::int64_t{1}, std::int64_t{1}})).data<std::int64_t>()[0], big + 2);
  const Tensor mask = tensor({true, false, true, true, false, true}, {2, 3});
  EXPECT_TRUE(has_values(sum(mask, 1), {2}, {2, 2}));
  EXPECT_TRUE(has_values(sum(mask, 0), {3}, {2, 0, 2}));
  EXPECT_EQ(sum(mask).dtype(), DType::int64);
}
TEST(OpSum, KnownValueOfManyOnesIsExact) {
  EXPECT_EQ(sum(ones({20'000'000})).item<std::int64_t>(), 20'000'000);
}
TEST(OpSum, Gradient) { check_gradients(sum); }
TEST(OpSum, OverNothingIsZero) {
  EXPECT_TRUE(has_values(sum(zeros({0, 3}), 0), {3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(sum(zeros({0, 3}), 1), {0}, {}));
  EXPECT_TRUE(has_values(sum(zeros({2, 0, 3}), {0, 1}, true), {1, 1, 3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(sum(zeros({0})), {}, {0}));
  const Tensor x = random_leaf({0, 3});
  sum(x, 0).backward(ones({3}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {0, 3}, {}));
}
TEST(OpSum, NaNStaysInItsSlice) {
  const Tensor x = tensor({1.0, not_a_number, 2.0, 3.0}, {2, 2});
  EXPECT_TRUE(has_values(sum(x, 1), {2}, {not_a_number, 5}));
}
TEST(OpSum, BrokenInput) {
  check_broken_axes(sum, "sum");
  EXPECT_ERROR(sum(ones({}), 0), IndexError, "sum: axis 0 is outside [0, 0)");
}

TEST(OpMean, KnownValuesOverAllSubsetsOfAxes) {
  check_values(mean, mean_of);
  check_whole(mean, mean_of);
}
TEST(OpMean, KnownValueWhereTheSumOverflows) {
  EXPECT_TRUE(has_values(mean(full({4}, 0x1p127)), {}, {0x1p127}));
}
TEST(OpMean, Gradient) { check_gradients(mean); }
TEST(OpMean, OverNothingIsNaN) {
  EXPECT_TRUE(has_values(mean(zeros({0, 2}), 0), {2}, {not_a_number, not_a_number}));
  EXPECT_TRUE(has_values(mean(zeros({2, 0, 2}), {0, 1}), {2}, {not_a_number, not_a_number}));
  EXPECT_TRUE(has_values(mean(zeros({0, 2}), 1), {0}, {}));
  EXPECT_TRUE(has_values(mean(zeros({0})), {}, {not_a_number}));
}
TEST(OpMean, BrokenInput) {
  check_broken_axes(mean, "mean");
  EXPECT_ERROR(mean(tensor({1, 2})), DTypeError,
               "mean: a tensor of dtype int64 where float32 or float64 is needed: convert it with "
               "to(DType::float32)");
  EXPECT_ERROR(mean(tensor({true, false}), 0), DTypeError,
               "mean: a tensor of dtype boolean where float32 or float64 is needed: convert it "
               "with to(DType::float32)");
}

TEST(AnyAndAll, KnownValues) {
  const Tensor x = tensor({true, false, true, true, false, false}, {3, 2});
  EXPECT_TRUE(has_values(any(x, 1), {3}, {1, 1, 0}));
  EXPECT_TRUE(has_values(all(x, -1, true), {3, 1}, {0, 1, 0}));
  EXPECT_TRUE(has_values(any(x), {}, {1}));
  EXPECT_TRUE(has_values(all(x), {}, {0}));
  EXPECT_TRUE(has_values(all(ones({2}, DType::boolean)), {}, {1}));
  EXPECT_EQ(any(x).dtype(), DType::boolean);
}
TEST(AnyAndAll, OverNothing) {
  const Tensor x = zeros({0, 2}, DType::boolean);
  EXPECT_TRUE(has_values(any(x, 0), {2}, {0, 0}));
  EXPECT_TRUE(has_values(all(x, 0), {2}, {1, 1}));
}
TEST(AnyAndAll, BrokenInput) {
  const std::string rest =
      ": a tensor of dtype float32 where boolean is needed: compare it first, as in not_equal(x, "
      "0)";
  EXPECT_ERROR(any(ones({2})), DTypeError, "any" + rest);
  EXPECT_ERROR(all(ones({2}), 0), DTypeError, "all" + rest);
  EXPECT_ERROR(all(ones({2}, DType::boolean), 1), IndexError, "all: axis 1 is outside [-1, 1)");
}

// Of the reductions that choose: errors, empty axes, NaN.
void check_choice(Reduce op, const std::string& name) {
  check_broken_axes(op, name);
  EXPECT_ERROR(op(ones({2}, DType::boolean), 0, false), DTypeError,
               name + ": not defined for boolean tensors: see any() and all()");
  EXPECT_ERROR(op(ones({2, 0}), 1, false), ShapeError,
               name +
                   ": axis 1 is empty, there is nothing to choose from: x is [2, 0]: reduce axes "
                   "that are not empty");
  EXPECT_TRUE(has_values(op(ones({2, 0}), 0, false), {0}, {}));
  const Tensor x = tensor({1.0, not_a_number, 2.0, 3.0}, {2, 2});
  EXPECT_TRUE(std::isnan(values_of(op(x, 1, false))[0]));
  EXPECT_FALSE(std::isnan(values_of(op(x, 1, false))[1]));
}

// The gradient of {2, 1, 2} and {4, NaN, NaN} with the largest, or negated the least, chosen.
void check_ties(Reduce op, double sign) {
  const Tensor x =
      leaf({2 * sign, 1 * sign, 2 * sign, 4 * sign, not_a_number, not_a_number}, {2, 3});
  op(x, 1, false).backward(tensor({3.0, 5.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 3}, {1.5, 0, 1.5, 0, 2.5, 2.5}));
  const Tensor y = leaf({sign, sign, sign, 0}, {2, 2});  // ties across axes that are not adjacent
  op(y * ones({2, 1, 2}, DType::float64), {0, 1, 2}, true)
      .backward(ones({1, 1, 1}, DType::float64));
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(gradient_of(y)[static_cast<std::size_t>(i)], 1.0 / 3, 1e-15);
  }
  EXPECT_EQ(gradient_of(y)[3], 0);
  const Tensor z = leaf({sign, sign, sign, 0, 0, 0, 0, 0}, {2, 2, 2});
  op(z, {0, 2}, false).backward(tensor({6.0, 0.0}));
  EXPECT_TRUE(has_values(z.grad().dense(), {2, 2, 2}, {3, 3, 0, 0, 0, 0, 0, 0}));
}

TEST(OpAmax, KnownValuesOverAllSubsetsOfAxes) { check_values(amax, max_of); }
TEST(OpAmax, Gradient) { check_gradients(amax); }
TEST(OpAmax, GradientIsSharedEvenlyByTies) { check_ties(amax, 1); }
TEST(OpAmax, BrokenInputAndEmptyAxes) { check_choice(amax, "amax"); }

TEST(OpAmin, KnownValuesOverAllSubsetsOfAxes) { check_values(amin, min_of); }
TEST(OpAmin, Gradient) { check_gradients(amin); }
TEST(OpAmin, GradientIsSharedEvenlyByTies) { check_ties(amin, -1); }
TEST(OpAmin, BrokenInputAndEmptyAxes) { check_choice(amin, "amin"); }

using Choose = ValuesAndIndices (*)(const Tensor&, std::int64_t, bool);

// Every axis of some shapes, with small integers so that there are ties: the first one counts.
void check_values_and_indices(Choose op, Tensor (*arg)(const Tensor&, std::int64_t, bool),
                              double sign) {
  for (const Shape& shape : {Shape{6}, Shape{7, 3}, Shape{2, 9, 3}, Shape{2, 3, 1, 40}}) {
    Generator generator(3);
    const Tensor integers = randint(-2, 3, shape, generator);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      std::vector<double> values, indices;
      for (const std::vector<double>& group : groups(integers, 1u << axis)) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < group.size(); ++i) {
          if (sign * group[i] > sign * group[best]) best = i;
        }
        values.push_back(group[best]);
        indices.push_back(static_cast<double>(best));
      }
      for (const DType dtype : {DType::int64, DType::float32, DType::float64}) {
        SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis));
        const Tensor x = integers.to(dtype);
        const Shape kept = reduced_shape(shape, 1u << axis, true);
        const auto [chosen, place] = op(x, axis, true);
        EXPECT_TRUE(has_values(chosen, kept, values));
        EXPECT_TRUE(has_values(place, kept, indices));
        EXPECT_EQ(place.dtype(), DType::int64);
        EXPECT_EQ(chosen.dtype(), dtype);
        EXPECT_TRUE(has_values(arg(x, axis - shape.rank(), false),
                               reduced_shape(shape, 1u << axis, false), indices));
      }
    }
  }
  const Tensor x = tensor({1.0, not_a_number, not_a_number});
  EXPECT_TRUE(has_values(op(x, 0, false).indices, {}, {1}));
}

void check_chosen_gradient(Choose op) {
  for (int axis = 0; axis < 3; ++axis) {
    for (const bool keepdim : {false, true}) {
      EXPECT_TRUE(
          passes_gradcheck([=](const Inputs& in) { return op(in[0], axis - 3, keepdim).values; },
                           {random_leaf({2, 3, 4})}));
    }
  }
  EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return op(in[0], 0, true).values * in[0]; },
                               {random_leaf({4})}));
  const Tensor tied = leaf({1, 1, 1});
  op(tied, 0, false).values.backward(scalar(3.0));
  EXPECT_EQ(gradient_of(tied), (std::vector<double>{3, 0, 0}));
}

void check_broken_choose(Choose op, const std::string& name) {
  EXPECT_ERROR(op(ones({2, 3}), 2, false), IndexError, name + ": axis 2 is outside [-2, 2)");
  EXPECT_ERROR(op(ones({0, 3}), 0, false), ShapeError,
               name +
                   ": axis 0 is empty, there is nothing to choose from: x is [0, 3]: reduce axes "
                   "that are not empty");
  EXPECT_ERROR(op(ones({2}, DType::boolean), 0, false), DTypeError,
               name + ": not defined for boolean tensors: see any() and all()");
  EXPECT_TRUE(has_values(op(ones({0, 3}), 1, false).values, {0}, {}));
}

TEST(OpMax, KnownValuesOfAll) { check_whole(max, max_of); }
TEST(OpMax, KnownValuesAndIndicesAlongEachAxis) { check_values_and_indices(max, argmax, 1); }
TEST(OpMax, GradientOfAllIsSharedEvenlyByTies) {
  const Tensor x = leaf({1, 3, 3, 2, 3}, {5, 1});
  max(x).backward(scalar(6.0));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 2, 2, 0, 2}));
}
TEST(OpMax, GradientGoesToTheFirstIndexAlongAnAxis) { check_chosen_gradient(max); }
TEST(OpMax, BrokenInput) {
  check_broken_choose(max, "max");
  EXPECT_ERROR(max(ones({0})), ShapeError,
               "max: axis 0 is empty, there is nothing to choose from: x is [0]: reduce axes that "
               "are not empty");
}

TEST(OpMin, KnownValuesOfAll) { check_whole(min, min_of); }
TEST(OpMin, KnownValuesAndIndicesAlongEachAxis) { check_values_and_indices(min, argmin, -1); }
TEST(OpMin, GradientOfAllIsSharedEvenlyByTies) {
  const Tensor x = leaf({1, -3, -3, 2}, {2, 2});
  min(x).backward(scalar(6.0));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 3, 3, 0}));
}
TEST(OpMin, GradientGoesToTheFirstIndexAlongAnAxis) { check_chosen_gradient(min); }
TEST(OpMin, BrokenInput) {
  check_broken_choose(min, "min");
  EXPECT_ERROR(
      min(ones({2, 0})), ShapeError,
      "min: axis 1 is empty, there is nothing to choose from: x is [2, 0]: reduce axes that "
      "are not empty");
}

TEST(Argmax, OfAllIsThePlaceInRowMajorOrder) {
  const Tensor x = tensor({1.0f, 7.0f, 2.0f, 3.0f, 7.0f, -9.0f}, {2, 3});
  EXPECT_TRUE(has_values(argmax(x), {}, {1}));
  EXPECT_TRUE(has_values(argmin(x), {}, {5}));
  EXPECT_TRUE(has_values(argmax(scalar(2.0)), {}, {0}));
}
TEST(Argmax, BrokenInput) {
  EXPECT_ERROR(argmax(ones({2, 0}), 1), ShapeError,
               "argmax: axis 1 is empty, there is nothing to choose from: x is [2, 0]: reduce axes "
               "that are not empty");
  EXPECT_ERROR(
      argmin(ones({0})), ShapeError,
      "argmin: axis 0 is empty, there is nothing to choose from: x is [0]: reduce axes that "
      "are not empty");
  EXPECT_ERROR(argmax(ones({2, 0})), ShapeError,
               "argmax: axis 1 is empty, there is nothing to choose from: x is [2, 0]: reduce axes "
               "that are not empty");
  EXPECT_ERROR(argmax(ones({2}), 1), IndexError, "argmax: axis 1 is outside [-1, 1)");
}

}  // namespace
}  // namespace gradus
