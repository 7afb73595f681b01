#include <gradus/framework/base/error.h>
#include <gradus/framework/data/skip_gram_pairs.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace gradus {
namespace {

using Sentences = std::vector<std::vector<std::int64_t>>;

// All batches one after the other.
std::vector<std::pair<std::int64_t, std::int64_t>> all_pairs(SkipGramPairs& pairs) {
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  while (pairs.next()) {
    for (std::size_t i = 0; i < pairs.centers().size(); ++i) {
      result.emplace_back(pairs.centers()[i], pairs.contexts()[i]);
    }
  }
  return result;
}

TEST(SkipGramPairs, AreTheNeighboursInTheSentence) {
  const Sentences sentences = {{0, 1, 2}, {}, {3}};
  Generator generator(1);
  SkipGramPairs pairs(sentences, std::vector<std::int64_t>{1, 1, 1, 1},
                      {.window = 1, .epochs = 1, .subsample = 0}, generator);
  EXPECT_EQ(all_pairs(pairs),
            (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {1, 0}, {1, 2}, {2, 1}}));
  EXPECT_EQ(pairs.words_read(), 4);
  EXPECT_EQ(pairs.total_words(), 4);
  EXPECT_FALSE(pairs.next());
  EXPECT_TRUE(pairs.centers().empty());
}

TEST(SkipGramPairs, ComeInBatchesOfOneSizeOverAllEpochs) {
  const Sentences sentences = {{0, 1, 2, 3}, {3, 2}};
  Generator generator(1);
  SkipGramPairs pairs(sentences, std::vector<std::int64_t>{1, 1, 2, 2},
                      {.batch_size = 5, .window = 1, .epochs = 4, .subsample = 0}, generator);
  std::vector<std::size_t> sizes;
  while (pairs.next()) {
    EXPECT_EQ(pairs.contexts().size(), pairs.centers().size());
    sizes.push_back(pairs.centers().size());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{5, 5, 5, 5, 5, 5, 2}));  // 4 epochs of 6 + 2 pairs
}

TEST(SkipGramPairs, DrawTheReachOfTheWindow) {
  std::vector<std::int64_t> sentence(400);
  for (std::size_t i = 0; i < sentence.size(); ++i) sentence[i] = static_cast<std::int64_t>(i);
  const Sentences sentences = {sentence};
  Generator generator(1);
  SkipGramPairs pairs(sentences, std::vector<std::int64_t>(400, 1),
                      {.window = 4, .epochs = 50, .subsample = 0}, generator);
  std::map<std::int64_t, double> at_distance;
  for (const auto& [center, context] : all_pairs(pairs)) {
    at_distance[std::abs(center - context)] += 1;
  }
  // A context d words away is there where the reach, drawn from 1 to 4, is at least d. 40,000 draws
  // have a standard deviation of 0.25 %.
  ASSERT_EQ(at_distance.size(), 4U);
  for (std::int64_t d = 1; d <= 4; ++d) {
    const double share = at_distance[d] / (50.0 * 2 * static_cast<double>(400 - d));
    EXPECT_NEAR(share, static_cast<double>(5 - d) / 4, 0.015) << d;
  }
}

TEST(SkipGramPairs, SkipFrequentWordsAtTheRateOfWord2vec) {
  const Sentences sentences(10'000, {0, 1});
  const std::vector<std::int64_t> counts = {9'000'000, 1'000'000};
  const double t = 0.01;
  Generator generator(1);
  SkipGramPairs pairs(sentences, counts, {.window = 1, .epochs = 1, .subsample = t}, generator);
  const auto n = static_cast<double>(all_pairs(pairs).size());
  // Both words are kept with sqrt(t / f) + t / f; a pair has two directions.
  const auto keep = [&](double f) { return std::sqrt(t / f) + t / f; };
  EXPECT_NEAR(n / 20'000, keep(0.9) * keep(0.1), 0.01);
  EXPECT_EQ(pairs.words_read(), 20'000);  // those that were skipped too
}

TEST(SkipGramPairs, ReadSentencesInANewOrderEachEpoch) {
  Sentences sentences;
  for (std::int64_t i = 0; i < 50; ++i) sentences.push_back({2 * i, 2 * i + 1});
  const auto read = [&](std::uint64_t seed) {
    Generator generator(seed);
    SkipGramPairs pairs(sentences, std::vector<std::int64_t>(100, 1),
                        {.window = 1, .epochs = 2, .subsample = 0}, generator);
    return all_pairs(pairs);
  };
  const auto once = read(1);
  ASSERT_EQ(once.size(), 200U);
  EXPECT_EQ(once, read(1));
  EXPECT_NE(once, read(2));
  const std::vector first(once.begin(), once.begin() + 100), second(once.begin() + 100, once.end());
  EXPECT_NE(first, second);
  EXPECT_TRUE(std::is_permutation(first.begin(), first.end(), second.begin()));
}

TEST(SkipGramPairs, OfNothingAreNone) {
  Generator generator(1);
  SkipGramPairs none({}, {}, {}, generator);
  EXPECT_FALSE(none.next());
  const Sentences sentences = {{0, 0}};
  SkipGramPairs no_epochs(sentences, std::vector<std::int64_t>{2}, {.epochs = 0}, generator);
  EXPECT_FALSE(no_epochs.next());
}

TEST(SkipGramPairs, BrokenInputSaysWhatIsWrong) {
  const Sentences sentences = {{0}, {1, 2}};
  const std::vector<std::int64_t> counts = {1, 1};
  Generator generator(1);
  const auto make = [&](const WordWindowOptions& options, const std::vector<std::int64_t>& c) {
    const SkipGramPairs pairs(sentences, c, options, generator);
  };
  EXPECT_ERROR(make({}, counts), IndexError,
               "SkipGramPairs: word 2 of sentence 1 is outside [0, 2)");
  EXPECT_ERROR(make({}, {1, -3, 1}), ValueError,
               "SkipGramPairs: the count -3 of word 1 is negative");
  EXPECT_ERROR(make({.batch_size = 0}, counts), ValueError,
               "SkipGramPairs: batch_size is 0, it must be above 0");
  EXPECT_ERROR(make({.window = -1}, counts), ValueError,
               "SkipGramPairs: window is -1, it must be above 0");
  EXPECT_ERROR(make({.epochs = -1}, counts), ValueError,
               "SkipGramPairs: epochs is -1, it must be at least 0");
  EXPECT_ERROR(make({.subsample = NAN}, counts), ValueError,
               "SkipGramPairs: subsample is nan: it must be 0 or a positive frequency");
}

}  // namespace
}  // namespace gradus
