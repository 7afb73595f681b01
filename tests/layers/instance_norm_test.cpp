#include <gradus/framework/core/autograd.h>
#include <gradus/framework/inspect/gradcheck.h>
#include <gradus/layers/instance_norm.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>

namespace gradus {
namespace {

// (x - mean) / sqrt(variance + eps) of each channel over the first `length` times.
std::vector<double> by_formula(const Tensor& x, const std::vector<std::int64_t>& lengths,
                               double eps) {
  const std::int64_t B = x.size(0), T = x.size(1), C = x.size(2);
  const std::vector<double> in = values_of(x);
  std::vector<double> out(in.size(), 0);
  for (std::int64_t b = 0; b < B; ++b) {
    const std::int64_t n = lengths[static_cast<std::size_t>(b)];
    for (std::int64_t c = 0; c < C; ++c) {
      const auto at = [&](std::int64_t t) { return static_cast<std::size_t>((b * T + t) * C + c); };
      double mean = 0, squares = 0;
      for (std::int64_t t = 0; t < n; ++t) mean += in[at(t)] / static_cast<double>(n);
      for (std::int64_t t = 0; t < n; ++t) squares += (in[at(t)] - mean) * (in[at(t)] - mean);
      const double deviation = std::sqrt(squares / static_cast<double>(n) + eps);
      for (std::int64_t t = 0; t < n; ++t) out[at(t)] = (in[at(t)] - mean) / deviation;
    }
  }
  return out;
}

TEST(InstanceNorm1d, NormalizesEachChannelOfEachSequence) {
  const InstanceNorm1d norm(3, {.eps = 0.1});
  const Tensor x = frozen(random_leaf({2, 4, 3}));
  EXPECT_TRUE(is_close(norm(x), {2, 4, 3}, by_formula(x, {4, 4}, 0.1), 1e-13));
  EXPECT_TRUE(
      is_close(norm(x, {.lengths = tensor({4, 2})}), {2, 4, 3}, by_formula(x, {4, 2}, 0.1), 1e-13));
  norm.eval();  // the same
  EXPECT_TRUE(is_close(norm(x), {2, 4, 3}, by_formula(x, {4, 4}, 0.1), 1e-13));
}

TEST(InstanceNorm1d, IsPlainUnlessItIsAffine) {
  EXPECT_EQ(InstanceNorm1d(3).num_parameters(), 0);
  const InstanceNorm1d norm(2, {.affine = true});
  EXPECT_TRUE(has_values(norm.weight, {2}, {1, 1}));
  EXPECT_TRUE(has_values(norm.bias, {2}, {0, 0}));
  EXPECT_EQ(norm.parameters()[0].path, "weight");
  EXPECT_EQ(norm.num_features(), 2);
  EXPECT_EQ(norm.eps(), 1e-5);
}

TEST(InstanceNorm1d, OfOnePositionOrNoneIsDefined) {
  EXPECT_TRUE(has_values(InstanceNorm1d(2)(tensor({{{5.0, 7.0}}})), {1, 1, 2}, {0, 0}));
  EXPECT_EQ(InstanceNorm1d(2)(ones({0, 3, 2})).shape(), (Shape{0, 3, 2}));
  EXPECT_EQ(InstanceNorm1d(2)(ones({2, 0, 2})).shape(), (Shape{2, 0, 2}));
  EXPECT_EQ(InstanceNorm1d(0)(ones({2, 3, 0})).shape(), (Shape{2, 3, 0}));
}

TEST(InstanceNorm1d, ItsGradientsAreRight) {
  const InstanceNorm1d norm(3, {.affine = true, .dtype = DType::float64});
  const Tensor x = random_leaf({2, 4, 3});
  const GradcheckResult result = gradcheck(
      [&] {
        return norm(x, {.lengths = tensor({4, 2})});
      },
      norm.parameters());
  EXPECT_TRUE(result) << result.message;
  EXPECT_TRUE(
      gradcheck([](const std::vector<Tensor>& in) { return InstanceNorm1d(3)(in[0]); }, {x}));
}

TEST(InstanceNorm1d, SaysWhatItIsAndRefusesBrokenArguments) {
  EXPECT_EQ(InstanceNorm1d(2).str(), "InstanceNorm1d(2, eps=1e-05, affine=false)");
  EXPECT_ERROR(InstanceNorm1d(-1), ValueError,
               "InstanceNorm1d: num_features is -1, it cannot be negative");
  EXPECT_ERROR(InstanceNorm1d(1, {.eps = -1}), ValueError,
               "InstanceNorm1d: eps is -1: it must be a finite number >= 0");
  EXPECT_ERROR(InstanceNorm1d(2)(ones({2, 2})), ShapeError,
               "InstanceNorm1d: x is [2, 2], it must be [batch, time, 2]: channels are the last "
               "axis");
  EXPECT_THROW(InstanceNorm1d(2)(ones({2, 2, 3})), ShapeError);
  EXPECT_THROW(InstanceNorm1d(2)(Tensor()), Error);
  EXPECT_THROW(InstanceNorm1d(2)(ones({1, 2, 2}, DType::int64)), DTypeError);
}

}  // namespace
}  // namespace gradus
