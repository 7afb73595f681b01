#include <gradus/framework/ops/norm.h>

#include <algorithm>

#include "reduce_testing.h"

namespace gradus {
namespace {

// Values of both signs away from 0, where p < 1 has a kink.
Inputs away_from_zero(const Shape& shape) {
  const Tensor x = rand(shape, 0.3, 2.0, DType::float64);
  auto* value = x.mutable_data<double>();
  for (std::int64_t i = 0; i < x.numel(); i += 2) value[i] = -value[i];
  x.set_trainable(true);
  return {x};
}
const auto matrix = [] { return away_from_zero({3, 4}); };

const OpCases cases{
    OpCase{"norm", "2, all", matrix, [](const Inputs& in) { return norm(in[0]); }},
    OpCase{"norm", "1, an axis", matrix, [](const Inputs& in) { return norm(in[0], 1, 0); }},
    OpCase{"norm", "infinite", matrix,
           [](const Inputs& in) { return norm(in[0], infinity, 1, true); }},
    OpCase{"norm", "-infinite", matrix, [](const Inputs& in) { return norm(in[0], -infinity, 0); }},
    OpCase{"norm", "3", matrix, [](const Inputs& in) { return norm(in[0], 3, -1); }},
    OpCase{"norm", "0.5", matrix, [](const Inputs& in) { return norm(in[0], 0.5, 0); }},
    OpCase{"norm", "-1.5", matrix, [](const Inputs& in) { return norm(in[0], -1.5, 1); }},
    OpCase{"norm", "2 with eps", matrix,
           [](const Inputs& in) { return norm(in[0], 2, 1, false, 0.3); }},
    OpCase{"norm", "1.5 with eps", matrix,
           [](const Inputs& in) {
             return norm(in[0], 1.5, {0, 1}, false, 0.3);
           }},
};

template <int p_times_2>
double norm_of(const std::vector<double>& x) {
  const double p = p_times_2 / 2.0;
  double total = 0;
  for (const double v : x) total += p == 0 ? (v != 0 ? 1 : 0) : std::pow(std::abs(v), p);
  return p == 0 ? total : std::pow(total, 1 / p);
}
double greatest_of(const std::vector<double>& x) {
  double y = 0;
  for (const double v : x) y = std::max(y, std::abs(v));
  return y;
}
double least_of(const std::vector<double>& x) {
  double y = infinity;
  for (const double v : x) y = std::min(y, std::abs(v));
  return y;
}

template <int p_times_2>
Tensor norm_over(const Tensor& x, const Axes& axes, bool keepdim) {
  return norm(x, p_times_2 / 2.0, axes, keepdim);
}
Tensor greatest_over(const Tensor& x, const Axes& axes, bool keepdim) {
  return norm(x, infinity, axes, keepdim);
}
Tensor least_over(const Tensor& x, const Axes& axes, bool keepdim) {
  return norm(x, -infinity, axes, keepdim);
}

TEST(OpNorm, KnownValuesOverAllSubsetsOfAxesForAnyP) {
  check_values(norm_over<0>, norm_of<0>);
  check_values(norm_over<1>, norm_of<1>);
  check_values(norm_over<2>, norm_of<2>);
  check_values(norm_over<3>, norm_of<3>);
  check_values(norm_over<4>, norm_of<4>);
  check_values(norm_over<6>, norm_of<6>);
  check_values(norm_over<-2>, norm_of<-2>);
  check_values(norm_over<-3>, norm_of<-3>);
  check_values(greatest_over, greatest_of);
  check_values(least_over, least_of);
  EXPECT_TRUE(has_values(norm(tensor({3.0, -4.0})), {}, {5}));
}
TEST(OpNorm, KnownValuesWithZerosAndNothing) {
  const Tensor x = tensor({0.0, 0.0, 0.0, -2.0, 0.0, 2.0}, {2, 3});
  EXPECT_TRUE(has_values(norm(x, 0, 1), {2}, {0, 2}));
  EXPECT_TRUE(has_values(norm(x, 1, 1), {2}, {0, 4}));
  EXPECT_TRUE(has_values(norm(x, 0.5, 1), {2}, {0, 8}));
  EXPECT_TRUE(has_values(norm(x, -1, 1), {2}, {0, 0}));
  EXPECT_TRUE(has_values(norm(x, -infinity, 1), {2}, {0, 0}));
  for (const double p : {0.0, 0.5, 1.0, 2.0, infinity}) {
    EXPECT_TRUE(has_values(norm(ones({2, 0}), p, 1), {2}, {0, 0})) << p;
    EXPECT_TRUE(has_values(norm(ones({0, 2}), p, 1), {0}, {})) << p;
  }
}
TEST(OpNorm, KnownValuesOfNaNAndInfinity) {
  const Tensor x = tensor({1.0, not_a_number, 1.0, -infinity}, {2, 2});
  for (const double p : {1.0, 2.0, 3.0, infinity}) {
    EXPECT_TRUE(has_values(norm(x, p, 1), {2}, {not_a_number, infinity})) << p;
  }
  EXPECT_TRUE(has_values(norm(x, 0, 1), {2}, {not_a_number, 2}));
  EXPECT_TRUE(has_values(norm(x, -infinity, 1), {2}, {not_a_number, 1}));
  EXPECT_TRUE(has_values(norm(x, -1, 1), {2}, {not_a_number, 1}));
}
TEST(OpNorm, KnownValuesOutsideTheRangeOfSquares) {
  for (const double scale : {1e200, 1e-200}) {
    const Tensor x = tensor({3 * scale, 4 * scale});
    for (const double p : {2.0, 5.0, -3.0}) {
      EXPECT_NEAR(norm(x, p).item() / scale, std::pow(std::pow(3.0, p) + std::pow(4.0, p), 1 / p),
                  1e-14);
    }
  }
}
TEST(OpNorm, KnownValuesWithEpsInsideTheRoot) {
  const Tensor x = tensor({3.0, 4.0, 0.0, 0.0}, {2, 2});
  EXPECT_TRUE(is_close(norm(x, 2, 1, false, 11), {2}, {6, std::sqrt(11.0)}, 1e-15));
  EXPECT_TRUE(is_close(norm(x, 3, 1, false, 34), {2}, {5, std::cbrt(34.0)}, 1e-15));
}

TEST(OpNorm, Gradient) {
  check_gradients(norm_over<4>);
  for (const double p : {1.0, 1.5, 2.0, 3.0, 0.5, -1.0, infinity, -infinity}) {
    for (int axis = 0; axis < 3; ++axis) {
      EXPECT_TRUE(passes_gradcheck([=](const Inputs& in) { return norm(in[0], p, axis); },
                                   away_from_zero({2, 3, 2})))
          << p;
    }
  }
}
TEST(OpNorm, GradientOfAZeroSliceAndAtZeroElementsIsZero) {
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, infinity}) {
    SCOPED_TRACE(p);
    const Tensor x = leaf({0, 0, 3, 0, 0, -2}, {3, 2});
    norm(x, p, 1).backward(tensor({1.0, 1.0, 1.0}));
    const double one = p == 0 ? 0 : 1;
    EXPECT_TRUE(has_values(x.grad().dense(), {3, 2}, {0, 0, one, 0, 0, -one}));
  }
  const Tensor x = leaf({0, 3});  // the norm is 0
  norm(x, -1).backward();
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 0}));
}
TEST(OpNorm, GradientNearZeroIsOfUnitSize) {
  for (const double tiny : {5e-324, 2.2250738585072014e-308, 1e-200}) {
    const Tensor x = leaf({tiny, -tiny});
    norm(x).backward();
    EXPECT_NEAR(gradient_of(x)[0], -gradient_of(x)[1], 1e-15);
    EXPECT_NEAR(gradient_of(x)[0], tiny == 5e-324 ? 1 : std::sqrt(0.5), 1e-14);
  }
}
TEST(OpNorm, GradientOfTiesIsSharedEvenly) {
  const Tensor x = leaf({3, -3, 1, 3, -1, 1}, {2, 3});
  norm(x, infinity, 1).backward(tensor({4.0, 6.0}));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 3}, {2, -2, 0, 6, 0, 0}));
  const Tensor y = leaf({3, -3, 1, 3, -1, 1}, {2, 3});
  norm(y, -infinity, 1).backward(tensor({4.0, 6.0}));
  EXPECT_TRUE(has_values(y.grad().dense(), {2, 3}, {0, 0, 4, 0, -3, 3}));
}
TEST(OpNorm, GradientForAZeroCotangentIsZero) {
  for (const double p : {0.5, 1.0, 2.0, 3.0, infinity}) {
    const Tensor x = leaf({not_a_number, infinity, 1, 2}, {2, 2});
    norm(x, p, 1).backward(tensor({0.0, 0.0}));
    EXPECT_EQ(gradient_of(x), std::vector<double>(4, 0.0)) << p;
  }
}

TEST(OpNorm, BrokenInput) {
  check_broken_axes(norm_over<4>, "norm");
  EXPECT_ERROR(norm(tensor({1, 2})), DTypeError,
               "norm: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_ERROR(norm(ones({2}), not_a_number), ValueError, "norm: p is NaN");
  EXPECT_ERROR(norm(ones({2, 0}), -1, 1), ShapeError,
               "norm: p = -1 has no value over nothing: x is [2, 0]");
  EXPECT_ERROR(norm(ones({2}), 2, 0, false, -1e-3), ValueError,
               "norm: eps is -0.001 with p = 2: it must be a finite number >= 0, and 0 unless p is "
               "finite and > 0");
  EXPECT_THROW(norm(ones({2}), infinity, 0, false, 1e-3), ValueError);
  EXPECT_THROW(norm(ones({2}), 0, 0, false, 1e-3), ValueError);
  EXPECT_THROW(norm(ones({2}), 2, 0, false, not_a_number), ValueError);
}

TEST(Normalize, GivesSlicesOfNormOne) {
  const Tensor x = tensor({3.0, 4.0, 0.0, 0.0}, {2, 2});
  EXPECT_TRUE(is_close(normalize(x), {2, 2}, {0.6, 0.8, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(normalize(x, 1), {2, 2}, {3 / 7.0, 4 / 7.0, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(normalize(x, 2, 0), {2, 2}, {1, 1, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(normalize(x, infinity, 1, 8), {2, 2}, {3 / 8.0, 0.5, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(normalize(x, 2, 1, 0), {2, 2}, {0.6, 0.8, 0, 0}, 1e-15));
  EXPECT_TRUE(has_values(normalize(zeros({0, 2})), {0, 2}, {}));
}
TEST(Normalize, HasRightGradients) {
  for (const std::int64_t axis : {0, 1, -1}) {
    for (const double eps : {0.0, 1e-12, 100.0}) {
      EXPECT_TRUE(passes_gradcheck(
          [=](const std::vector<Tensor>& in) { return normalize(in[0], 2.5, axis, eps); },
          {random_leaf({3, 4, 2})}));
    }
  }
  const Tensor x = leaf({0, 0});
  normalize(x, 2, 0, 0.5).backward(tensor({1.0, 2.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{2, 4}));
}
TEST(Normalize, RefusesBrokenInput) {
  EXPECT_ERROR(normalize(ones({2}), 2, 0, -1), ValueError,
               "normalize: eps is -1: it must be a finite number >= 0");
  EXPECT_THROW(normalize(ones({2}), 2, 1), IndexError);
  EXPECT_ERROR(normalize(ones({2}), not_a_number), ValueError, "normalize: p is NaN");
  EXPECT_THROW(normalize(tensor({1, 2})), DTypeError);
}

}  // namespace
}  // namespace gradus
