#include <gmock/gmock.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/gradcheck.h>
#include <gradus/framework/xtensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace gradus {
namespace {

using testing::ElementsAre;

// A user's fused op: y = x exp(-x^2), dx = g (1 - 2 x^2) exp(-x^2).
template <class T>
Tensor ricker(const Tensor& x) {
  const auto v = xflat<T>(x);
  const Tensor y = from_flat<T>(x.shape(), v * xt::exp(-v * v));
  return record("ricker", y, vjp(x, [x = Saved(x)](const Tensor& g) {
                  const Tensor input = *x;
                  const auto u = xflat<T>(input);
                  return from_flat<T>(input.shape(),
                                      xflat<T>(g) * (T{1} - T{2} * u * u) * xt::exp(-u * u));
                }));
}

TEST(XtensorBridge, MakesAFusedOpWithARightGradient) {
  const Tensor x = tensor({0.3, -1.2, 0.0, 2.0}, {2, 2}).set_trainable(true);
  EXPECT_TRUE(gradcheck([](const std::vector<Tensor>& in) { return ricker<double>(in[0]); }, {x}));
  const Tensor y = ricker<float>(tensor({0.5f, -1.0f}));
  EXPECT_NEAR(y.data<float>()[0], 0.5 * std::exp(-0.25), 1e-7);
  EXPECT_NEAR(y.data<float>()[1], -std::exp(-1.0), 1e-7);
}

TEST(XtensorBridge, ViewsHaveTheAxesOfTheTensor) {
  const Tensor a = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  const auto v = xview<double, 2>(a);
  EXPECT_EQ(v(1, 0), 4.0);
  const Tensor columns = from_xt<double>(xt::sum(v, {0}, xt::evaluation_strategy::immediate));
  EXPECT_EQ(columns.shape(), (Shape{3}));
  EXPECT_THAT(columns.span<double>(), ElementsAre(5, 7, 9));
  const Tensor transposed = from_xt<double>(xt::transpose(v));
  EXPECT_EQ(transposed.shape(), (Shape{3, 2}));
  EXPECT_THAT(transposed.span<double>(), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(XtensorBridge, TakesDynamicExpressions) {
  const xt::xarray<float> a{{1.0F, 2.0F}, {3.0F, 4.0F}};
  const Tensor t = from_xt<float>(a + a);
  EXPECT_EQ(t.shape(), (Shape{2, 2}));
  EXPECT_THAT(t.span<float>(), ElementsAre(2, 4, 6, 8));
}

TEST(XtensorBridge, WritesThroughMutableViews) {
  const Tensor a = zeros({2, 2});
  auto v = xview_mutable<float, 2>(a);
  v = xt::ones<float>({2, 2}) * 3.0F;
  auto flat = xflat_mutable<float>(a);
  flat(3) = 7;
  EXPECT_THAT(a.span<float>(), ElementsAre(3, 3, 3, 7));
}

TEST(XtensorBridge, ChecksRankTypeAndCount) {
  const Tensor a = zeros({2, 3});
  EXPECT_THROW((xview<float, 1>(a)), ShapeError);
  EXPECT_THROW(xflat<double>(a), DTypeError);
  EXPECT_THROW(from_flat<float>({2}, xflat<float>(a)), ShapeError);
  const Tensor x = ones({1}).set_trainable(true);
  EXPECT_THROW(xflat_mutable<float>(x), AutogradError);
}

TEST(XtensorBridge, HandlesEmptyTensors) {
  const Tensor a = zeros({0, 3});
  EXPECT_EQ(from_flat<float>({0, 3}, xflat<float>(a) * 2.0F).numel(), 0);
}

}  // namespace
}  // namespace gradus
