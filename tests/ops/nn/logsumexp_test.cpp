#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/tests/ops/reduce_testing.h>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"logsumexp", "all", leaves({{2, 3}}), [](const Inputs& in) { return logsumexp(in[0]); }},
    OpCase{"logsumexp", "the first axis", leaves({{4, 3}}),
           [](const Inputs& in) { return logsumexp(in[0], 0, true); }},
    OpCase{"logsumexp", "two axes", leaves({{2, 3, 2}}),
           [](const Inputs& in) {
             return logsumexp(in[0], {0, 2});
           }},
};

double logsumexp_of(const std::vector<double>& x) {
  double total = 0;
  for (const double v : x) total += std::exp(v);
  return std::log(total);
}

TEST(OpLogsumexp, KnownValuesOverAllSubsetsOfAxes) {
  check_values(logsumexp, logsumexp_of);
  check_whole(logsumexp, logsumexp_of);
}
TEST(OpLogsumexp, KnownValuesOfLargeAndSmallValues) {
  const Tensor x = tensor({1e4, 1e4, -1e4, -1e4, 0.0, -infinity}, {3, 2});
  EXPECT_TRUE(
      is_close(logsumexp(x, 1), {3}, {1e4 + std::log(2.0), -1e4 + std::log(2.0), 0}, 1e-15));
}
TEST(OpLogsumexp, KnownValuesOfInfinities) {
  for (std::int64_t n = 1; n <= 70; ++n) {
    EXPECT_TRUE(has_values(logsumexp(full({1, n}, -infinity), 1), {1}, {-infinity})) << n;
    EXPECT_TRUE(
        has_values(logsumexp(full({n, 2}, infinity, DType::float64), 0), {2}, {infinity, infinity}))
        << n;
  }
  const Tensor x = tensor(
      {1.0, infinity, -infinity, infinity, not_a_number, 0.0, -infinity, 2.0, -infinity}, {3, 3});
  EXPECT_TRUE(has_values(logsumexp(x, 1), {3}, {infinity, not_a_number, 2}));
  EXPECT_TRUE(has_values(logsumexp(zeros({2, 0}), 1), {2}, {-infinity, -infinity}));
  EXPECT_TRUE(has_values(logsumexp(zeros({0, 2}), 1), {0}, {}));
}
TEST(OpLogsumexp, Gradient) { check_gradients(logsumexp); }
TEST(OpLogsumexp, GradientOfMaskedSlicesIsZero) {
  const Tensor x = leaf({-infinity, 0, -infinity, 0}, {2, 2});
  logsumexp(x, 0).backward(tensor({3.0, 4.0}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 2, 0, 2}));
}
TEST(OpLogsumexp, GradientIsSharedAmongElementsOfInfinity) {
  const Tensor x = leaf({infinity, 1, infinity, -infinity});
  logsumexp(x).backward(scalar(6.0));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{3, 0, 3, 0}));
}
TEST(OpLogsumexp, GradientForAZeroCotangentIsZero) {
  const Tensor x = leaf({not_a_number, 1, 2, 2}, {2, 2});
  logsumexp(x, 1).backward(tensor({0.0, 2.0}));
  EXPECT_EQ(gradient_of(x)[0], 0);
  EXPECT_EQ(gradient_of(x)[1], 0);
  EXPECT_NEAR(gradient_of(x)[3], 1, 1e-15);
}
TEST(OpLogsumexp, GradientOfLargeFloat32LogitsAddsUpToTheCotangent) {
  const Tensor x = leaf(std::vector<float>{20'000.25f, 20'000.5f, 19'999.f}, {3});
  logsumexp(x).backward();
  double total = 0;
  for (const double g : gradient_of(x)) total += g;
  EXPECT_NEAR(total, 1, 1e-6);
}
TEST(OpLogsumexp, BrokenInput) {
  check_broken_axes(logsumexp, "logsumexp");
  EXPECT_ERROR(logsumexp(tensor({1, 2})), DTypeError,
               "logsumexp: a tensor of dtype int64 where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
