#include <gradus/framework/ops/nn/weight_norm.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

TEST(WeightNormOp, ScalesEachSliceToItsNorm) {
  const Tensor v = tensor({3.0, 4.0, 0.0, -2.0}, {2, 2});
  EXPECT_TRUE(has_values(weight_norm(v, tensor({10.0, 1.0}, {2, 1})), {2, 2}, {6, 8, 0, -1}));
  EXPECT_TRUE(is_close(weight_norm(v, tensor({{3.0, 1.0}}), 1), {2, 2},
                       {3, 4 / std::sqrt(20.0), 0, -2 / std::sqrt(20.0)}, 1e-15));
  EXPECT_TRUE(is_close(weight_norm(v, scalar(2 * std::sqrt(29.0)), std::nullopt), {2, 2},
                       {6, 8, 0, -4}, 1e-15));
  EXPECT_TRUE(has_values(weight_norm(tensor({3.0, -4.0}), tensor({1.0, 2.0})), {2}, {1, -2}));
}

TEST(WeightNormOp, GivesBackTheWeightForItsOwnNorms) {
  const Tensor v = random_leaf({3, 4, 5});
  for (const std::optional<std::int64_t> dim :
       {std::optional<std::int64_t>(0), std::optional<std::int64_t>(1),
        std::optional<std::int64_t>(-1), std::optional<std::int64_t>()}) {
    EXPECT_TRUE(
        is_close(weight_norm(v, norm_except_dim(v, dim), dim), v.shape(), values_of(v), 1e-15));
  }
  EXPECT_EQ(norm_except_dim(v).shape(), (Shape{3, 1, 1}));
  EXPECT_EQ(norm_except_dim(v, -1).shape(), (Shape{1, 1, 5}));
  EXPECT_EQ(norm_except_dim(v, std::nullopt).shape(), Shape{});
}

TEST(WeightNormOp, HasRightGradients) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return weight_norm(in[0], in[1]); },
                               {random_leaf({3, 4}), random_leaf({3, 1}, 2)}));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return weight_norm(in[0], in[1], 1); },
                               {random_leaf({2, 3, 2}), random_leaf({1, 3, 1}, 2)}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return weight_norm(in[0], in[1], std::nullopt); },
                       {random_leaf({3, 4}), random_leaf({}, 2)}));
}

TEST(WeightNormOp, ASliceOfZerosStaysZero) {
  const Tensor v = leaf({0, 0, 3, 4}, {2, 2}), g = leaf({2, 5}, {2, 1});
  const Tensor w = weight_norm(v, g);
  EXPECT_TRUE(has_values(w, {2, 2}, {0, 0, 3, 4}));
  w.backward(ones({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(g)[0], 0);
  for (const double x : gradient_of(v)) EXPECT_TRUE(std::isfinite(x));
}

TEST(WeightNormOp, RefusesBrokenInput) {
  const Tensor v = ones({2, 3});
  EXPECT_ERROR(weight_norm(v, ones({2})), ShapeError,
               "weight_norm: g is [2], v is [2, 3]: it must be [2, 1], one norm for each slice");
  EXPECT_THROW(weight_norm(v, ones({2, 1}, DType::float64)), DTypeError);
  EXPECT_THROW(weight_norm(v, ones({2, 1}), 2), IndexError);
  EXPECT_THROW(norm_except_dim(v, -3), IndexError);
  EXPECT_THROW(norm_except_dim(tensor({{1, 2}})), DTypeError);
}

}  // namespace
}  // namespace gradus
