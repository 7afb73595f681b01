#include <gradus/framework/base/error.h>
#include <gradus/framework/data/cbow_pairs.h>
#include <gradus/framework/data/skip_gram_pairs.h>
#include <gradus/tests/support/op_testing.h>

#include <map>
#include <utility>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;
using Sentences = std::vector<Ids>;

TEST(CbowPairs, AreEachWordAndItsNeighbours) {
  const Sentences sentences = {{0, 1, 2}};
  Generator generator(1);
  CbowPairs pairs(sentences, Ids{1, 1, 1}, {.window = 1, .epochs = 1, .subsample = 0}, generator);
  ASSERT_TRUE(pairs.next());
  EXPECT_EQ(pairs.contexts(), (Ids{1, 0, 2, 1}));
  EXPECT_EQ(pairs.offsets(), (Ids{0, 1, 3}));
  EXPECT_EQ(pairs.centers(), (Ids{0, 1, 2}));
  EXPECT_EQ(pairs.words_read(), 3);
  EXPECT_FALSE(pairs.next());
  EXPECT_TRUE(pairs.centers().empty());
  EXPECT_FALSE(pairs.next());
}

TEST(CbowPairs, LeaveOutWordsWithoutNeighbours) {
  const Sentences sentences = {{3}, {}, {0, 1}};
  Generator generator(1);
  CbowPairs pairs(sentences, Ids{1, 1, 1, 1}, {.epochs = 2, .subsample = 0}, generator);
  ASSERT_TRUE(pairs.next());
  EXPECT_EQ(pairs.centers(), (Ids{0, 1, 0, 1}));
  EXPECT_EQ(pairs.contexts(), (Ids{1, 0, 1, 0}));
  EXPECT_EQ(pairs.words_read(), pairs.total_words());
  EXPECT_EQ(pairs.total_words(), 6);
}

TEST(CbowPairs, ComeInBatchesOfOneSizeAcrossSentencesAndEpochs) {
  const Sentences sentences = {{0, 1, 2}, {1, 2}};
  Generator generator(1);
  CbowPairs pairs(sentences, Ids{1, 2, 2}, {.batch_size = 4, .epochs = 2, .subsample = 0},
                  generator);
  std::vector<std::size_t> sizes;
  while (pairs.next()) {
    sizes.push_back(pairs.centers().size());
    EXPECT_EQ(pairs.offsets().size(), pairs.centers().size());
    EXPECT_EQ(pairs.offsets()[0], 0);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
}

// Both are the same (word, nearby word), as often, whatever the draws.
TEST(CbowPairs, HoldThePairsOfSkipGrams) {
  Sentences sentences;
  for (std::int64_t i = 0; i < 40; ++i) sentences.push_back({i, i + 1, i + 2, 2 * i, 3, 3});
  const Ids counts(100, 7);
  const WordWindowOptions options{.batch_size = 1'000'000, .epochs = 1, .subsample = 0.02};
  Generator one(5), other(5);
  SkipGramPairs skip_grams(sentences, counts, options, one);
  CbowPairs bags(sentences, counts, options, other);
  ASSERT_TRUE(skip_grams.next());
  ASSERT_TRUE(bags.next());
  std::map<std::pair<std::int64_t, std::int64_t>, int> balance;
  for (std::size_t i = 0; i < skip_grams.centers().size(); ++i) {
    ++balance[{skip_grams.centers()[i], skip_grams.contexts()[i]}];
  }
  EXPECT_EQ(bags.contexts().size(), skip_grams.contexts().size());
  for (std::size_t b = 0; b < bags.centers().size(); ++b) {
    const auto end = b + 1 < bags.offsets().size() ? static_cast<std::size_t>(bags.offsets()[b + 1])
                                                   : bags.contexts().size();
    for (auto i = static_cast<std::size_t>(bags.offsets()[b]); i < end; ++i) {
      --balance[{bags.centers()[b], bags.contexts()[i]}];
    }
  }
  for (const auto& [pair, count] : balance) EXPECT_EQ(count, 0) << pair.first << pair.second;
}

TEST(CbowPairs, BrokenInputSaysWhatIsWrong) {
  const Sentences sentences = {{0}, {1, 2}};
  Generator generator(1);
  const auto make = [&](const WordWindowOptions& options, const Ids& counts) {
    const CbowPairs pairs(sentences, counts, options, generator);
  };
  EXPECT_ERROR(make({}, {1, 1}), IndexError, "CbowPairs: word 2 of sentence 1 is outside [0, 2)");
  EXPECT_ERROR(make({.window = 0}, {1, 1, 1}), ValueError,
               "CbowPairs: window is 0, it must be above 0");
  EXPECT_ERROR(make({}, {1, -4, 1}), ValueError, "CbowPairs: the count -4 of word 1 is negative");
  EXPECT_EQ(generator.offset(), 0U);
}

}  // namespace
}  // namespace gradus
