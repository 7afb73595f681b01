#include <gradus/layers/dropout.h>
#include <gradus/layers/identity.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/sequential.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

TEST(Identity, ReturnsItsArgument) {
  const Identity layer;
  const Tensor x = random_leaf({2, 3});
  EXPECT_EQ(layer(x).data<double>(), x.data<double>());
  EXPECT_TRUE(layer(x).trainable());
  EXPECT_EQ(layer.str(), "Identity()");
  EXPECT_TRUE(layer.parameters().empty());
}

TEST(Flatten, JoinsAllAxesButTheFirst) {
  const Tensor x = ones({2, 3, 4});
  EXPECT_EQ(Flatten()(x).shape(), (Shape{2, 12}));
  EXPECT_EQ(Flatten(0)(x).shape(), (Shape{24}));
  EXPECT_EQ(Flatten(0, 1)(x).shape(), (Shape{6, 4}));
  EXPECT_EQ(Sequential(Flatten(), Linear(12, 5))(x).shape(), (Shape{2, 5}));
  EXPECT_EQ(Flatten().str(), "Flatten(first=1, last=-1)");
  EXPECT_THROW(Flatten(3)(x), IndexError);
}

TEST(Unflatten, SplitsAnAxis) {
  const Tensor x = random_leaf({2, 12, 3});
  const Tensor y = Unflatten(1, {3, -1})(x);
  EXPECT_TRUE(has_values(y, {2, 3, 4, 3}, values_of(x)));
  EXPECT_EQ(Unflatten(-1, {3, 1})(x).shape(), (Shape{2, 12, 3, 1}));
  EXPECT_TRUE(has_values(Sequential(Unflatten(1, {4, 3}), Flatten())(x), {2, 36}, values_of(x)));
  EXPECT_EQ(Unflatten(1, {3, -1}).str(), "Unflatten(axis=1, sizes=[3, -1])");
  EXPECT_THROW(Unflatten(3, {1})(x), IndexError);
  EXPECT_THROW(Unflatten(1, {5, -1})(x), ShapeError);
  EXPECT_THROW(Unflatten(1, {5, 2})(x), ShapeError);
}

TEST(Dropout1d, HasItsOwnName) {
  EXPECT_EQ(Dropout1d(0.25).str(), "Dropout1d(p=0.25)");
  EXPECT_EQ(Dropout1d().p(), 0.5);
  EXPECT_ERROR(Dropout1d(2), ValueError, "Dropout1d: p is 2, it must be between 0 and 1");
}

TEST(Dropout1d, ZeroesWholeChannelsOfASequence) {
  Generator generator(1);
  const Dropout1d layer(0.5, generator);
  const Tensor y = layer(ones({50, 3, 8}));
  int zeros = 0;
  for (std::int64_t b = 0; b < 50; ++b) {
    const std::vector<double> first = values_of(y[b][0]);
    EXPECT_EQ(values_of(y[b][1]), first);
    EXPECT_EQ(values_of(y[b][2]), first);
    for (const double v : first) {
      EXPECT_TRUE(v == 0 || v == 2);
      zeros += v == 0;
    }
  }
  EXPECT_NEAR(zeros, 200, 50);  // five standard deviations
  layer.eval();
  EXPECT_TRUE(has_values(layer(ones({1, 2, 1})), {1, 2, 1}, {1, 1}));
}

}  // namespace
}  // namespace gradus
