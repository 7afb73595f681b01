#include <gradus/framework/base/parallel.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/scatter.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

#include "shape_testing.h"

namespace gradus {
namespace {

Inputs repeated_ids() { return {tensor<std::int64_t>({2, 0, 2, 1}, {2, 2})}; }
Inputs vector_of_ids() { return {tensor<std::int64_t>({2, 0, 2}, {3})}; }

const OpCases cases{
    OpCase{"scatter", "repeated ids", leaves_and({{2, 3}, {2, 2}}, repeated_ids),
           [](const Inputs& in) { return scatter(in[0], 1, in[2], in[1]); }},
    OpCase{"scatter", "the first axis", leaves_and({{3, 2}, {2, 2}}, repeated_ids),
           [](const Inputs& in) { return scatter(in[0], 0, in[2], in[1]); }},
    OpCase{"scatter", "a number", leaves_and({{2, 3}}, repeated_ids),
           [](const Inputs& in) { return scatter(in[0], 1, in[1], 2.5); }},
    OpCase{"scatter_add", "repeated ids", leaves_and({{2, 3}, {2, 2}}, repeated_ids),
           [](const Inputs& in) { return scatter_add(in[0], 1, in[2], in[1]); }},
    OpCase{"index_add", "repeated ids", leaves_and({{2, 4}, {2, 3}}, vector_of_ids),
           [](const Inputs& in) { return index_add(in[0], 1, in[2], in[1], -1.5); }},
    OpCase{"index_add", "the first axis", leaves_and({{4, 2}, {3, 2}}, vector_of_ids),
           [](const Inputs& in) { return index_add(in[0], 0, in[2], in[1]); }},
    OpCase{"index_fill", "a middle axis", leaves_and({{2, 3, 2}}, vector_of_ids),
           [](const Inputs& in) { return index_fill(in[0], 1, in[1], 2.5); }},
};

using Values = std::vector<double>;

Tensor no_ids(const Shape& shape = {0}) { return zeros(shape, DType::int64); }

// Calls f(target, source) in the order of the sources, elements of tensors of the shapes x and ids.
template <class F>
void walk(const Shape& x, int axis, const Tensor& ids, const F& f) {
  const std::int64_t inner = x.numel(axis + 1, x.rank()), n = x[axis];
  const std::int64_t m = ids.shape()[axis];
  for (std::int64_t s = 0; s < ids.numel(); ++s) {
    const std::int64_t o = s / inner / m, id = ids.data<std::int64_t>()[s];
    f(static_cast<std::size_t>((o * n + id) * inner + s % inner), static_cast<std::size_t>(s));
  }
}

struct Case {
  Shape x;
  int axis;
  std::int64_t m;
};
const std::vector<Case> grid{{{5}, 0, 9},       {{1}, 0, 3},        {{2, 4}, 1, 7},
                             {{4, 2}, 0, 7},    {{3, 5, 2}, 1, 6},  {{2, 3, 4}, 2, 2},
                             {{2, 3, 4}, 0, 3}, {{6, 300}, 0, 5},   {{400}, 0, 1000},
                             {{2, 3}, 1, 0},    {{3, 50, 2}, 1, 90}};

TEST(OpScatter, KnownValuesAlongEachAxisWithRepeatedIds) {
  Generator generator(1);
  for (const Case& c : grid) {
    SCOPED_TRACE(c.x.str() + " axis " + std::to_string(c.axis));
    const Shape from = detail::splice(c.x, c.axis, 1, {c.m});
    const Tensor x = rand(c.x, -1, 1, DType::float64, generator);
    const Tensor src = rand(from, -1, 1, DType::float64, generator);
    const Tensor ids = randint(0, c.x[c.axis], from, generator);
    Values last = values_of(x), number = last, sum = last;
    walk(c.x, c.axis, ids, [&](std::size_t target, std::size_t source) {
      last[target] = values_of(src)[source];
      number[target] = 7;
      sum[target] += values_of(src)[source];
    });
    const std::int64_t axis = c.axis - c.x.rank();
    EXPECT_TRUE(has_values(scatter(x, axis, ids, src), c.x, last));
    EXPECT_TRUE(has_values(scatter(x, c.axis, ids, 7), c.x, number));
    EXPECT_TRUE(has_values(scatter_add(x, axis, ids, src), c.x, sum));
    const auto narrow = [](const Tensor& t) { return t.to(DType::float32); };
    EXPECT_TRUE(is_close(scatter(narrow(x), c.axis, ids, narrow(src)), c.x, last, 1e-6));
    EXPECT_TRUE(is_close(scatter_add(narrow(x), c.axis, ids, narrow(src)), c.x, sum, 1e-5));
  }
}

TEST(OpScatter, KnownValuesOfEveryDtype) {
  const Tensor ids = tensor({2, 0, 2});
  for (const DType type : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
    const Tensor y = scatter(tensor({1, 1, 1}).to(type), 0, ids, tensor({1, 0, 0}).to(type));
    EXPECT_EQ(y.dtype(), type);
    EXPECT_TRUE(has_values(y, {3}, {0, 1, 0}));
    EXPECT_TRUE(has_values(scatter(tensor({1, 1, 1}).to(type), 0, ids, 0), {3}, {0, 1, 0}));
  }
}

TEST(OpScatter, LeavesItsInputAlone) {
  expect_copied([](const Tensor& x) { return scatter(x, 1, no_ids({1, 0, 3}), 1); });
  const Tensor x = tensor({1.0, 2.0});
  scatter(x, 0, tensor({0}), 5);
  EXPECT_TRUE(has_values(x, {2}, {1, 2}));
}

TEST(OpScatter, GradientIsThatOfTheLastSourceAndOfWhatIsLeft) {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor src = leaf({5, 6, 7});
  scatter(x, 0, tensor({2, 0, 2}), src).backward(tensor({1.0, 10.0, 100.0, 1000.0}));
  EXPECT_EQ(gradient_of(x), (Values{0, 10, 0, 1000}));
  EXPECT_EQ(gradient_of(src), (Values{0, 1, 100}));
}

TEST(OpScatter, GradientOfOverwrittenInfinitiesIsZero) {
  const Tensor x = leaf({infinity, not_a_number, 3});
  scatter(x, 0, tensor({0, 1}), 0).backward(tensor({infinity, not_a_number, 1.0}));
  EXPECT_EQ(gradient_of(x), (Values{0, 0, 1}));
}

TEST(OpScatter, GradientAlongEachAxisWithRepeatedIds) {
  Generator generator(2);
  for (const Case& c : {Case{{5}, 0, 9}, Case{{2, 3, 2}, 1, 4}, Case{{3, 2, 2}, 0, 4}}) {
    const Shape from = detail::splice(c.x, c.axis, 1, {c.m});
    const Tensor ids = randint(0, c.x[c.axis], from, generator);
    const std::vector<Tensor> in{random_leaf(c.x, 1), random_leaf(from, 2)};
    EXPECT_TRUE(
        passes_gradcheck([&](const Inputs& t) { return scatter(t[0], c.axis, ids, t[1]); }, in));
    EXPECT_TRUE(passes_gradcheck(
        [&](const Inputs& t) { return scatter_add(t[0], c.axis, ids, t[1]); }, in));
  }
}

TEST(OpScatter, BrokenInputNamesIdsAndShapes) {
  const Tensor x = zeros({2, 5});
  const Tensor ids = tensor({0, 1, 2, 3, 0, 1, 2, 7}, {2, 4});
  EXPECT_ERROR(scatter(x, 1, ids, zeros({2, 4})), IndexError,
               "scatter: index 7 at position [1, 3] is outside [0, 5)");
  EXPECT_ERROR(scatter(x, 1, ids, 1), IndexError,
               "scatter: index 7 at position [1, 3] is outside [0, 5)");
  EXPECT_ERROR(scatter(x, -1, tensor({0, -1}, {2, 1}), 1), IndexError,
               "scatter: index -1 at position [1, 0] is outside [0, 5)");
  EXPECT_ERROR(scatter(x, 1, no_ids({3, 1}), 1), ShapeError,
               "scatter: shapes differ on an axis other than 1: x is [2, 5], ids are [3, 1]");
  EXPECT_ERROR(scatter(x, 1, no_ids({2, 3}), zeros({2, 2})), ShapeError,
               "scatter: src is [2, 2], [2, 3] is needed: x is [2, 5], ids are [2, 3]");
  EXPECT_ERROR(scatter(x, 2, no_ids({2, 3}), 1), IndexError, "scatter: axis 2 is outside [-2, 2)");
}

TEST(OpScatter, BrokenInputNamesDtypes) {
  const Tensor x = zeros({2}, DType::int64);
  EXPECT_ERROR(scatter(x, 0, tensor({0}), tensor({1.0})), DTypeError,
               "scatter: dtypes differ: x is int64 [2], src is float64 [1]: convert one with to()");
  EXPECT_ERROR(scatter(x, 0, tensor({0.0}), 1), DTypeError,
               "scatter: ids are float64, int64 is needed: convert them with to(DType::int64)");
  EXPECT_ERROR(scatter(x, 0, tensor({0}), 0.5), DTypeError,
               "scatter: the number 0.5 is not an int64: use a float dtype");
  EXPECT_ERROR(index_fill(zeros({2}, DType::boolean), 0, tensor({0}), 2), DTypeError,
               "index_fill: the number 2 is not a boolean: use 0, 1 or another dtype");
}

TEST(OpScatterAdd, KnownValuesOfIntegersWrapAround) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Tensor y = scatter_add(tensor({most, std::int64_t{1}}), 0, tensor({0, 1, 1}),
                               tensor<std::int64_t>({1, 2, 3}));
  EXPECT_EQ(y.data<std::int64_t>()[0], std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(y.data<std::int64_t>()[1], 6);
}

// Of values of very different sizes, whose sum in float depends on its order.
TEST(OpScatterAdd, KnownValuesOfFrequentTargetsAreSumsInDouble) {
  const int threads = num_threads();
  const std::int64_t grain = detail::parallel_grain;
  constexpr std::int64_t n = 60'000;
  Generator generator(4);
  for (const Shape& shape : {Shape{7}, Shape{7, 3}, Shape{2, 7}}) {
    const int axis = shape.rank() == 2 && shape[0] == 2 ? 1 : 0;
    const Shape from = detail::splice(shape, axis, 1, {n});
    const Tensor ids = randint(0, 7, from, generator);
    const Tensor src = exp(randn(from, 0, 8, DType::float32, generator));
    std::vector<double> sums(static_cast<std::size_t>(shape.numel()));
    walk(shape, axis, ids, [&](std::size_t target, std::size_t source) {
      sums[target] += static_cast<double>(src.data<float>()[source]);
    });
    const std::vector<float> expected(sums.begin(), sums.end());
    for (const std::int64_t chunk : {std::int64_t{1}, std::int64_t{1000}, grain}) {
      set_parallel_grain(chunk);
      for (const int count : {1, 2, 3, 8}) {
        set_num_threads(count);
        const Tensor y = scatter_add(zeros(shape), axis, ids, src);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), y.data<float>()))
            << count << " threads, grain " << chunk;
      }
    }
  }
  set_num_threads(threads);
  set_parallel_grain(grain);
}

TEST(OpScatterAdd, GradientOfRepeatedIds) {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor src = leaf({5, 6, 7});
  scatter_add(x, 0, tensor({2, 0, 2}), src).backward(tensor({1.0, 10.0, 100.0, 1000.0}));
  EXPECT_EQ(gradient_of(x), (Values{1, 10, 100, 1000}));
  EXPECT_EQ(gradient_of(src), (Values{100, 1, 100}));
}

TEST(OpScatterAdd, GradientOfNoIds) {
  const Tensor x = random_leaf({2, 3}), src = random_leaf({2, 0});
  scatter_add(x, 1, no_ids({2, 0}), src).backward(ones({2, 3}, DType::float64));
  EXPECT_EQ(gradient_of(x), Values(6, 1.0));
  EXPECT_TRUE(has_values(src.grad().dense(), {2, 0}, {}));
}

TEST(OpScatterAdd, BrokenInputNamesIdsShapesAndDtypes) {
  const Tensor x = zeros({2, 5});
  const Tensor ids = tensor({0, 1, 2, 3, 0, 1, 2, 7}, {2, 4});
  EXPECT_ERROR(scatter_add(x, 1, ids, ones({2, 4})), IndexError,
               "scatter_add: index 7 at position [1, 3] is outside [0, 5)");
  EXPECT_TRUE(has_values(x, {2, 5}, Values(10, 0.0)));
  EXPECT_ERROR(scatter_add(x, 1, no_ids({2, 3}), zeros({2, 2})), ShapeError,
               "scatter_add: src is [2, 2], [2, 3] is needed: x is [2, 5], ids are [2, 3]");
  EXPECT_ERROR(scatter_add(x.to(DType::boolean), 1, ids, ones({2, 4}, DType::boolean)), DTypeError,
               "scatter_add: not defined for boolean tensors");
}

TEST(OpIndexAdd, KnownValuesAlongEachAxisWithRepeatedIds) {
  Generator generator(5);
  for (const Case& c : grid) {
    SCOPED_TRACE(c.x.str() + " axis " + std::to_string(c.axis));
    const Shape from = detail::splice(c.x, c.axis, 1, {c.m});
    const Tensor x = rand(c.x, -1, 1, DType::float64, generator);
    const Tensor src = rand(from, -1, 1, DType::float64, generator);
    const Tensor ids = randint(0, c.x[c.axis], {c.m}, generator);
    // The same ids everywhere, as scatter_add() has them.
    std::vector<std::int64_t> row(static_cast<std::size_t>(from.rank()), 1);
    row[static_cast<std::size_t>(c.axis)] = c.m;
    const Tensor all = broadcast_to(reshape(ids, row), from);
    Values sum = values_of(x), scaled = sum, filled = sum;
    walk(c.x, c.axis, all, [&](std::size_t target, std::size_t source) {
      sum[target] += values_of(src)[source];
      scaled[target] += -2 * values_of(src)[source];
      filled[target] = 9;
    });
    EXPECT_TRUE(has_values(index_add(x, c.axis, ids, src), c.x, sum));
    EXPECT_TRUE(has_values(index_add(x, c.axis - c.x.rank(), ids, src, -2), c.x, scaled));
    EXPECT_TRUE(has_values(index_fill(x, c.axis, ids, 9), c.x, filled));
  }
}

TEST(OpIndexAdd, KnownValuesOfIntegers) {
  EXPECT_TRUE(has_values(index_add(tensor({1, 2, 3}), 0, tensor({2, 2}), tensor({5, 6}), 3), {3},
                         {1, 2, 36}));
  EXPECT_ERROR(index_add(tensor({1, 2, 3}), 0, tensor({2, 2}), tensor({5, 6}), 0.5), DTypeError,
               "index_add: the number 0.5 is not an int64: use a float dtype");
}

TEST(OpIndexAdd, GradientAlongEachAxis) {
  const Tensor ids = tensor({1, 0, 1, 1});
  for (const std::int64_t axis : {0, 1, 2}) {
    const Shape from = detail::splice({2, 3, 2}, static_cast<int>(axis), 1, {4});
    EXPECT_TRUE(
        passes_gradcheck([=](const Inputs& in) { return index_add(in[0], axis, ids, in[1], 0.5); },
                         {random_leaf({2, 3, 2}, 1), random_leaf(from, 2)}));
  }
}

TEST(OpIndexAdd, BrokenInputNamesIdsAndShapes) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(index_add(x, 1, tensor({0, 3}), zeros({2, 2})), IndexError,
               "index_add: index 3 at position [1] is outside [0, 3)");
  EXPECT_ERROR(index_add(x, 1, no_ids({1, 2}), zeros({2, 2})), ShapeError,
               "index_add: ids are [1, 2]: a vector [n] is needed");
  EXPECT_ERROR(index_add(x, 1, tensor({0, 1}), zeros({2, 3})), ShapeError,
               "index_add: src is [2, 3], [2, 2] is needed: x is [2, 3], ids are [2]");
  EXPECT_ERROR(index_add(x.to(DType::boolean), 1, tensor({0}), zeros({2, 1}, DType::boolean)),
               DTypeError, "index_add: not defined for boolean tensors");
}

TEST(OpIndexFill, KnownValuesOfEveryDtype) {
  for (const DType type : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
    const Tensor y = index_fill(zeros({2, 2}, type), 1, tensor({1, 1}), 1);
    EXPECT_EQ(y.dtype(), type);
    EXPECT_TRUE(has_values(y, {2, 2}, {0, 1, 0, 1}));
  }
  EXPECT_TRUE(has_values(index_fill(zeros({0, 2}), 1, tensor({1}), 1), {0, 2}, {}));
  EXPECT_TRUE(has_values(index_fill(zeros({2}), 0, no_ids(), 1), {2}, {0, 0}));
}

TEST(OpIndexFill, GradientIsZeroWhereFilled) {
  const Tensor x = random_leaf({2, 3});
  index_fill(x, 1, tensor({2, 0, 2}), 4).backward(full({2, 3}, 3, DType::float64));
  EXPECT_EQ(gradient_of(x), (Values{0, 3, 0, 0, 3, 0}));
}

TEST(OpIndexFill, BrokenInputNamesIds) {
  EXPECT_ERROR(index_fill(zeros({2, 3}), 0, tensor({0, 2}), 1), IndexError,
               "index_fill: index 2 at position [1] is outside [0, 2)");
  EXPECT_ERROR(index_fill(zeros({2, 3}), 0, scalar(0), 1), ShapeError,
               "index_fill: ids are []: a vector [n] is needed");
}

}  // namespace
}  // namespace gradus
