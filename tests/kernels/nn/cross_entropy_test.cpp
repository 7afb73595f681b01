#include <gradus/framework/kernels/nn/cross_entropy.h>
#include <gradus/framework/kernels/nn/linear_cross_entropy.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

namespace gradus::kernels {
namespace {

constexpr int64_t ignored = -100;

template <class T>
class CrossEntropy : public ::testing::Test {
 protected:
  static constexpr double tolerance = std::is_same_v<T, float> ? 4e-6 : 8e-15;
};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CrossEntropy, FloatTypes);

TYPED_TEST(CrossEntropy, InPlaceAgreesWithLossAndDerivative) {
  using T = TypeParam;
  for (const int64_t C : {1, 2, 7, 16, 17, 70, 1025}) {
    const auto bias = random_values<T>(C, T(-1), T(1), 2),
               weight = random_values<T>(C, T(0), T(2), 3);
    double total = 0;
    for (const T w : weight) total += static_cast<double>(w);
    const Ids labels{0, C - 1, ignored, C / 2};
    const std::vector<T> scale{T(0.5), T(-2), T(3), T(0)};
    for (const bool weighed : {false, true}) {
      for (const double smoothing : {0.0, 0.25}) {
        const ClassLabels<T> q{labels.data(), ignored, weighed ? weight.data() : nullptr, smoothing,
                               weighed ? total : static_cast<double>(C)};
        auto x = random_values<T>(4 * C, T(-4), T(4), 1);
        auto scores = x;
        for (size_t i = 0; i < x.size(); ++i) scores[i] = x[i] + bias[i % at(C)];
        std::vector<T> loss(4), dx(x.size()), loss_in_place(4);
        std::vector<double> lse(4);
        cross_entropy(scores.data(), q, loss.data(), lse.data(), 4, C);
        cross_entropy_vjp(scores.data(), q, lse.data(), scale.data(), 1, dx.data(), 4, C);
        cross_entropy_in_place(x.data(), bias.data(), q, scale.data(), loss_in_place.data(), 4, C);
        for (size_t r = 0; r < 4; ++r) ASSERT_NEAR(loss_in_place[r], loss[r], this->tolerance) << C;
        for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], dx[i], this->tolerance) << C;
      }
    }
  }
}

TYPED_TEST(CrossEntropy, MaskedRowsInPlace) {
  using T = TypeParam;
  const T inf = infinity<T>;
  T x[] = {0, -inf, 0, -inf, -inf, -inf};
  const Ids labels{1, 0};
  const T scale[] = {2, 2};
  T loss[2];
  cross_entropy_in_place<T>(x, nullptr, {labels.data(), ignored}, scale, loss, 2, 3);
  EXPECT_EQ(loss[0], inf);
  EXPECT_EQ(loss[1], inf);
  const T expected[] = {1, -2, 1, -2, 0, 0};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(x[i], expected[i], 1e-6) << i;
}

TYPED_TEST(CrossEntropy, AnyNumberOfThreadsGivesTheSameBits) {
  using T = TypeParam;
  const int64_t R = 60, C = 20001, D = 3;
  const auto x = random_values<T>(R * D, T(-1), T(1), 1),
             w = random_values<T>(C * D, T(-1), T(1), 2);
  Ids labels, rows;
  for (int64_t r = 0; r < R; ++r) {
    labels.push_back(r * 331);
    if (r % 5 != 0) rows.push_back(r);
  }
  const auto n = static_cast<int64_t>(rows.size());
  const auto results = with_threads([&] {
    std::vector<T> y(at(R + R * D + C * D + C));
    const T one = 1;
    T *dx = y.data() + R, *dw = dx + R * D, *db = dw + C * D;
    linear_cross_entropy<T>({x.data(), w.data(), nullptr, D, C, {labels.data(), ignored}},
                            rows.data(), n, &one, 0, y.data(), {dx, dw, db});
    return y;
  });
  for (const auto& y : results) EXPECT_TRUE(same_bits(y, results[0]));
}

}  // namespace
}  // namespace gradus::kernels
