#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/batch_sampler.h>
#include <gradus/tests/support/op_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

using Ids = std::vector<std::int64_t>;

std::vector<Ids> run(const BatchSampler& sampler, std::uint64_t seed = 1) {
  Generator generator(seed);
  const Batches batches = sampler(generator);
  std::vector<Ids> all;
  for (std::int64_t k = 0; k < batches.size(); ++k) {
    all.emplace_back(batches[k].begin(), batches[k].end());
  }
  return all;
}

void expect_each_once(const std::vector<Ids>& batches, std::int64_t n) {
  Ids all, expected(static_cast<std::size_t>(n));
  for (const Ids& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
}

Ids some_lengths(std::int64_t n) {
  Ids lengths;
  for (std::int64_t i = 0; i < n; ++i) lengths.push_back(i * 37 % 101);
  return lengths;
}

TEST(Batches, ThrowForABatchThatIsNotThere) {
  Batches batches;
  batches.add(Ids{4, 5});
  batches.add(Ids{});
  EXPECT_THAT(batches[0], ElementsAre(4, 5));
  EXPECT_TRUE(batches[1].empty());
  EXPECT_ERROR(batches[2], IndexError, "Batches: there is no batch 2, there are 2");
  EXPECT_ERROR(batches[-1], IndexError, "Batches: there is no batch -1, there are 2");
}

TEST(BatchesByCount, CutTheOrder) {
  const BatchOptions plain{.batch_size = 2};
  EXPECT_THAT(run(batches_by_count(5, plain)), ElementsAre(Ids{0, 1}, Ids{2, 3}, Ids{4}));
  const BatchOptions whole{.batch_size = 2, .drop_last = true};
  EXPECT_THAT(run(batches_by_count(5, whole)), ElementsAre(Ids{0, 1}, Ids{2, 3}));
  EXPECT_TRUE(run(batches_by_count(0, plain)).empty());
  const BatchSampler random = batches_by_count(40, {.batch_size = 3, .shuffle = true});
  expect_each_once(run(random), 40);
  EXPECT_EQ(run(random), run(random));
  EXPECT_NE(run(random), run(random, 2));
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(run(batches_by_count(2, {.batch_size = most})), ElementsAre(Ids{0, 1}));
}

TEST(BatchesByLength, HaveLittlePadding) {
  const Ids lengths = some_lengths(1000);
  const auto batches = run(batches_by_length(lengths, {.batch_size = 10, .shuffle = true}));
  expect_each_once(batches, 1000);
  std::int64_t padded = 0;
  for (const Ids& batch : batches) {
    std::int64_t longest = 0;
    for (const std::int64_t i : batch)
      longest = std::max(longest, lengths[static_cast<std::size_t>(i)]);
    padded += longest * std::ssize(batch);
  }
  const std::int64_t real = std::reduce(lengths.begin(), lengths.end());
  EXPECT_LT(padded, real + real / 20);
  EXPECT_FALSE(std::is_sorted(batches.begin(), batches.end(), [&](const Ids& a, const Ids& b) {
    return lengths[static_cast<std::size_t>(a[0])] < lengths[static_cast<std::size_t>(b[0])];
  }));
}

TEST(BatchesByLength, OfOnePoolWithoutShuffleAreSorted) {
  const BatchOptions plain{.batch_size = 2};
  EXPECT_THAT(run(batches_by_length({5, 1, 3, 1, 9}, plain)),
              ElementsAre(Ids{1, 3}, Ids{2, 0}, Ids{4}));
  EXPECT_THAT(run(batches_by_length({5, 1, 3, 1, 9}, plain, 1)),
              ElementsAre(Ids{1, 0}, Ids{3, 2}, Ids{4}));
}

TEST(BatchesByTokens, KeepThePaddedSizeInBounds) {
  const Ids lengths = some_lengths(500);
  for (const std::int64_t count : {0, 4}) {
    const auto batches =
        run(batches_by_tokens(lengths, 300, {.batch_size = count, .shuffle = true}));
    expect_each_once(batches, 500);
    for (const Ids& batch : batches) {
      std::int64_t longest = 0;
      for (const std::int64_t i : batch)
        longest = std::max(longest, lengths[static_cast<std::size_t>(i)]);
      EXPECT_LE(longest * std::ssize(batch), 300);
      if (count > 0) {
        EXPECT_LE(std::ssize(batch), count);
      }
    }
  }
  const BatchOptions plain{};
  EXPECT_THAT(run(batches_by_tokens({9, 2, 2, 0}, 4, plain)),
              ElementsAre(Ids{3, 1}, Ids{2}, Ids{0}));
  EXPECT_TRUE(run(batches_by_tokens({}, 4, plain)).empty());
}

TEST(WeightedBatches, DrawByWeight) {
  const auto batches = run(weighted_batches({1, 0, 3}, 4000, {.batch_size = 100}));
  std::array<int, 3> counts{};
  for (const Ids& batch : batches) {
    for (const std::int64_t i : batch) ++counts[static_cast<std::size_t>(i)];
  }
  EXPECT_EQ(batches.size(), 40U);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[0], 1000, 6 * 27.4);  // 6 standard deviations
}

TEST(BalancedWeights, AreTheInverseOfTheCounts) {
  EXPECT_THAT(balanced_weights(Ids{2, 0, 2, 2}), ElementsAre(1 / 3.0, 1, 1 / 3.0, 1 / 3.0));
  EXPECT_ERROR(balanced_weights(Ids{0, -1}), IndexError,
               "balanced_weights: the label of sample 1 is -1");
}

TEST(DistinctBatches, HoldNoKeyTwice) {
  Ids keys;
  for (std::int64_t i = 0; i < 600; ++i) keys.push_back(i % 7 == 0 ? 0 : i / 3);
  const auto batches = run(distinct_batches(keys, {.batch_size = 8, .shuffle = true}));
  expect_each_once(batches, 600);
  for (const Ids& batch : batches) {
    std::set<std::int64_t> seen;
    for (const std::int64_t i : batch) seen.insert(keys[static_cast<std::size_t>(i)]);
    EXPECT_EQ(seen.size(), batch.size());
  }
  const BatchOptions plain{.batch_size = 2};
  EXPECT_THAT(run(distinct_batches({7, 7, 7, 8}, plain)), ElementsAre(Ids{0, 3}, Ids{1}, Ids{2}));
  const BatchOptions whole{.batch_size = 2, .drop_last = true};
  EXPECT_THAT(run(distinct_batches({7, 7, 7, 8}, whole)), ElementsAre(Ids{0, 3}));
}

TEST(BatchSamplers, RefuseNumbersOutOfRange) {
  EXPECT_ERROR(batches_by_count(-1, {}), ValueError,
               "batches_by_count: samples is -1, it must not be negative");
  EXPECT_ERROR(batches_by_count(1, {}), ValueError,
               "batches_by_count: batch_size is 0, it must be above 0");
  EXPECT_ERROR(batches_by_length({1, -2}, {.batch_size = 1}), ValueError,
               "batches_by_length: the length of sample 1 is -2");
  EXPECT_ERROR(batches_by_length({1}, {.batch_size = 1}, 0), ValueError,
               "batches_by_length: pool is 0, it must be above 0");
  EXPECT_ERROR(batches_by_tokens({1}, 0), ValueError,
               "batches_by_tokens: max_tokens is 0, it must be above 0");
  EXPECT_ERROR(weighted_batches({1, -1}, 3, {.batch_size = 1}), ValueError,
               "weighted_batches: the weight of sample 1 is -1");
  EXPECT_ERROR(weighted_batches({0, 0}, 3, {.batch_size = 1}), ValueError,
               "weighted_batches: the weights sum up to 0");
  EXPECT_ERROR(distinct_batches({}, {.batch_size = -3}), ValueError,
               "distinct_batches: batch_size is -3, it must be above 0");
}

}  // namespace
}  // namespace gradus
