#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"matmul", "matrices", leaves({{2, 3}, {3, 4}}),
           [](const Inputs& in) { return matmul(in[0], in[1]); }},
    OpCase{"matmul", "batches that broadcast", leaves({{2, 1, 2, 3}, {4, 3, 2}}),
           [](const Inputs& in) { return matmul(in[0], in[1]); }},
    OpCase{
        "matmul", "transposed operands", leaves({{3, 2}, {4, 3}}),
        [](const Inputs& in) { return matmul(in[0], in[1], {.trans_a = true, .trans_b = true}); }},
    OpCase{"matmul", "vectors", leaves({{5}, {5}}),
           [](const Inputs& in) { return matmul(in[0], in[1]); }},
    OpCase{"linear", "with bias", leaves({{2, 2, 3}, {4, 3}, {4}}),
           [](const Inputs& in) { return linear(in[0], in[1], in[2]); }},
    OpCase{"linear", "without bias", leaves({{2, 3}, {4, 3}}),
           [](const Inputs& in) { return linear(in[0], in[1]); }},
};

// A pair of operands as op(a) [.., m, k] and op(b) [.., k, n] see them.
struct Pair {
  Shape a, b, result;
};

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> all{
      {{3}, {3}, {}},
      {{3}, {3, 2}, {2}},
      {{2, 3}, {3}, {2}},
      {{2, 3}, {3, 4}, {2, 4}},
      {{1, 3}, {3, 1}, {1, 1}},
      {{5, 2, 3}, {3, 4}, {5, 2, 4}},
      {{2, 3}, {5, 3, 4}, {5, 2, 4}},
      {{5, 2, 3}, {3}, {5, 2}},
      {{3}, {5, 3, 2}, {5, 2}},
      {{5, 2, 3}, {5, 3, 4}, {5, 2, 4}},
      {{2, 1, 2, 3}, {1, 3, 3, 2}, {2, 3, 2, 2}},
      {{2, 1, 3, 2, 2}, {4, 1, 2, 3}, {2, 4, 3, 2, 3}},
      {{2, 3, 1, 2}, {3, 2, 2}, {2, 3, 1, 2}},
      {{2, 3, 2, 2}, {2, 1, 2, 1}, {2, 3, 2, 1}},
      {{1, 2, 3}, {4, 3, 2}, {4, 2, 2}},
      {{2, 0}, {0, 3}, {2, 3}},
      {{4, 2, 0}, {0, 3}, {4, 2, 3}},
      {{0}, {0}, {}},
      {{0, 2, 3}, {3, 4}, {0, 2, 4}},
      {{0, 2, 3}, {1, 3, 4}, {0, 2, 4}},
      {{0, 3}, {3, 4}, {0, 4}},
  };
  return all;
}

Shape stored(const Shape& shape, bool transposed) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  if (transposed) std::swap(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
  return Shape(sizes);
}

// Calls f(pair, options) with all the flags that the ranks allow.
template <class F>
void for_each_product(F f) {
  for (const Pair& pair : pairs()) {
    for (const bool trans_a : {false, true}) {
      for (const bool trans_b : {false, true}) {
        if ((trans_a && pair.a.rank() < 2) || (trans_b && pair.b.rank() < 2)) continue;
        SCOPED_TRACE(pair.a.str() + " x " + pair.b.str() + (trans_a ? " trans_a" : "") +
                     (trans_b ? " trans_b" : ""));
        f(pair, MatmulOptions{trans_a, trans_b});
      }
    }
  }
}

// The product by its definition.
std::vector<double> naive_product(const Pair& pair, const Tensor& a, const Tensor& b,
                                  const MatmulOptions& options) {
  const std::vector<double> x = values_of(a), y = values_of(b);
  const int ra = pair.a.rank(), rb = pair.b.rank();
  const std::int64_t k = pair.a[ra - 1];
  const std::int64_t m = ra > 1 ? pair.a[ra - 2] : 1, n = rb > 1 ? pair.b[rb - 1] : 1;
  const auto leading = [](const Shape& shape) {
    const int rank = std::max(0, shape.rank() - 2);
    return Shape(shape.sizes().first(static_cast<std::size_t>(rank)));
  };
  const Shape batch_a = leading(pair.a), batch_b = leading(pair.b);
  const Shape batch = broadcast_shapes(batch_a, batch_b, "test");
  std::vector<double> result;
  for (std::int64_t e = 0; e < batch.numel(); ++e) {
    const std::int64_t at_a = broadcast_offset(batch_a, batch, e) * m * k;
    const std::int64_t at_b = broadcast_offset(batch_b, batch, e) * k * n;
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t l = 0; l < k; ++l) {
          sum += x[static_cast<std::size_t>(at_a + (options.trans_a ? l * m + i : i * k + l))] *
                 y[static_cast<std::size_t>(at_b + (options.trans_b ? j * k + l : l * n + j))];
        }
        result.push_back(sum);
      }
    }
  }
  return result;
}

TEST(OpMatmul, KnownValuesOfTwoMatrices) {
  const Tensor a = tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}, {2, 3});
  const Tensor b = tensor({1.0f, 0.0f, 0.0f, 1.0f, 2.0f, -1.0f}, {3, 2});
  EXPECT_TRUE(has_values(matmul(a, b), {2, 2}, {7, -1, 16, -1}));
  EXPECT_TRUE(has_values(matmul(a, a, {.trans_b = true}), {2, 2}, {14, 32, 32, 77}));
  EXPECT_TRUE(has_values(matmul(b, b, {.trans_a = true}), {2, 2}, {5, -2, -2, 2}));
}

TEST(OpMatmul, KnownValuesOfAllRanksAndFlagsAreTheDefinition) {
  for_each_product([](const Pair& pair, const MatmulOptions& options) {
    const Tensor a = random_leaf(stored(pair.a, options.trans_a), 1);
    const Tensor b = random_leaf(stored(pair.b, options.trans_b), 2);
    const std::vector<double> expected = naive_product(pair, a, b, options);
    EXPECT_TRUE(is_close(matmul(a, b, options), pair.result, expected, 1e-14));
    const Tensor single = matmul(a.to(DType::float32), b.to(DType::float32), options);
    EXPECT_EQ(single.dtype(), DType::float32);
    EXPECT_TRUE(is_close(single, pair.result, expected, 1e-5));
  });
}

TEST(OpMatmul, GradientOfAllRanksAndFlags) {
  for_each_product([](const Pair& pair, const MatmulOptions& options) {
    const Tensor a = random_leaf(stored(pair.a, options.trans_a), 1);
    const Tensor b = random_leaf(stored(pair.b, options.trans_b), 2);
    const auto product = [&](const Inputs& in) { return matmul(in[0], in[1], options); };
    EXPECT_TRUE(passes_gradcheck(product, {a, b}));
    EXPECT_TRUE(passes_gradcheck(product, {frozen(a), b}));
    EXPECT_TRUE(passes_gradcheck(product, {a, frozen(b)}));
  });
}

TEST(OpMatmul, GradientOfAProductWithItself) {
  const Tensor x = random_leaf({3, 3});
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return matmul(in[0], in[0]); }, {x}));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) { return matmul(in[0], in[0], {.trans_b = true}); }, {x}));
}

TEST(OpMatmul, GradientOverNoTermsIsZero) {
  const Tensor a = random_leaf({0, 2, 3});
  const Tensor b = random_leaf({3, 4});
  const Tensor y = matmul(a, b);
  y.backward(zeros_like(y));
  EXPECT_TRUE(has_values(b.grad().dense(), {3, 4}, std::vector<double>(12, 0.0)));
  EXPECT_EQ(a.grad().dense().shape(), Shape({0, 2, 3}));
}

TEST(OpMatmul, BrokenInputNamesBothShapes) {
  const Tensor a = zeros({2, 3}), b = zeros({4, 5}), number = zeros({}), vector = zeros({3});
  EXPECT_ERROR(matmul(a, b), ShapeError,
               "matmul: inner dimensions differ: a is [2, 3], b is [4, 5]");
  EXPECT_ERROR(matmul(a, b, {.trans_a = true}), ShapeError,
               "matmul: inner dimensions differ: a is [2, 3] transposed, b is [4, 5]");
  EXPECT_ERROR(matmul(a, vector, {.trans_a = true}), ShapeError,
               "matmul: inner dimensions differ: a is [2, 3] transposed, b is [3]: leave out "
               ".trans_a");
  EXPECT_ERROR(matmul(a, zeros({2, 3})), ShapeError,
               "matmul: inner dimensions differ: a is [2, 3], b is [2, 3]: set .trans_b = true");
  EXPECT_ERROR(matmul(a, zeros({3, 4}), {.trans_b = true}), ShapeError,
               "matmul: inner dimensions differ: a is [2, 3], b is [3, 4] transposed: leave out "
               ".trans_b");
  EXPECT_ERROR(matmul(a, zeros({2, 4})), ShapeError,
               "matmul: inner dimensions differ: a is [2, 3], b is [2, 4]: set .trans_a = true");
  EXPECT_ERROR(matmul(a, number), ShapeError,
               "matmul: an operand has no axis: a is [2, 3], b is []");
  EXPECT_ERROR(matmul(a, vector, {.trans_b = true}), ShapeError,
               "matmul: a vector cannot be transposed: a is [2, 3], b is [3] transposed");
  EXPECT_ERROR(matmul(zeros({2, 4, 3}), zeros({3, 3, 5})), ShapeError,
               "matmul: leading axes do not broadcast: a is [2, 4, 3], b is [3, 3, 5]");
}

TEST(OpMatmul, BrokenInputNamesTheDtypes) {
  EXPECT_ERROR(matmul(zeros({2, 3}), zeros({3, 2}, DType::float64)), DTypeError,
               "matmul: dtypes differ: a is float32 [2, 3], b is float64 [3, 2]: convert one with "
               "to()");
  EXPECT_THROW(matmul(zeros({2, 2}, DType::int64), zeros({2, 2}, DType::int64)), DTypeError);
}

TEST(OpMatmul, NeedsTheValuesOfTheOtherOperandOnly) {
  const Tensor a = leaf({1, 2}, {1, 2});
  const Tensor b = tensor({3.0, 4.0}, {2, 1});
  const Tensor y = matmul(a, b);
  {
    const NoGradGuard guard;
    a.fill_(9);  // b is frozen: nothing needs a
  }
  y.backward();
  EXPECT_TRUE(has_values(a.grad().dense(), {1, 2}, {3, 4}));
  const Tensor z = matmul(a, b);
  b.fill_(0);
  EXPECT_THROW(z.backward(), AutogradError);
}

// The gradient of one b for many a is a sum over them all.
TEST(OpMatmul, GradientSumsOverALongBatchKeepTheirDigits) {
  constexpr std::int64_t batch = 100'000;
  for (const bool trans_a : {false, true}) {
    for (const std::int64_t outer : {std::int64_t{1}, batch / 4}) {
      const Tensor a = full({outer, batch / outer, 1, 1}, 0.1F), b = leaf(std::vector{1.F}, {1, 1});
      const Tensor y = matmul(a, b, {.trans_a = trans_a});
      y.backward(full(y.shape(), 0.7F));
      EXPECT_NEAR(gradient_of(b)[0], 7000, 0.05) << trans_a << outer;
    }
  }
  const Tensor a = full({batch, 2, 1, 2}, 0.1F), b = leaf(std::vector{1.F, 2.F}, {2, 1, 1});
  const Tensor y = matmul(a, b, {.trans_a = true});
  y.backward(full(y.shape(), 0.7F));
  EXPECT_TRUE(is_close(b.grad().dense(), {2, 1, 1}, {14000, 14000}, 1e-5));
}

TEST(OpMatmul, NotANumberReachesItsRowOnly) {
  const Tensor a = tensor({not_a_number, 1.0, 2.0, 3.0}, {2, 2});
  const Tensor b = ones({2, 2}, DType::float64);
  EXPECT_TRUE(has_values(matmul(a, b), {2, 2}, {not_a_number, not_a_number, 5, 5}));
}

TEST(OpLinear, KnownValuesOfTwoRows) {
  const Tensor x = tensor({1.0f, 2.0f, 3.0f, 4.0f}, {2, 2});
  const Tensor weight = tensor({1.0f, 0.0f, 0.0f, 1.0f, 1.0f, -1.0f}, {3, 2});
  const Tensor bias = tensor({10.0f, 20.0f, 30.0f});
  EXPECT_TRUE(has_values(linear(x, weight, bias), {2, 3}, {11, 22, 29, 13, 24, 29}));
  EXPECT_TRUE(has_values(linear(x, weight), {2, 3}, {1, 2, -1, 3, 4, -1}));
}

TEST(OpLinear, KnownValuesOfAllRanksAreTheDefinition) {
  const Tensor weight = random_leaf({4, 3}, 2), bias = random_leaf({4}, 3);
  for (const Shape& shape : {Shape{3}, Shape{1, 3}, Shape{0, 3}, Shape{2, 5, 3}, Shape{2, 0, 3}}) {
    SCOPED_TRACE(shape.str());
    const Tensor x = random_leaf(shape);
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    sizes.back() = 4;
    const Pair pair{shape, {3, 4}, Shape(sizes)};
    std::vector<double> expected = naive_product(pair, x, weight, {.trans_b = true});
    EXPECT_TRUE(is_close(linear(x, weight), pair.result, expected, 1e-14));
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += values_of(bias)[i % 4];
    EXPECT_TRUE(is_close(linear(x, weight, bias), pair.result, expected, 1e-14));
  }
}

TEST(OpLinear, GradientOfAllInputs) {
  const auto with_bias = [](const Inputs& in) { return linear(in[0], in[1], in[2]); };
  const auto without = [](const Inputs& in) { return linear(in[0], in[1]); };
  const Tensor weight = random_leaf({4, 3}, 2), bias = random_leaf({4}, 3);
  for (const Shape& shape : {Shape{3}, Shape{1, 3}, Shape{5, 3}, Shape{2, 2, 3}}) {
    SCOPED_TRACE(shape.str());
    const Tensor x = random_leaf(shape);
    EXPECT_TRUE(passes_gradcheck(with_bias, {x, weight, bias}));
    EXPECT_TRUE(passes_gradcheck(with_bias, {frozen(x), weight, bias}));
    EXPECT_TRUE(passes_gradcheck(with_bias, {x, frozen(weight), bias}));
    EXPECT_TRUE(passes_gradcheck(with_bias, {x, weight, frozen(bias)}));
    EXPECT_TRUE(passes_gradcheck(without, {x, weight}));
  }
}

TEST(OpLinear, GradientOfOneTensorAsInputAndWeight) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return linear(in[0], in[0]); },
                               {random_leaf({3, 3})}));
}

TEST(OpLinear, EmptyBatchGivesZeroGradients) {
  const Tensor x = random_leaf({0, 3}), weight = random_leaf({2, 3}), bias = random_leaf({2});
  const Tensor y = linear(x, weight, bias);
  EXPECT_EQ(y.shape(), Shape({0, 2}));
  y.backward(zeros_like(y));
  EXPECT_TRUE(has_values(weight.grad().dense(), {2, 3}, std::vector<double>(6, 0.0)));
  EXPECT_TRUE(has_values(bias.grad().dense(), {2}, {0, 0}));
}

TEST(OpLinear, NoInputsGiveTheBias) {
  const Tensor bias = tensor({1.0, 2.0});
  const DType type = DType::float64;
  EXPECT_TRUE(
      has_values(linear(zeros({2, 0}, type), zeros({2, 0}, type), bias), {2, 2}, {1, 2, 1, 2}));
}

TEST(OpLinear, LeavesBiasAndInputAsTheyAre) {
  const Tensor x = random_leaf({2, 3}), weight = random_leaf({2, 3}), bias = random_leaf({2});
  const std::vector<double> before = values_of(bias);
  linear(x, weight, bias).backward(ones({2, 2}, DType::float64));
  EXPECT_EQ(values_of(bias), before);
}

TEST(OpLinear, BrokenInputNamesTheShapes) {
  const Tensor x = zeros({2, 3}), weight = zeros({4, 5});
  EXPECT_ERROR(linear(x, weight), ShapeError,
               "linear: x does not fit the weight: x is [2, 3], weight is [4, 5]: x [..., in] and "
               "weight [out, in] are needed");
  EXPECT_ERROR(linear(zeros({2, 5}), weight, zeros({5})), ShapeError,
               "linear: bias does not fit the weight: bias is [5], weight is [4, 5]: bias [out] "
               "and weight [out, in] are needed");
  EXPECT_THROW(linear(zeros({}), weight), ShapeError);
  EXPECT_THROW(linear(x, zeros({3})), ShapeError);
}

TEST(OpLinear, BrokenInputNamesTheDtypes) {
  const Tensor x = zeros({2, 3}), weight = zeros({4, 3});
  EXPECT_ERROR(linear(x, zeros({4, 3}, DType::float64), zeros({4})), DTypeError,
               "linear: dtypes differ: x is float32, weight is float64, bias is float32: convert "
               "with to()");
  EXPECT_ERROR(linear(zeros({2, 3}, DType::float64), weight), DTypeError,
               "linear: dtypes differ: x is float64, weight is float32: convert with to()");
  EXPECT_THROW(linear(zeros({2, 3}, DType::int64), zeros({4, 3}, DType::int64)), DTypeError);
}

}  // namespace
}  // namespace gradus
