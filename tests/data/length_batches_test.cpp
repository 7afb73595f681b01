#include <gradus/framework/base/error.h>
#include <gradus/framework/data/length_batches.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace gradus {
namespace {

std::vector<std::int64_t> random_lengths(std::int64_t n) {
  Generator generator(7);
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < n; ++i) lengths.push_back(generator.below(100));
  return lengths;
}

TEST(LengthBatches, HoldEachSequenceOnce) {
  const std::vector<std::int64_t> lengths = random_lengths(1003);
  Generator generator(1);
  std::vector<std::int64_t> all;
  std::vector<std::size_t> sizes;
  for (const auto& batch : length_batches(lengths, 10, generator)) {
    all.insert(all.end(), batch.begin(), batch.end());
    sizes.push_back(batch.size());
  }
  std::sort(all.begin(), all.end());
  std::vector<std::int64_t> expected(1003);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
  EXPECT_EQ(std::count(sizes.begin(), sizes.end(), 10U), 100);
  EXPECT_EQ(std::count(sizes.begin(), sizes.end(), 3U), 1);
}

TEST(LengthBatches, AreOfAboutOneLength) {
  const std::vector<std::int64_t> lengths = random_lengths(1000);
  Generator generator(1);
  // One pool of all batches is sorted as a whole, so that the ranges of lengths hardly overlap.
  std::int64_t spread = 0;
  for (const auto& batch : length_batches(lengths, 10, generator, 100)) {
    const auto [least, most] =
        std::minmax_element(batch.begin(), batch.end(), [&](std::int64_t a, std::int64_t b) {
          return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
        });
    spread += lengths[static_cast<std::size_t>(*most)] - lengths[static_cast<std::size_t>(*least)];
  }
  EXPECT_LE(spread, 100);
}

TEST(LengthBatches, AreDrawnAnewEachTime) {
  const std::vector<std::int64_t> lengths = random_lengths(200);
  Generator generator(1), same(1);
  const auto first = length_batches(lengths, 8, generator);
  EXPECT_EQ(first, length_batches(lengths, 8, same));
  EXPECT_NE(first, length_batches(lengths, 8, generator));
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end(), [&](const auto& a, const auto& b) {
    return lengths[static_cast<std::size_t>(a[0])] < lengths[static_cast<std::size_t>(b[0])];
  }));
}

TEST(LengthBatches, OfNothingAreNone) { EXPECT_TRUE(length_batches({}, 4).empty()); }

TEST(LengthBatches, TakeAnySize) {
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  const auto batches = length_batches(random_lengths(5), huge, default_generator(), huge);
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].size(), 5U);
}

TEST(LengthBatches, BrokenInputSaysWhatIsWrong) {
  EXPECT_ERROR(length_batches(random_lengths(5), 0), ValueError,
               "length_batches: batch_size is 0, pool 50: both must be above 0");
  EXPECT_THROW(length_batches(random_lengths(5), 1, default_generator(), -1), ValueError);
}

}  // namespace
}  // namespace gradus
