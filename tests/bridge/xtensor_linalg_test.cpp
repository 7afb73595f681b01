#include <gradus/framework/bridge/detail/xtensor_linalg.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

TEST(XtensorLinalg, SolvesThroughLapack) {
  const xt::xarray<double> a = {{3, 1}, {1, 2}};
  const xt::xarray<double> b = {9, 8};
  const auto x = xt::linalg::solve(a, b);
  EXPECT_NEAR(x(0), 2.0, 1e-14);
  EXPECT_NEAR(x(1), 3.0, 1e-14);
}

TEST(XtensorLinalg, MultipliesThroughBlas) {
  const xt::xarray<float> a = {{1, 2}, {3, 4}};
  const xt::xarray<float> b = {{5, 6}, {7, 8}};
  const xt::xarray<float> expected = {{19, 22}, {43, 50}};
  const auto c = xt::linalg::dot(a, b);
  EXPECT_EQ(c, expected);
}

}  // namespace
}  // namespace gradus
