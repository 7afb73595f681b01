#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"bincount", "repeated ids",
           leaves_and({{5}},
                      [] {
                        return Inputs{tensor<std::int64_t>({2, 0, 2, 2, 4}, {5})};
                      }),
           [](const Inputs& in) { return bincount(in[1], in[0], 6); }},
};

using Values = std::vector<double>;

Tensor no_ids(const Shape& shape = {0}) { return zeros(shape, DType::int64); }

TEST(Nonzero, ListsIndicesInRowMajorOrder) {
  for (const Shape& shape :
       {Shape{}, Shape{1}, Shape{9}, Shape{3, 4}, Shape{2, 1, 5}, Shape{0, 3}, Shape{300, 500}}) {
    Generator generator(1);
    const Tensor x = randint(0, 3, shape, generator);
    Values expected;
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      if (x.data<std::int64_t>()[i] == 0) continue;
      std::int64_t size = shape.numel();
      for (int axis = 0; axis < shape.rank(); ++axis) {
        const std::int64_t block = size / shape[axis];
        expected.push_back(static_cast<double>(i % size / block));
        size = block;
      }
    }
    std::int64_t count = 0;
    for (const double value : values_of(x)) count += value != 0 ? 1 : 0;
    for (const DType type : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
      EXPECT_TRUE(has_values(nonzero(x.to(type)), {count, shape.rank()}, expected)) << shape.str();
    }
  }
}

TEST(Nonzero, CountsNaNAndTinyValuesButNoZeroOfEitherSign) {
  EXPECT_TRUE(
      has_values(nonzero(tensor({0.0, -0.0, not_a_number, 5e-324, -1.0})), {3, 1}, {2, 3, 4}));
}

TEST(OpBincount, KnownValuesOfCounts) {
  EXPECT_TRUE(has_values(bincount(tensor({3, 1, 1, 3, 3})), {4}, {0, 2, 0, 3}));
  EXPECT_EQ(bincount(tensor({0})).dtype(), DType::int64);
  EXPECT_TRUE(has_values(bincount(tensor({1}), 4), {4}, {0, 1, 0, 0}));
  EXPECT_TRUE(has_values(bincount(tensor({5}), 4), {6}, {0, 0, 0, 0, 0, 1}));
  EXPECT_TRUE(has_values(bincount(no_ids()), {0}, {}));
  EXPECT_TRUE(has_values(bincount(no_ids(), 2), {2}, {0, 0}));
}

TEST(OpBincount, KnownValuesOfManyIds) {
  Generator generator(2);
  const Tensor ids = randint(0, 100, {1'000'000}, generator);
  const Tensor weights = rand({1'000'000}, 0, 1, DType::float32, generator);
  Values counts(100), sums(100);
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    const auto id = static_cast<std::size_t>(ids.data<std::int64_t>()[i]);
    counts[id] += 1;
    sums[id] += static_cast<double>(weights.data<float>()[i]);
  }
  EXPECT_TRUE(has_values(bincount(ids), {100}, counts));
  EXPECT_TRUE(is_close(bincount(ids, weights), {100}, sums, 1e-7));
  EXPECT_TRUE(has_values(bincount(ids, weights.to(DType::float64)), {100}, sums));
}

TEST(OpBincount, KnownValuesOfWeightsAddUpInDouble) {
  const Tensor y = bincount(no_ids({17'000'000}), ones({17'000'000}));  // float32 stops at 2^24
  EXPECT_EQ(y.dtype(), DType::float32);
  EXPECT_EQ(y.item<std::int64_t>(), 17'000'000);
}

TEST(OpBincount, GradientIsThatOfTheBin) {
  const Tensor weights = leaf({1, 2, 3});
  bincount(tensor({2, 0, 2}), weights, 4).backward(tensor({1.0, 10.0, 100.0, 1000.0}));
  EXPECT_EQ(gradient_of(weights), (Values{100, 1, 100}));
  const Tensor none = random_leaf({0});
  bincount(no_ids(), none, 1).backward(ones({1}, DType::float64));
  EXPECT_TRUE(has_values(none.grad().dense(), {0}, {}));
}

TEST(OpBincount, BrokenInputNamesIdsAndWeights) {
  EXPECT_ERROR(bincount(tensor({3, -2})), IndexError,
               "bincount: index -2 at position [1] is outside [0, 9223372036854775807)");
  EXPECT_ERROR(bincount(no_ids({1, 2})), ShapeError,
               "bincount: ids are [1, 2]: a vector [n] is needed");
  EXPECT_ERROR(bincount(tensor({1.0})), DTypeError,
               "bincount: ids are float64, int64 is needed: convert them with to(DType::int64)");
  EXPECT_ERROR(bincount(tensor({1}), -1), ValueError, "bincount: minlength is -1");
  EXPECT_ERROR(bincount(tensor({1}), ones({2})), ShapeError,
               "bincount: shapes differ: ids are [1], weights are [2]");
  EXPECT_ERROR(bincount(tensor({1}), tensor({1})), DTypeError,
               "bincount: a tensor of dtype int64 where float32 or float64 is needed");
}

// a < b where NaN is the greatest.
bool below(double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); }

double rank_of(const Values& sorted, double value, bool right) {
  double rank = 0;
  for (const double x : sorted) rank += below(x, value) || (right && !below(value, x)) ? 1 : 0;
  return rank;
}

TEST(Searchsorted, CountsWhatIsBelow) {
  Generator generator(3);
  for (std::int64_t n = 0; n <= 40; ++n) {
    const Tensor sorted = sort(randint(-8, 8, {n}, generator)).values;
    const Tensor values = randint(-10, 10, {3, 7}, generator);
    for (const bool right : {false, true}) {
      Values expected;
      for (const double v : values_of(values))
        expected.push_back(rank_of(values_of(sorted), v, right));
      for (const DType type : {DType::float32, DType::float64, DType::int64}) {
        EXPECT_TRUE(
            has_values(searchsorted(sorted.to(type), values.to(type), right), {3, 7}, expected));
      }
    }
  }
}

TEST(Searchsorted, LooksValuesUpInTheirRows) {
  Generator generator(4);
  const Tensor sorted = sort(randn({2, 3, 50}, 0, 1, DType::float64, generator)).values;
  const Tensor values = randn({2, 3, 20}, 0, 1, DType::float64, generator);
  for (const bool right : {false, true}) {
    Values expected;
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      const double* row = sorted.data<double>() + i / 20 * 50;
      expected.push_back(rank_of(Values(row, row + 50), values.data<double>()[i], right));
    }
    EXPECT_TRUE(has_values(searchsorted(sorted, values, right), {2, 3, 20}, expected));
  }
  EXPECT_TRUE(has_values(searchsorted(zeros({2, 0}), zeros({2, 1})), {2, 1}, {0, 0}));
  EXPECT_TRUE(has_values(searchsorted(zeros({2, 3}), zeros({2, 0})), {2, 0}, {}));
  EXPECT_TRUE(has_values(searchsorted(zeros({0, 3}), zeros({0, 2})), {0, 2}, {}));
}

TEST(Searchsorted, OrdersZerosInfinitiesAndNaNAsSortDoes) {
  const Tensor sorted = tensor({-infinity, -0.0, 0.0, infinity, not_a_number, not_a_number});
  const Tensor values = tensor({-infinity, -0.0, 0.0, 1.0, infinity, not_a_number});
  EXPECT_TRUE(has_values(searchsorted(sorted, values), {6}, {0, 1, 1, 3, 3, 4}));
  EXPECT_TRUE(has_values(searchsorted(sorted, values, true), {6}, {1, 3, 3, 3, 4, 6}));
}

TEST(Searchsorted, TakesOneNumber) {
  const Tensor sorted = tensor({1.0f, 2.0f, 2.0f});
  EXPECT_TRUE(has_values(searchsorted(sorted, 2), {}, {1}));
  EXPECT_TRUE(has_values(searchsorted(sorted, 2, true), {}, {3}));
}

TEST(Searchsorted, BrokenInputNamesRowsAndShapes) {
  EXPECT_ERROR(searchsorted(tensor({1, 2, 3, 4, 9, 5}, {2, 3}), zeros({2, 1}, DType::int64)),
               ValueError,
               "searchsorted: not in ascending order: 5 at position [1, 2] comes after 9");
  EXPECT_ERROR(searchsorted(tensor({1.0, not_a_number, 2.0}), 0), ValueError,
               "searchsorted: not in ascending order: 2 at position [2] comes after nan");
  EXPECT_ERROR(searchsorted(zeros({2, 3}), zeros({3, 1})), ShapeError,
               "searchsorted: leading axes differ: sorted is [2, 3], values are [3, 1]");
  EXPECT_ERROR(searchsorted(zeros({2, 3}), zeros({2})), ShapeError,
               "searchsorted: leading axes differ: sorted is [2, 3], values are [2]");
  EXPECT_ERROR(searchsorted(zeros({2, 3}), 1), ShapeError,
               "searchsorted: sorted is [2, 3]: a vector is needed for one value");
  EXPECT_ERROR(searchsorted(zeros({}), zeros({1})), ShapeError,
               "searchsorted: sorted is []: a vector or rows are needed");
  EXPECT_ERROR(
      searchsorted(zeros({2}), zeros({1}, DType::float64)), DTypeError,
      "searchsorted: dtypes differ: sorted is float32 [2], values is float64 [1]: convert one with "
      "to()");
  EXPECT_ERROR(searchsorted(tensor({true}), tensor({true})), DTypeError,
               "searchsorted: not defined for boolean tensors");
}

}  // namespace
}  // namespace gradus
