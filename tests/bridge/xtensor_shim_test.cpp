#include <gradus/framework/bridge/detail/xtensor_shim.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace gradus {
namespace {

template <class T>
class XtensorShim : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(XtensorShim, Floats);

TYPED_TEST(XtensorShim, EvaluatesAnExpressionOfArraysToAnArray) {
  const xt::xarray<TypeParam> a = {{1, 2, 3}, {4, 5, 6}};
  const xt::xarray<TypeParam> b = {{10, 20, 30}, {40, 50, 60}};
  const auto sum = xt::eval(a + b);
  static_assert(std::is_same_v<std::decay_t<decltype(sum)>, xt::xarray<TypeParam>>);
  const xt::xarray<TypeParam> expected = {{11, 22, 33}, {44, 55, 66}};
  ASSERT_EQ(sum.dimension(), 2U);
  EXPECT_EQ(sum, expected);
}

TYPED_TEST(XtensorShim, EvaluatesArraysOfMoreThanFourAxes) {
  const xt::xarray<TypeParam> a = xt::ones<TypeParam>({2, 1, 3, 1, 2, 2});
  const auto doubled = xt::eval(a + a);
  EXPECT_EQ(doubled.dimension(), 6U);
  EXPECT_EQ(doubled.size(), 24U);
  EXPECT_EQ(xt::sum(doubled)(), TypeParam(48));
}

TYPED_TEST(XtensorShim, ReducesImmediatelyToAnArray) {
  const xt::xarray<TypeParam> a = {{1, 2, 3}, {4, 5, 6}};
  const auto columns = xt::sum(a, {0}, xt::evaluation_strategy::immediate);
  static_assert(std::is_same_v<std::decay_t<decltype(columns)>, xt::xarray<TypeParam>>);
  const xt::xarray<TypeParam> expected = {5, 7, 9};
  EXPECT_EQ(columns, expected);
}

TYPED_TEST(XtensorShim, CopiesAStridedViewThroughATemporary) {
  xt::xarray<TypeParam> a = {{1, 2, 3}, {4, 5, 6}};
  auto reversed = xt::strided_view(a, {xt::all(), xt::range(2, -4, -1)});
  reversed = reversed + reversed;
  const xt::xarray<TypeParam> expected = {{2, 4, 6}, {8, 10, 12}};
  EXPECT_EQ(a, expected);
}

}  // namespace
}  // namespace gradus
