// Initialisers by PyTorch's formulas and options.
#include <gradus/framework/module/init.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/statistics.h>

namespace gradus {
namespace {

TEST(CalculateGain, GivesPyTorchsTable) {
  EXPECT_EQ(calculate_gain(Nonlinearity::linear), 1);
  EXPECT_EQ(calculate_gain(Nonlinearity::sigmoid), 1);
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::tanh), 1.6666666666666667);
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::relu), 1.4142135623730951);
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::leaky_relu), std::sqrt(2 / 1.0001));
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::leaky_relu, 0.5), std::sqrt(1.6));
  EXPECT_EQ(calculate_gain(Nonlinearity::selu), 0.75);
}

TEST(Kaiming, FollowsSlopeModeAndNonlinearity) {
  struct Case {
    KaimingOptions options;
    double deviation;
  };
  const Case cases[] = {
      // fan_in 600, fan_out 400
      {{}, std::sqrt(2.0 / 600)},
      {{.a = 0.5}, std::sqrt(1.6 / 600)},
      {{.mode = FanMode::fan_out}, std::sqrt(2.0 / 400)},
      {{.nonlinearity = Nonlinearity::linear}, std::sqrt(1.0 / 600)},
      {{.a = 7, .mode = FanMode::fan_out, .nonlinearity = Nonlinearity::tanh},
       5.0 / 3 / std::sqrt(400.0)},
  };
  for (const Case& c : cases) {
    Generator generator(3);
    const Tensor w = empty({100, 150, 4}, DType::float64);
    const double bound = std::sqrt(3.0) * c.deviation;
    EXPECT_TRUE(fits_distribution(values_of(kaiming_uniform_(w, c.options, generator)),
                                  [&](double x) { return (x + bound) / (2 * bound); }));
    EXPECT_TRUE(fits_distribution(values_of(kaiming_normal_(w, c.options, generator)),
                                  [&](double x) { return normal_cdf(x / c.deviation); }));
  }
}

TEST(TruncNormal, FitsTheConditionedDistribution) {
  struct Case {
    double mean, std, low, high;
  };
  for (const Case& c : {Case{0, 1, -2, 2}, Case{1, 0.5, 0, 4}, Case{0, 1, 3, 5}, Case{0, 1, -9, -8},
                        Case{0, 1, 10, 11}, Case{5, 2, -infinity, 5}, Case{0, 1, -1e-3, 2e-3}}) {
    // In the tail whose probabilities keep their digits.
    const double sign = c.low > c.mean ? -1 : 1;
    const auto below = [&](double x) { return normal_cdf(sign * (x - c.mean) / c.std); };
    for (const DType dtype : {DType::float32, DType::float64}) {
      Generator generator(4);
      const Tensor x = empty({100'000}, dtype);
      EXPECT_TRUE(trunc_normal_(x, c.mean, c.std, c.low, c.high, generator).is_same(x));
      const auto values = values_of(x);
      for (const double v : values) {
        ASSERT_GE(v, c.low);
        ASSERT_LE(v, c.high);
      }
      EXPECT_TRUE(fits_distribution(
          values,
          [&](double v) { return (below(v) - below(c.low)) / (below(c.high) - below(c.low)); }))
          << c.low << " to " << c.high;
    }
  }
}

// Far out the distance from the near bound has an exponential distribution of rate a / std, where a
// is how many standard deviations that bound is away: nearly, up to 1 / a^2.
TEST(TruncNormal, FitsTheTailWhereProbabilitiesVanish) {
  struct Case {
    double mean, std, low, high, near;
  };
  for (const Case& c :
       {Case{2.04, 1e-3, -2, 2, 2}, Case{-2.04, 1e-3, -2, 2, -2}, Case{0, 1, 36.5, infinity, 36.5},
        Case{0, 1, -infinity, -50, -50}, Case{1e6, 1, -1, 1, 1}, Case{-1, 1e-3, 0, 1, 0},
        Case{0, 1, 100, 100.01, 100}}) {
    SCOPED_TRACE(c.mean);
    Generator generator(4);
    const auto values = values_of(
        trunc_normal_(empty({100'000}, DType::float64), c.mean, c.std, c.low, c.high, generator));
    for (const double v : values) {
      ASSERT_GE(v, c.low);
      ASSERT_LE(v, c.high);
    }
    const double rate = std::fabs(c.near - c.mean) / (c.std * c.std);
    const double far = c.near == c.low ? c.high : c.low;
    const double whole = -std::expm1(-rate * std::fabs(far - c.near));
    std::vector<double> distances;
    for (const double v : values) distances.push_back(std::fabs(v - c.near));
    EXPECT_TRUE(
        fits_distribution(distances, [&](double d) { return -std::expm1(-rate * d) / whole; }));
  }
}

TEST(TruncNormal, IsUniformInAnIntervalThatIsNarrow) {
  struct Case {
    double mean, std, low, high;
  };
  for (const Case& c : {Case{0, 1e7, -2, 2}, Case{0, 1e14, -2, 2}, Case{0, 1e17, -2, 2},
                        Case{0, 1e300, -2, 2}, Case{1e17, 1e17, -2, 2}, Case{-3e9, 1e9, -2, 2},
                        Case{0, 1, -1e-310, 1e-310}, Case{0, 1, 1, 1 + 1e-9}}) {
    Generator generator(4);
    auto values = values_of(
        trunc_normal_(empty({10'000}, DType::float64), c.mean, c.std, c.low, c.high, generator));
    EXPECT_TRUE(fits_distribution(values, [&](double x) { return (x - c.low) / (c.high - c.low); }))
        << c.mean << ' ' << c.std;
    if (c.low != -2) continue;
    std::sort(values.begin(), values.end());
    EXPECT_EQ(std::unique(values.begin(), values.end()), values.end()) << c.mean << ' ' << c.std;
  }
}

// Exponential, and far from the mean as well.
TEST(TruncNormal, FallsInAnIntervalThatIsNarrow) {
  for (const double mean : {-1e9, 1e9}) {
    Generator generator(4);
    const auto values =
        values_of(trunc_normal_(empty({10'000}, DType::float64), mean, 1, 0, 1e-8, generator));
    const double rate = mean, whole = std::expm1(rate * 1e-8);
    EXPECT_TRUE(fits_distribution(values, [&](double x) { return std::expm1(rate * x) / whole; }));
  }
}

TEST(TruncNormal, RefusesAnIntervalWithoutNumbersOfTheDtype) {
  const Tensor x = zeros({3});
  EXPECT_ERROR(trunc_normal_(x, 0, 1, 1e300, infinity), ValueError,
               "trunc_normal_: low is 1e+300, high is inf: float32 has no number between them");
  EXPECT_THROW(trunc_normal_(x, 0, 1, -infinity, -1e39), ValueError);
  for (const double v : values_of(trunc_normal_(x, 0, 1e30, 1e37, 1e300))) {
    EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(TruncNormal, StaysInTheIntervalHoweverFarItIs) {
  for (const double std : {1e-3, 1e-300, 5e-324}) {
    const Tensor x = trunc_normal_(empty({100}), 2.04, std, -2, 2);
    for (const double v : values_of(x)) EXPECT_NEAR(v, 2, 1e-3) << std;
  }
  for (const double v : values_of(trunc_normal_(empty({100}), -1e300, 1e-300, -2, 2))) {
    EXPECT_EQ(v, -2);
  }
}

TEST(TruncNormal, HasTheSameBitsForAnyLength) {
  Generator one(5), other(5);
  const auto all = values_of(trunc_normal_(empty({1000}), 0, 1, -2, 2, one));
  const auto start = values_of(trunc_normal_(empty({7}), 0, 1, -2, 2, other));
  EXPECT_TRUE(std::equal(start.begin(), start.end(), all.begin()));
}

TEST(TruncNormal, BrokenInputNamesTheValues) {
  const Tensor x = zeros({2});
  EXPECT_ERROR(trunc_normal_(x, 0, 0), ValueError, "trunc_normal_: std is 0, it must be above 0");
  EXPECT_ERROR(trunc_normal_(x, 0, 1, 2, 1), ValueError, "trunc_normal_: low is 2, high is 1");
  EXPECT_ERROR(trunc_normal_(x, not_a_number), ValueError,
               "trunc_normal_: mean is nan, it must be finite in float64");
  EXPECT_ERROR(trunc_normal_(x, 0, infinity), ValueError,
               "trunc_normal_: std is inf, it must be finite in float64");
  EXPECT_ERROR(trunc_normal_(zeros({2}, DType::int64)), DTypeError,
               "trunc_normal_: a tensor of dtype int64 where float32 or float64 is needed");
}

// Row (or column) products of a matrix [rows, columns].
double product_of(const std::vector<double>& m, std::int64_t columns, bool of_rows, std::int64_t i,
                  std::int64_t j) {
  double sum = 0;
  const std::int64_t rows = static_cast<std::int64_t>(m.size()) / columns;
  for (std::int64_t k = 0; k < (of_rows ? columns : rows); ++k) {
    const std::int64_t a = of_rows ? i * columns + k : k * columns + i;
    const std::int64_t b = of_rows ? j * columns + k : k * columns + j;
    sum += m[static_cast<std::size_t>(a)] * m[static_cast<std::size_t>(b)];
  }
  return sum;
}

TEST(Orthogonal, HasAnOrthonormalShorterSideTimesTheGain) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double tolerance = dtype == DType::float32 ? 1e-6 : 1e-13;
    for (const Shape& shape : {Shape{5, 5}, Shape{3, 7}, Shape{40, 6}, Shape{4, 3, 2}, Shape{1, 1},
                               Shape{1, 9}, Shape{120, 120}}) {
      Generator generator(6);
      const auto m = values_of(orthogonal_(empty(shape, dtype), 2.0, generator));
      const std::int64_t rows = shape[0], columns = shape.numel() / rows;
      for (std::int64_t i = 0; i < std::min(rows, columns); ++i) {
        for (std::int64_t j = 0; j < std::min(rows, columns); ++j) {
          ASSERT_NEAR(product_of(m, columns, rows <= columns, i, j), i == j ? 4 : 0, 4 * tolerance)
              << shape.str() << " " << i << " " << j;
        }
      }
    }
  }
}

TEST(Orthogonal, IsUniformOverTheRotations) {
  // The first row of a random orthogonal 2x2 matrix is (cos t, sin t) with t uniform; either sign
  // of the determinant comes equally often.
  Generator generator(7);
  std::vector<double> angles;
  std::int64_t turned = 0;
  constexpr int rounds = 20'000;
  for (int i = 0; i < rounds; ++i) {
    const auto m = values_of(orthogonal_(empty({2, 2}, DType::float64), 1, generator));
    angles.push_back(std::atan2(m[1], m[0]));
    turned += m[0] * m[3] - m[1] * m[2] > 0 ? 1 : 0;
  }
  EXPECT_TRUE(fits_distribution(angles, [](double t) { return t / (2 * std::acos(-1)) + 0.5; }));
  const std::vector<std::int64_t> counts{turned, rounds - turned};
  EXPECT_TRUE(fits(counts, std::vector<double>{0.5, 0.5}));
}

TEST(Orthogonal, BrokenInputAndEmptyTensors) {
  EXPECT_ERROR(orthogonal_(zeros({3})), ShapeError,
               "orthogonal_: the tensor is [3], it must have at least two axes [out, in, ...]: use "
               "uniform_ or normal_");
  EXPECT_ERROR(orthogonal_(zeros({3, 3}, DType::int64)), DTypeError,
               "orthogonal_: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_NO_THROW(orthogonal_(zeros({0, 3})));
}

TEST(Sparse, ZeroesTheShareOfEachColumn) {
  Generator generator(8);
  const Tensor w = empty({10, 400}).set_trainable(true);
  const auto values = values_of(sparse_(w, 0.25, 2.0, generator));
  std::vector<std::int64_t> zeros_in_row(10);
  std::vector<double> drawn;
  for (std::size_t c = 0; c < 400; ++c) {
    std::int64_t zeros = 0;
    for (std::size_t r = 0; r < 10; ++r) {
      const double value = values[r * 400 + c];
      zeros += value == 0 ? 1 : 0;
      zeros_in_row[r] += value == 0 ? 1 : 0;
      if (value != 0) drawn.push_back(value);
    }
    ASSERT_EQ(zeros, 3);  // 2.5 rounded up
  }
  EXPECT_TRUE(fits(zeros_in_row, std::vector<double>(10, 0.1)));
  EXPECT_TRUE(fits_distribution(drawn, [](double x) { return normal_cdf(x / 2); }));
  EXPECT_ERROR(sparse_(zeros({3}), 0.5), ShapeError,
               "sparse_: the tensor is [3], it must have two axes");
  EXPECT_ERROR(sparse_(zeros({3, 3}), 1.5), ValueError,
               "sparse_: sparsity is 1.5, it must be between 0 and 1");
}

TEST(Constant, FillsTrainableLeaves) {
  const Tensor w = empty({2}, DType::float64).set_trainable(true);
  EXPECT_TRUE(has_values(constant_(w, 2.5), {2}, {2.5, 2.5}));
  EXPECT_TRUE(has_values(ones_(w), {2}, {1, 1}));
  EXPECT_TRUE(has_values(zeros_(w), {2}, {0, 0}));
  EXPECT_ERROR(constant_(w, not_a_number), ValueError, "constant_: the value is NaN");
  EXPECT_THROW(orthogonal_(zeros({2, 2}), 1e300), ValueError);
  orthogonal_(zeros({2, 2}, DType::float64), 1e300);
  EXPECT_ERROR(constant_(zeros({2}, DType::int64), 1), DTypeError,
               "constant_: a tensor of dtype int64 where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
