#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/init.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace gradus {
namespace {

using testing::StrEq;
using testing::ThrowsMessage;

struct Moments {
  double mean = 0, deviation = 0, low = 0, high = 0;
};

Moments moments(const Tensor& t) {
  const Tensor wide = t.to(DType::float64);
  const auto values = wide.span<double>();
  Moments m{0, 0, values[0], values[0]};
  for (const double v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.low = std::min(m.low, v);
    m.high = std::max(m.high, v);
  }
  for (const double v : values) {
    m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}

// 60,000 values: the mean of U(-a, a) is within a / 50 of 0, its deviation within 2% of a/sqrt(3).
void expect_uniform(const Tensor& t, double a) {
  const Moments m = moments(t);
  EXPECT_NEAR(m.mean, 0, a / 50);
  EXPECT_NEAR(m.deviation, a / std::sqrt(3), 0.02 * a);
  EXPECT_LE(m.high, a);
  EXPECT_GE(m.low, -a);
  EXPECT_GT(m.high, 0.99 * a);
  EXPECT_LT(m.low, -0.99 * a);
}

void expect_normal(const Tensor& t, double deviation) {
  const Moments m = moments(t);
  EXPECT_NEAR(m.mean, 0, deviation / 50);
  EXPECT_NEAR(m.deviation, deviation, 0.02 * deviation);
  EXPECT_GT(m.high, 3 * deviation);
}

TEST(Init, UsesTheFansOfTheWeight) {
  Generator generator(1);
  const Tensor w = empty({100, 150, 4});  // fan_in 600, fan_out 400
  expect_uniform(xavier_uniform_(w, 2.0, generator), 2 * std::sqrt(6.0 / 1000));
  expect_normal(xavier_normal_(w, 2.0, generator), 2 * std::sqrt(2.0 / 1000));
  expect_uniform(kaiming_uniform_(w, {.nonlinearity = Nonlinearity::linear}, generator),
                 std::sqrt(3.0 / 600));
  expect_normal(kaiming_normal_(w, {}, generator), std::sqrt(2.0 / 600));
}

TEST(Init, DrawsTheAskedDistributionForBothFloatTypes) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Generator generator(2);
    const Tensor t = empty({60000}, dtype);
    const Moments uniform = moments(uniform_(t, 3, 5, generator));
    EXPECT_NEAR(uniform.mean, 4, 0.02);
    EXPECT_NEAR(uniform.deviation, 2 / std::sqrt(12), 0.02);
    const Moments normal = moments(normal_(t, -2, 0.5, generator));
    EXPECT_NEAR(normal.mean, -2, 0.01);
    EXPECT_NEAR(normal.deviation, 0.5, 0.01);
  }
}

TEST(Init, WritesTrainableLeavesInPlaceAndRepeatsForASeed) {
  const Tensor a = zeros({40, 10}).set_trainable(true);
  const Tensor b = zeros({40, 10});
  Generator first(7), second(7);
  EXPECT_TRUE(xavier_uniform_(a, 1.0, first).is_same(a));
  xavier_uniform_(b, 1.0, second);
  EXPECT_TRUE(std::ranges::equal(a.span<float>(), b.span<float>()));
  EXPECT_TRUE(a.trainable() && a.is_leaf());
  xavier_uniform_(b, 1.0, second);
  EXPECT_FALSE(std::ranges::equal(a.span<float>(), b.span<float>()));
}

TEST(Init, EmptyTensorsAreFine) {
  EXPECT_NO_THROW(xavier_uniform_(empty({0, 0})));
  EXPECT_NO_THROW(kaiming_normal_(empty({3, 0})));
  EXPECT_NO_THROW(normal_(empty({0}), 0, 1));
}

TEST(Init, SaysWhatIsWrong) {
  const Tensor t = zeros({3});
  EXPECT_THAT([&] { xavier_uniform_(t); },
              ThrowsMessage<ShapeError>(
                  StrEq("xavier_uniform_: the tensor is [3], it must have at least two axes "
                        "[out, in, ...]: use uniform_ or normal_")));
  EXPECT_THAT([&] { uniform_(t, 1, 0); },
              ThrowsMessage<ValueError>(StrEq("uniform_: low is 1, high is 0")));
  EXPECT_THAT([&] { normal_(t, 0, -1); },
              ThrowsMessage<ValueError>(StrEq("normal_: std is -1, it must be at least 0")));
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(
      [&] { uniform_(t, 0, inf); },
      ThrowsMessage<ValueError>(StrEq("uniform_: high is inf, it must be finite in float32")));
  EXPECT_THAT(
      [&] { normal_(t, 0, inf); },
      ThrowsMessage<ValueError>(StrEq("normal_: std is inf, it must be finite in float32")));
  EXPECT_THAT(
      [&] {
        xavier_uniform_(zeros({2, 2}), std::nan(""));
      },
      ThrowsMessage<ValueError>(
          StrEq("xavier_uniform_: the gain is nan, it must be finite and at least 0")));
  EXPECT_THAT(
      [&] {
        orthogonal_(zeros({2, 2}), inf);
      },
      ThrowsMessage<ValueError>(
          StrEq("orthogonal_: the gain is inf, it must be finite in float32")));
  EXPECT_THROW(normal_(zeros({2}, DType::int64), 0, 1), DTypeError);
}

}  // namespace
}  // namespace gradus
