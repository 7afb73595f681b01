#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/triangle.h>
#include <gradus/tests/support/op_cases.h>

#include <limits>

#include "shape_testing.h"

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"tril", "matrices", leaves({{2, 3, 4}}), [](const Inputs& in) { return tril(in[0]); }},
    OpCase{"tril", "above the main diagonal", leaves({{3, 3}}),
           [](const Inputs& in) { return tril(in[0], 1); }},
    OpCase{"triu", "matrices", leaves({{2, 3, 4}}), [](const Inputs& in) { return triu(in[0]); }},
    OpCase{"triu", "below the main diagonal", leaves({{4, 2}}),
           [](const Inputs& in) { return triu(in[0], -1); }},
    OpCase{"diagonal", "the main one", leaves({{3, 4}}),
           [](const Inputs& in) { return diagonal(in[0]); }},
    OpCase{"diagonal", "of outer axes", leaves({{3, 2, 4}}),
           [](const Inputs& in) { return diagonal(in[0], 1, 2, 0); }},
    OpCase{"diag_embed", "vectors", leaves({{2, 3}}),
           [](const Inputs& in) { return diag_embed(in[0], -1); }},
    OpCase{"diag_embed", "outer axes", leaves({{2, 3}}),
           [](const Inputs& in) { return diag_embed(in[0], 1, 2, 0); }},
};

using Values = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

// The elements of x with keep(row, column), zeros elsewhere.
template <class F>
Values naive_triangle(const Tensor& x, F keep) {
  return by_index(x.shape(), [&](const Index& index) {
    return keep(index[index.size() - 2], index.back()) ? at(x, index) : 0;
  });
}

TEST(OpTril, KnownValuesOfEveryDiagonal) {
  EXPECT_TRUE(has_values(tril(tensor({1.0, 2.0, 3.0, 4.0}, {2, 2})), {2, 2}, {1, 0, 3, 4}));
  for (const Shape& shape : {Shape{3, 4}, Shape{4, 2}, Shape{2, 3, 3}, Shape{1, 5}, Shape{5, 1}}) {
    const Tensor x = counting(shape) + 1;
    for (std::int64_t k = -6; k <= 6; ++k) {
      EXPECT_TRUE(
          has_values(tril(x, k), shape,
                     naive_triangle(x, [k](auto row, auto column) { return column <= row + k; })))
          << shape.str() << ", " << k;
    }
    EXPECT_TRUE(has_values(tril(x, largest), shape, values_of(x)));
    EXPECT_TRUE(has_values(tril(x, lowest), shape, values_of(zeros(shape))));
  }
  EXPECT_EQ(tril(zeros({2, 0, 3})).shape(), Shape({2, 0, 3}));
  EXPECT_EQ(tril(zeros({3, 0})).shape(), Shape({3, 0}));
}

TEST(OpTril, KnownValuesSelectAndNeverMultiply) {
  const Tensor x = full({2, 2}, not_a_number, DType::float64);
  EXPECT_TRUE(has_values(tril(x, -1), {2, 2}, {0, 0, not_a_number, 0}));
  EXPECT_TRUE(has_values(triu(x, 1), {2, 2}, {0, not_a_number, 0, 0}));
}

TEST(OpTril, GradientIsZeroAboveTheDiagonal) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return tril(in[0], -1) * in[0]; },
                               {random_leaf({2, 3, 4})}));
  const Tensor x = leaf({1, 2, 3, 4}, {2, 2});
  tril(x).backward(full({2, 2}, infinity, DType::float64));
  EXPECT_EQ(gradient_of(x), Values({infinity, 0, infinity, infinity}));
}

TEST(OpTril, BrokenInputNamesTheShape) {
  EXPECT_ERROR(tril(zeros({3})), ShapeError,
               "tril: x is [3]: matrices [..., rows, columns] are needed");
}

TEST(OpTril, Copies) {
  expect_copied([](const Tensor& x) { return tril(x, 5); });
  expect_any_dtype([](const Tensor& x) { return tril(x, 1); });
}

TEST(OpTriu, KnownValuesOfEveryDiagonal) {
  EXPECT_TRUE(has_values(triu(tensor({1.0, 2.0, 3.0, 4.0}, {2, 2})), {2, 2}, {1, 2, 0, 4}));
  for (const Shape& shape : {Shape{3, 4}, Shape{4, 2}, Shape{2, 3, 3}, Shape{1, 5}, Shape{5, 1}}) {
    const Tensor x = counting(shape) + 1;
    for (std::int64_t k = -6; k <= 6; ++k) {
      EXPECT_TRUE(
          has_values(triu(x, k), shape,
                     naive_triangle(x, [k](auto row, auto column) { return column >= row + k; })))
          << shape.str() << ", " << k;
    }
    EXPECT_TRUE(has_values(triu(x, lowest), shape, values_of(x)));
    EXPECT_TRUE(has_values(triu(x, largest), shape, values_of(zeros(shape))));
  }
}

TEST(OpTriu, GradientIsZeroBelowTheDiagonal) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return triu(in[0], 1) * in[0]; },
                               {random_leaf({2, 3, 4})}));
}

TEST(OpTriu, BrokenInputNamesTheShape) {
  EXPECT_ERROR(triu(scalar(1.0)), ShapeError,
               "triu: x is []: matrices [..., rows, columns] are needed");
}

TEST(OpTriu, Copies) {
  expect_copied([](const Tensor& x) { return triu(x, -5); });
  expect_any_dtype([](const Tensor& x) { return triu(x, 1); });
}

TEST(OpDiagonal, KnownValuesOfEveryPairOfAxes) {
  EXPECT_TRUE(has_values(diagonal(counting({2, 3})), {2}, {0, 4}));
  EXPECT_TRUE(has_values(diagonal(counting({2, 3}), 1), {2}, {1, 5}));
  EXPECT_TRUE(has_values(diagonal(counting({2, 3}), -1), {1}, {3}));
  const Tensor x = counting({2, 3, 4, 3});
  for (int rows = 0; rows < 4; ++rows) {
    for (int columns = 0; columns < 4; ++columns) {
      if (rows == columns) continue;
      for (std::int64_t offset = -5; offset <= 5; ++offset) {
        std::int64_t length = 0;  // elements [i, i + offset]
        for (std::int64_t i = 0; i < x.shape()[rows]; ++i) {
          length += i + offset >= 0 && i + offset < x.shape()[columns] ? 1 : 0;
        }
        Sizes sizes;
        for (int axis = 0; axis < 4; ++axis) {
          if (axis != rows && axis != columns) sizes.push_back(x.shape()[axis]);
        }
        sizes.push_back(length);
        const Values expected = by_index(Shape(sizes), [&](const Index& index) {
          Index full;
          for (int axis = 0, next = 0; axis < 4; ++axis) {
            const bool other = axis != rows && axis != columns;
            full.push_back(other ? index[static_cast<std::size_t>(next++)] : 0);
          }
          const std::int64_t first = std::max<std::int64_t>(0, -offset);
          full[static_cast<std::size_t>(rows)] = first + index.back();
          full[static_cast<std::size_t>(columns)] = first + index.back() + offset;
          return at(x, full);
        });
        EXPECT_TRUE(has_values(diagonal(x, offset, rows, columns - 4), Shape(sizes), expected))
            << rows << columns << " " << offset;
      }
    }
  }
  EXPECT_TRUE(has_values(diagonal(counting({2, 3}), largest), {0}, {}));
  EXPECT_TRUE(has_values(diagonal(counting({2, 3}), lowest, 1, 0), {0}, {}));
  EXPECT_TRUE(has_values(diagonal(zeros({0, 3})), {0}, {}));
}

TEST(OpDiagonal, GradientIsZeroBesideTheDiagonal) {
  for (const std::int64_t offset : {-1, 0, 1, 2, 7}) {
    EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return diagonal(in[0], offset, 0, 2); },
                                 {random_leaf({3, 2, 4})}));
    EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return diagonal(in[0], offset, 1, 0); },
                                 {random_leaf({3, 2, 4})}));
  }
  const Tensor x = leaf({1, 2, 3, 4}, {2, 2});
  (diagonal(x) * 2.0 + diagonal(x)).backward(tensor({1.0, 10.0}));
  EXPECT_EQ(gradient_of(x), Values({3, 0, 0, 30}));
}

TEST(OpDiagonal, BrokenInputNamesTheAxes) {
  EXPECT_ERROR(diagonal(zeros({3})), ShapeError,
               "diagonal: x is [3]: matrices [..., rows, columns] are needed");
  EXPECT_ERROR(diagonal(zeros({2, 3}), 0, 0, 2), IndexError, "diagonal: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(diagonal(zeros({2, 3}), 0, 1, -1), ValueError,
               "diagonal: axes 1 and -1 of 2 axes are the same");
}

TEST(OpDiagonal, Copies) {
  expect_copied([](const Tensor& x) { return diagonal(x); });
  expect_any_dtype([](const Tensor& x) { return diagonal(x, 0, 1, 2); });
}

TEST(OpDiagEmbed, KnownValuesOfEveryOffset) {
  const Tensor x = tensor({1.0, 2.0});
  EXPECT_TRUE(has_values(diag_embed(x), {2, 2}, {1, 0, 0, 2}));
  EXPECT_TRUE(has_values(diag_embed(x, 1), {3, 3}, {0, 1, 0, 0, 0, 2, 0, 0, 0}));
  EXPECT_TRUE(has_values(diag_embed(x, -1), {3, 3}, {0, 0, 0, 1, 0, 0, 0, 2, 0}));
  EXPECT_TRUE(has_values(diag_embed(x, 1, 1, 0), {3, 3}, {0, 0, 0, 1, 0, 0, 0, 2, 0}));
  EXPECT_TRUE(has_values(diag_embed(zeros({0})), {0, 0}, {}));
  EXPECT_TRUE(has_values(diag_embed(zeros({0}), -2), {2, 2}, {0, 0, 0, 0}));
}

TEST(OpDiagEmbed, KnownValuesAreTheReverseOfDiagonal) {
  const Tensor x = counting({2, 2, 3});
  for (int rows = 0; rows < 4; ++rows) {
    for (int columns = 0; columns < 4; ++columns) {
      if (rows == columns) continue;
      for (std::int64_t offset = -2; offset <= 2; ++offset) {
        const Tensor y = diag_embed(x, offset, rows - 4, columns);
        EXPECT_EQ(y.size(rows), 3 + std::abs(offset));
        EXPECT_TRUE(has_values(diagonal(y, offset, rows, columns), x.shape(), values_of(x)));
        double all = 0;
        for (const double value : values_of(y)) all += value;
        EXPECT_EQ(all, 66);  // and nothing else
      }
    }
  }
}

TEST(OpDiagEmbed, GradientIsTheDiagonal) {
  for (const std::int64_t offset : {-1, 0, 2}) {
    EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return diag_embed(in[0], offset, 0, -1); },
                                 {random_leaf({2, 3})}));
  }
}

TEST(OpDiagEmbed, BrokenInputNamesTheAxes) {
  EXPECT_ERROR(diag_embed(scalar(1.0)), ShapeError,
               "diag_embed: x is []: vectors [..., n] are needed");
  EXPECT_ERROR(diag_embed(zeros({2}), 0, 0, 2), IndexError,
               "diag_embed: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(diag_embed(zeros({2}), 0, 1, 1), ValueError,
               "diag_embed: axes 1 and 1 of 2 axes are the same");
  EXPECT_ERROR(diag_embed(zeros({2}), lowest), ShapeError,
               "diag_embed: offset -9223372036854775808 is too large");
  EXPECT_THROW(diag_embed(zeros({2}), std::int64_t{1} << 31), ShapeError);
}

TEST(OpDiagEmbed, Copies) {
  expect_copied([](const Tensor& x) { return diag_embed(x); });
  expect_any_dtype([](const Tensor& x) { return diag_embed(x, 1); });
}

TEST(Diag, IsTheOneOfAVectorAndTheOtherOfAMatrix) {
  EXPECT_TRUE(has_values(diag(tensor({1.0, 2.0})), {2, 2}, {1, 0, 0, 2}));
  EXPECT_TRUE(has_values(diag(tensor({1.0}), -1), {2, 2}, {0, 0, 1, 0}));
  EXPECT_TRUE(has_values(diag(counting({2, 3}), 1), {2}, {1, 5}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return diag(diag(in[0]) * in[1]); },
                               {random_leaf({2}, 1), random_leaf({2, 2}, 2)}));
  EXPECT_ERROR(diag(zeros({2, 2, 2})), ShapeError,
               "diag: x is [2, 2, 2]: a vector or a matrix is needed");
}

}  // namespace
}  // namespace gradus
