#include <gradus/framework/kernels/random.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

using Words = std::array<uint32_t, 4>;

TEST(Philox, GivesThePublishedWords) {
  // Source: kat_vectors of Random123, philox4x32 with 10 rounds.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomBits, AreHalvesOfPhiloxBlocks) {
  const uint64_t seed = 0x1234567890abcdef, offset = 0xfedcba0987654321;
  const Words block = philox({5, 0, 0x87654321, 0xfedcba09}, {0x90abcdef, 0x12345678});
  EXPECT_EQ(random_bits(seed, offset, 10), uint64_t{block[0]} << 32 | block[1]);
  EXPECT_EQ(random_bits(seed, offset, 11), uint64_t{block[2]} << 32 | block[3]);
  const Words high = philox({0, 1, 0, 0}, {7, 0});
  EXPECT_EQ(random_bits(7, 0, uint64_t{1} << 33), uint64_t{high[0]} << 32 | high[1]);
}

TEST(RandomUniform, UsesEveryWordOfItsPhiloxBlocksOnce) {
  std::vector<float> y(64);
  random_uniform<float>(3, 9, y.data(), 64, 0, 1);
  std::multiset<float> expected;
  for (uint32_t i = 0; i < 16; ++i) {
    for (const uint32_t word : philox({i, 0, 9, 0}, {3, 0})) {
      expected.insert(static_cast<float>(word >> 8) * 0x1p-24F);
    }
  }
  EXPECT_EQ(std::multiset<float>(y.begin(), y.end()), expected);
}

template <class T>
class Random : public testing::Test {
 protected:
  using Draw = std::vector<T>;

  static Draw uniform(uint64_t seed, uint64_t offset, int64_t n, T low, T high) {
    Draw y(at(n));
    random_uniform<T>(seed, offset, y.data(), n, low, high);
    return y;
  }
  static Draw normal(uint64_t seed, uint64_t offset, int64_t n, T mean, T deviation) {
    Draw y(at(n));
    random_normal<T>(seed, offset, y.data(), n, mean, deviation);
    return y;
  }
  static Draw mask(uint64_t seed, uint64_t offset, int64_t n, double keep, T scale) {
    Draw y(at(n));
    random_bernoulli_mask<T>(seed, offset, y.data(), n, keep, scale);
    return y;
  }
};

template <class T>
double moment(const std::vector<T>& x, double center, int power) {
  double sum = 0;
  for (const T v : x) sum += std::pow(static_cast<double>(v) - center, power);
  return sum / static_cast<double>(x.size());
}

/// Of elements `lag` apart.
template <class T>
double correlation(const std::vector<T>& x, size_t lag) {
  const double mean = moment(x, 0, 1), variance = moment(x, mean, 2);
  double sum = 0;
  for (size_t i = 0; i + lag < x.size(); ++i) {
    sum += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i + lag]) - mean);
  }
  return sum / static_cast<double>(x.size() - lag) / variance;
}

using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Random, Floats);

constexpr int64_t n = 1 << 18;  // standard error of a mean: 1 / 512

TYPED_TEST(Random, UniformHasTheMomentsOfTheUniformDistribution) {
  const auto x = this->uniform(1, 0, n, -1, 3);
  EXPECT_NEAR(moment(x, 0, 1), 1, 0.01);
  EXPECT_NEAR(moment(x, 1, 2), 16.0 / 12, 0.01);
  EXPECT_NEAR(moment(x, 1, 3), 0, 0.03);
  EXPECT_NEAR(moment(x, 1, 4), 256.0 / 80, 0.04);
  EXPECT_GE(*std::min_element(x.begin(), x.end()), -1);
  EXPECT_LT(*std::min_element(x.begin(), x.end()), TypeParam{-0.999F});
  EXPECT_GT(*std::max_element(x.begin(), x.end()), TypeParam{2.999F});
  EXPECT_LT(*std::max_element(x.begin(), x.end()), 3);
}

TYPED_TEST(Random, NormalHasTheMomentsOfTheNormalDistribution) {
  const auto x = this->normal(1, 0, n, 2, 3);
  EXPECT_NEAR(moment(x, 0, 1), 2, 0.03);
  EXPECT_NEAR(moment(x, 2, 2), 9, 0.13);
  EXPECT_NEAR(moment(x, 2, 3) / 27, 0, 0.03);
  EXPECT_NEAR(moment(x, 2, 4) / 81, 3, 0.1);
  EXPECT_NEAR(moment(x, 2, 6) / 729, 15, 1.2);
  for (const auto& [z, share] : {std::pair{-2.0, 0.0227501}, std::pair{-1.0, 0.158655},
                                 std::pair{0.0, 0.5}, std::pair{1.5, 0.933193}}) {
    const double limit = 2 + 3 * z;
    const auto below = std::count_if(
        x.begin(), x.end(), [limit](TypeParam v) { return static_cast<double>(v) < limit; });
    EXPECT_NEAR(static_cast<double>(below) / n, share, 0.005) << z;
  }
}

TYPED_TEST(Random, NormalIsFiniteAndHasTails) {
  const auto x = this->normal(4, 2, 1 << 20, 0, 1);
  for (const TypeParam v : x) ASSERT_TRUE(std::isfinite(v));
  EXPECT_GT(*std::max_element(x.begin(), x.end()), TypeParam{4});  // expected 33 of 2^20
  EXPECT_LT(*std::min_element(x.begin(), x.end()), TypeParam{-4});
}

TYPED_TEST(Random, ElementsAreUncorrelated) {
  for (const size_t lag : {1U, 2U, 3U, 4U, 8U, 16U, 32U, 48U, 64U, 128U}) {
    EXPECT_NEAR(correlation(this->uniform(1, 0, n, 0, 1), lag), 0, 0.01) << lag;
    EXPECT_NEAR(correlation(this->normal(1, 0, n, 0, 1), lag), 0, 0.01) << lag;
  }
}

TYPED_TEST(Random, SeedsAndOffsetsAreIndependent) {
  const auto x = this->uniform(1, 0, n, -1, 1);
  for (const auto& [seed, offset] :
       {std::pair{uint64_t{2}, uint64_t{0}}, std::pair{uint64_t{1}, uint64_t{1}},
        std::pair{uint64_t{1} << 32 | 1, uint64_t{0}}, std::pair{uint64_t{1}, uint64_t{1} << 32}}) {
    const auto y = this->uniform(seed, offset, n, -1, 1);
    double product = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      product += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    }
    EXPECT_NEAR(product / n * 3, 0, 0.01) << seed << " " << offset;
  }
}

TYPED_TEST(Random, AnElementDependsOnItsPositionOnly) {
  const auto uniform = this->uniform(5, 6, 1000, -2, 5), normal = this->normal(5, 6, 1000, 1, 2),
             mask = this->mask(5, 6, 1000, 0.3, 2);
  for (const int64_t length : {0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 127, 999}) {
    const auto start = [length](const std::vector<TypeParam>& x) {
      return std::vector<TypeParam>(x.begin(), x.begin() + length);
    };
    EXPECT_TRUE(same_bits(this->uniform(5, 6, length, -2, 5), start(uniform))) << length;
    EXPECT_TRUE(same_bits(this->normal(5, 6, length, 1, 2), start(normal))) << length;
    EXPECT_TRUE(same_bits(this->mask(5, 6, length, 0.3, 2), start(mask))) << length;
  }
}

TYPED_TEST(Random, HasTheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain}) {
    set_parallel_grain(grain);
    const auto results = with_threads([&] {
      auto y = this->uniform(5, 6, 100001, -2, 5);
      for (const TypeParam v : this->normal(5, 6, 100001, 1, 2)) y.push_back(v);
      for (const TypeParam v : this->mask(5, 6, 100001, 0.3, 2)) y.push_back(v);
      return y;
    });
    for (const auto& result : results) EXPECT_TRUE(same_bits(result, results[0]));
  }
}

TYPED_TEST(Random, UniformNeverReachesItsUpperEnd) {
  const TypeParam one = 1, next = std::nextafter(one, TypeParam{2}),
                  after = std::nextafter(next, TypeParam{2}),
                  most = std::numeric_limits<TypeParam>::max();
  // Ranges of one and two steps: rounded to nearest, half of the numbers would be `high`.
  for (const TypeParam v : this->uniform(1, 2, 10000, one, next)) ASSERT_EQ(v, one);
  const auto two = this->uniform(1, 2, 10000, one, after);
  for (const TypeParam v : two) ASSERT_TRUE(v == one || v == next);
  EXPECT_EQ(std::set<TypeParam>(two.begin(), two.end()).size(), 2U);
  for (const auto& [low, high] :
       {std::pair<TypeParam, TypeParam>{-most, most}, {16777216, 16777220}, {-3, -2}, {0, most}}) {
    for (const TypeParam v : this->uniform(1, 2, 100000, low, high)) {
      ASSERT_GE(v, low);
      ASSERT_LT(v, high);
    }
  }
  for (const TypeParam v : this->uniform(1, 2, 100, 3, 3)) ASSERT_EQ(v, 3);
}

TYPED_TEST(Random, UniformOfTheWholeRangeIsCentred) {
  const TypeParam most = std::numeric_limits<TypeParam>::max();
  const auto x = this->uniform(1, 2, n, -most, most);
  const auto positive = std::count_if(x.begin(), x.end(), [](TypeParam v) { return v > 0; });
  EXPECT_NEAR(static_cast<double>(positive) / n, 0.5, 0.005);
}

TYPED_TEST(Random, MaskKeepsTheShareAskedFor) {
  for (const double keep : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    const auto x = this->mask(3, 4, n, keep, 2.5);
    const auto kept = std::count(x.begin(), x.end(), TypeParam{2.5F});
    EXPECT_EQ(kept + std::count(x.begin(), x.end(), TypeParam{0}), n);
    EXPECT_NEAR(static_cast<double>(kept) / n, keep, keep == 0 || keep == 1 ? 0 : 0.005);
  }
}

TEST(RandomBernoulliMask, ChoosesTheSameForBothTypes) {
  std::vector<float> x(1000);
  std::vector<double> y(1000);
  random_bernoulli_mask<float>(1, 2, x.data(), 1000, 0.4, 1);
  random_bernoulli_mask<double>(1, 2, y.data(), 1000, 0.4, 1);
  EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(),
                         [](float a, double b) { return static_cast<double>(a) == b; }));
}

}  // namespace
}  // namespace gradus::kernels
