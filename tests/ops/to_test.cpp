#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

TEST(OpTo, KnownValuesBetweenAllDtypes) {
  const Tensor x = tensor({0.0, 1.0, -2.75, 3.5});
  EXPECT_TRUE(has_values(x.to(DType::float32), {4}, {0, 1, -2.75, 3.5}));
  EXPECT_TRUE(has_values(x.to(DType::int64), {4}, {0, 1, -2, 3}));
  EXPECT_TRUE(has_values(x.to(DType::boolean), {4}, {0, 1, 1, 1}));
  EXPECT_TRUE(has_values(tensor({true, false}).to(DType::float32), {2}, {1, 0}));
  EXPECT_TRUE(has_values(tensor({7, 0, -1}).to(DType::boolean), {3}, {1, 0, 1}));
  EXPECT_TRUE(has_values(zeros({0, 2}).to(DType::int64), {0, 2}, {}));
  EXPECT_TRUE(x.to(DType::float64).is_same(x));
}

TEST(OpTo, GradientComesBackInTheTypeOfTheInput) {
  const Tensor x = leaf(std::vector<float>{1, 2}, {2});
  x.to(DType::float64).backward(tensor({0.1, -3.0}));
  EXPECT_EQ(x.grad().dense().dtype(), DType::float32);
  EXPECT_TRUE(has_values(x.grad().dense(), {2}, {static_cast<double>(0.1f), -3}));
  EXPECT_FALSE(x.to(DType::int64).requires_grad());
  EXPECT_FALSE(frozen(x).to(DType::float64).requires_grad());
}

TEST(OpTo, BrokenInputDoesNotFitInt64) {
  EXPECT_ERROR(tensor({1.0, not_a_number}).to(DType::int64), ValueError,
               "to: nan at element 1 of [2] does not fit int64");
  EXPECT_ERROR(tensor({1e20f}).to(DType::int64), ValueError,
               "to: 1e+20 at element 0 of [1] does not fit int64");
  EXPECT_ERROR(tensor({-infinity}).to(DType::int64), ValueError,
               "to: -inf at element 0 of [1] does not fit int64");
  EXPECT_THROW(tensor({0x1p63}).to(DType::int64), ValueError);
  EXPECT_TRUE(has_values(tensor({-0x1p63, 0x1.fffffffffffffp62}).to(DType::int64), {2},
                         {-0x1p63, 0x1.fffffffffffffp62}));
}

TEST(OpTo, BrokenInputIsAnUndefinedTensor) {
  EXPECT_ERROR(Tensor().to(DType::float32), Error,
               "to: this is an undefined tensor (default-constructed or moved from)");
}

}  // namespace
}  // namespace gradus
