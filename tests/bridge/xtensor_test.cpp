#include <gmock/gmock.h>
#include <gradus/framework/bridge/xtensor.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/inspect/gradcheck.h>
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

TEST(XtensorBridge, DynamicViewsHaveAnyRank) {
  const Tensor a = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {1, 2, 3});
  const auto v = xview<double>(a);
  EXPECT_EQ(v.dimension(), 3U);
  EXPECT_EQ(v(0, 1, 2), 6.0);
  auto w = xview_mutable<double>(a);
  w(0, 1, 2) = 7.0;
  EXPECT_EQ(a.data<double>()[5], 7.0);
  const Tensor doubled = from_xt<double>(v * 2.0);
  EXPECT_EQ(doubled.shape(), (Shape{1, 2, 3}));
  EXPECT_THAT(doubled.span<double>(), ElementsAre(2, 4, 6, 8, 10, 14));
}

TEST(XtensorBridge, VisitFloatGivesTheElementType) {
  const auto twice = [](const Tensor& x) {
    return visit_float("twice", x, [&]<class T>(T) { return from_xt<T>(xview<T>(x) * T{2}); });
  };
  EXPECT_THAT(twice(tensor({1.5F})).span<float>(), ElementsAre(3));
  EXPECT_THAT(twice(tensor({1.5})).span<double>(), ElementsAre(3));
  try {
    twice(zeros({2}, DType::int64));
    FAIL() << "int64 was accepted";
  } catch (const DTypeError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("twice: "));
    EXPECT_THAT(error.what(), testing::HasSubstr("int64"));
  }
}

TEST(XtensorBridge, HandlesRankZero) {
  const Tensor a = full({}, 3.0, DType::float64);
  EXPECT_EQ(xview<double>(a).dimension(), 0U);
  const Tensor of_dynamic = from_xt<double>(xview<double>(a) * 2.0);
  const Tensor of_static = from_xt<double>(xview<double, 0>(a) * 2.0);
  EXPECT_EQ(of_dynamic.shape(), Shape{});
  EXPECT_EQ(of_static.shape(), Shape{});
  EXPECT_EQ(of_dynamic.data<double>()[0], 6.0);
  EXPECT_EQ(of_static.data<double>()[0], 6.0);
}

TEST(XtensorBridge, AnExpressionMayReadTheTensorThatItIsAssignedTo) {
  Tensor a = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  a = from_xt<double>(xt::transpose(xview<double, 2>(a)));
  EXPECT_THAT(a.span<double>(), ElementsAre(1, 3, 2, 4));
}

TEST(XtensorBridge, HandlesEmptyTensors) {
  const Tensor a = zeros({0, 3});
  EXPECT_EQ(from_flat<float>({0, 3}, xflat<float>(a) * 2.0F).numel(), 0);
  EXPECT_EQ(from_xt<float>(xview<float>(a) * 2.0F).shape(), (Shape{0, 3}));
  EXPECT_EQ((from_xt<float>(xview<float, 2>(a) * 2.0F).shape()), (Shape{0, 3}));
}

}  // namespace
}  // namespace gradus
