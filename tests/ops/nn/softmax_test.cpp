#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/power.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/rounding.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"softmax", "the last axis", leaves({{2, 5}}),
           [](const Inputs& in) { return softmax(in[0], -1); }},
    OpCase{"softmax", "the first axis", leaves({{3, 2}}),
           [](const Inputs& in) { return softmax(in[0], 0); }},
    OpCase{"log_softmax", "the last axis", leaves({{2, 5}}),
           [](const Inputs& in) { return log_softmax(in[0], -1); }},
    OpCase{"log_softmax", "the first axis", leaves({{3, 2}}),
           [](const Inputs& in) { return log_softmax(in[0], 0); }},
};

using Softmax = Tensor (*)(const Tensor&, std::int64_t);

// log(softmax(x)) of x seen as [outer, n, inner], by the definition.
std::vector<double> log_softmax_of(const std::vector<double>& x, std::int64_t n,
                                   std::int64_t inner) {
  std::vector<double> y(x.size());
  const auto at = [&](std::int64_t o, std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>((o * n + i) * inner + j);
  };
  for (std::int64_t o = 0; o < static_cast<std::int64_t>(x.size()) / (n * inner); ++o) {
    for (std::int64_t j = 0; j < inner; ++j) {
      double total = 0;
      for (std::int64_t i = 0; i < n; ++i) total += std::exp(x[at(o, i, j)]);
      for (std::int64_t i = 0; i < n; ++i) y[at(o, i, j)] = x[at(o, i, j)] - std::log(total);
    }
  }
  return y;
}

// Each axis of several shapes, counted from either end, in both float types.
void check_values(Softmax op, bool exponential) {
  for (const Shape& shape : {Shape{1}, Shape{37}, Shape{4, 5}, Shape{3, 1, 2}, Shape{2, 5, 3, 4}}) {
    const Tensor x = frozen(random_leaf(shape));
    for (int axis = 0; axis < shape.rank(); ++axis) {
      SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis));
      std::vector<double> expected =
          log_softmax_of(values_of(x), shape[axis], shape.numel(axis + 1, shape.rank()));
      if (exponential) {
        for (double& value : expected) value = std::exp(value);
      }
      EXPECT_TRUE(is_close(op(x, axis), shape, expected, 1e-14));
      EXPECT_TRUE(is_close(op(x.to(DType::float32), axis - shape.rank()), shape, expected, 1e-6));
    }
  }
}

void check_gradients(Softmax op) {
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{3, 4}, Shape{2, 3, 4}}) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      SCOPED_TRACE(shape.str() + " axis " + std::to_string(axis));
      EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return op(in[0], axis); },
                                   {random_leaf(shape)}));
      EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return mul(op(in[0], axis), in[0]); },
                                   {random_leaf(shape)}));
    }
  }
  EXPECT_FALSE(op(frozen(random_leaf({2})), 0).requires_grad());
}

void check_empty(Softmax op) {
  for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}, Shape{2, 0, 3}}) {
    const Tensor x = random_leaf(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      EXPECT_TRUE(has_values(op(x, axis), shape, {}));
    }
    op(x, 0).backward(zeros(shape, DType::float64));
    EXPECT_TRUE(has_values(x.grad().dense(), shape, {}));
  }
}

void check_broken(Softmax op, const std::string& name) {
  EXPECT_ERROR(op(zeros({2, 3}), 2), IndexError, name + ": axis 2 is outside [-2, 2)");
  EXPECT_ERROR(op(zeros({}), 1), IndexError, name + ": axis 1 is outside [-1, 1)");
  EXPECT_ERROR(op(tensor({1, 2}), 0), DTypeError,
               name + ": a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpSoftmax, KnownValuesOnEveryAxis) { check_values(softmax, true); }
TEST(OpSoftmax, KnownValuesOfExtremeAndMaskedRows) {
  EXPECT_TRUE(has_values(softmax(tensor({1e4, -1e4, -infinity}), 0), {3}, {1, 0, 0}));
  EXPECT_TRUE(has_values(softmax(tensor({1e4f, 1e4f}), 0), {2}, {0.5, 0.5}));
  const Tensor x = tensor({-infinity, -infinity, 0.0, not_a_number, 0.0, 0.0}, {3, 2});
  EXPECT_TRUE(has_values(softmax(x, 1), {3, 2}, {0, 0, not_a_number, not_a_number, 0.5, 0.5}));
}
TEST(OpSoftmax, KnownValuesOfRankZeroAreThoseOfOneElement) {
  for (const int axis : {0, -1}) {
    const Tensor x = leaf({7}, {});
    const Tensor y = softmax(x, axis), log_y = log_softmax(x, axis);
    EXPECT_TRUE(has_values(y, {}, {1}));
    EXPECT_TRUE(has_values(log_y, {}, {0}));
    y.backward();
    log_y.backward();
    EXPECT_EQ(gradient_of(x), (std::vector<double>{0}));
  }
}
TEST(OpSoftmax, Gradient) { check_gradients(softmax); }
TEST(OpSoftmax, GradientOfMaskedSlicesIsZero) {
  const Tensor x = leaf({-infinity, 0, -infinity, -infinity}, {2, 2});
  softmax(x, 0).backward(tensor({1.0, 2.0, 3.0, 4.0}, {2, 2}));
  EXPECT_EQ(gradient_of(x), std::vector<double>(4, 0.0));
}
TEST(OpSoftmax, GradientOfAProbabilityOfZeroIsZeroWhateverItsCotangent) {
  const Tensor x = leaf({0, -infinity, 1}, {3}), rest = leaf({0, 1}, {2});
  softmax(rest, 0).backward(tensor({1.0, 3.0}));
  const std::vector<double> expected = gradient_of(rest);
  for (const double g : {infinity, -infinity, not_a_number}) {
    softmax(x, 0).backward(tensor({1.0, g, 3.0}));
    EXPECT_TRUE(is_close(x.grad().dense(), {3}, {expected[0], 0, expected[1]}, 1e-15));
    x.clear_grad();
  }
}
TEST(OpSoftmax, EmptyTensors) { check_empty(softmax); }
TEST(OpSoftmax, BrokenInput) { check_broken(softmax, "softmax"); }

TEST(OpLogSoftmax, KnownValuesOnEveryAxis) { check_values(log_softmax, false); }
TEST(OpLogSoftmax, KnownValuesOfExtremeAndMaskedRows) {
  EXPECT_TRUE(
      has_values(log_softmax(tensor({1e4, -1e4, -infinity}), 0), {3}, {0, -2e4, -infinity}));
  EXPECT_TRUE(has_values(log_softmax(full({2}, -infinity), 0), {2}, {-infinity, -infinity}));
}
TEST(OpLogSoftmax, Gradient) { check_gradients(log_softmax); }
TEST(OpLogSoftmax, GradientOfAMaskedSliceIsFinite) {
  const Tensor x = leaf({-infinity, -infinity});
  log_softmax(x, 0).backward(tensor({1.0, 2.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{1, 2}));
}
TEST(OpLogSoftmax, EmptyTensors) { check_empty(log_softmax); }
TEST(OpLogSoftmax, BrokenInput) { check_broken(log_softmax, "log_softmax"); }

TEST(Softmin, IsTheSoftmaxOfTheNegatedValues) {
  const Tensor x = tensor({1.0, 2.0, 1000.0, infinity, 0.0, 5.0}, {2, 3});
  EXPECT_EQ(values_of(softmin(x, 1)), values_of(softmax(-x, 1)));
  EXPECT_EQ(values_of(softmin(x, 0)), values_of(softmax(-x, 0)));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return softmin(in[0], 0); }, {random_leaf({3, 4})}));
  EXPECT_THROW(softmin(x, 2), IndexError);
  EXPECT_ERROR(softmin(tensor({1, 2}), 0), DTypeError,
               "softmin: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(GumbelSoftmax, DrawsCategoriesAsOftenAsTheirProbabilities) {
  Generator generator(3);
  const std::int64_t n = 20000;
  const Tensor p = tensor({0.1, 0.6, 0.3});
  const Tensor logits = expand(log(p), {n, 3});
  const Tensor hard = gumbel_softmax(logits, 0.5, true, -1, generator);
  for (std::int64_t k = 0; k < 3; ++k) {
    const double share = p.data<double>()[k];  // within five standard deviations
    EXPECT_NEAR(mean(select(hard, 1, k)).item(), share,
                5 * std::sqrt(share * (1 - share) / static_cast<double>(n)));
  }
  const Tensor rows = sum(hard, 1);
  EXPECT_TRUE(is_close(rows, {n}, std::vector<double>(static_cast<std::size_t>(n), 1), 1e-14));
  EXPECT_TRUE(is_close(hard, {n, 3}, values_of(round(hard)), 1e-14));
}
TEST(GumbelSoftmax, IsSoftAndDependsOnTheSeedAlone) {
  Generator a(3), b(3), c(4);
  const Tensor logits = random_leaf({4, 5});
  const Tensor y = gumbel_softmax(logits, 2, false, 0, a);
  EXPECT_EQ(values_of(y), values_of(gumbel_softmax(logits, 2, false, 0, b)));
  EXPECT_NE(values_of(y), values_of(gumbel_softmax(logits, 2, false, 0, c)));
  EXPECT_TRUE(is_close(sum(y, 0), {5}, std::vector<double>(5, 1), 1e-14));
  EXPECT_TRUE(has_values(gumbel_softmax(zeros({0, 3})), {0, 3}, {}));
  EXPECT_TRUE(has_values(gumbel_softmax(zeros({}), 1, true, 0), {}, {1}));
}
TEST(GumbelSoftmax, HasTheGradientOfTheSoftOne) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        Generator generator(5);
        return gumbel_softmax(in[0], 0.7, false, 1, generator);
      },
      {random_leaf({3, 4})}));
  const Tensor x = random_leaf({3, 4}), g = frozen(random_leaf({3, 4}, 9));
  std::vector<double> gradients[2];
  for (const bool hard : {false, true}) {
    Generator generator(5);
    gumbel_softmax(x, 0.7, hard, 1, generator).backward(g);
    gradients[hard] = gradient_of(x);
    x.clear_grad();
  }
  EXPECT_EQ(gradients[0], gradients[1]);
}
TEST(GumbelSoftmax, OfNothingPossibleIsZero) {
  const Tensor logits = tensor({-infinity, -infinity, 0.0, -infinity}, {2, 2});
  for (const bool hard : {false, true}) {
    EXPECT_TRUE(has_values(gumbel_softmax(logits, 1, hard), {2, 2}, {0, 0, 1, 0})) << hard;
  }
}
template <class... Arguments>
concept DrawsFrom = requires(const Arguments&... arguments) {
  gumbel_softmax(arguments...);
};
static_assert(DrawsFrom<Tensor, double, bool> && DrawsFrom<Tensor, int>);
static_assert(!DrawsFrom<Tensor, bool> && !DrawsFrom<Tensor, bool, double>);
TEST(GumbelSoftmax, RefusesBrokenInputAndDrawsNothingThen) {
  Generator generator(3);
  for (const double tau : {0.0, -1.0, infinity, not_a_number}) {
    EXPECT_THROW(gumbel_softmax(ones({2}), tau, false, 0, generator), ValueError);
  }
  EXPECT_ERROR(gumbel_softmax(ones({2}), 0), ValueError,
               "gumbel_softmax: tau is 0, it must be finite and > 0");
  EXPECT_THROW(gumbel_softmax(ones({2}), 1, false, 1, generator), IndexError);
  EXPECT_THROW(gumbel_softmax(tensor({1, 2}), 1, false, 0, generator), DTypeError);
  EXPECT_EQ(generator.offset(), 0u);
}

}  // namespace
}  // namespace gradus
