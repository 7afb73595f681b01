#include <gradus/framework/text/detail/piece_lattice.h>
#include <gradus/framework/text/detail/seed_pieces.h>
#include <gradus/framework/text/detail/unigram_training.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace gradus::detail;

namespace {

// All ways to write a word in pieces, in turn: `way` holds the pieces so far.
template <class F>
void for_each_way(const std::string& word, const std::vector<ScoredPiece>& pieces,
                  std::vector<std::int32_t>& way, F&& f) {
  if (word.empty()) return f(way);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!word.starts_with(pieces[i].text)) continue;
    way.push_back(static_cast<std::int32_t>(i));
    for_each_way(word.substr(pieces[i].text.size()), pieces, way, f);
    way.pop_back();
  }
}

double score_of(const std::vector<std::int32_t>& way, const std::vector<ScoredPiece>& pieces) {
  double score = 0;
  for (const std::int32_t piece : way) score += pieces[static_cast<std::size_t>(piece)].score;
  return score;
}

const std::vector<ScoredPiece> some_pieces{{"a", -1.5},    {"b", -2.25},     {"\u00E9", -3},
                                           {"ab", -2},     {"ba", -3.5},     {"aba", -4.5},
                                           {"bab", -3.25}, {"b\u00E9", -2.5}};
const std::vector<std::string> some_words{"a", "ababab", "b\u00E9b", "bababba\u00E9", "abaabbab"};

/// The substrings of words that occur twice or more, by trying each.
std::map<std::string, std::int64_t> counted_substrings(const std::vector<CountedWord>& words,
                                                       std::size_t longest) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [text, count] : words) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (std::size_t n = 2; n <= longest && i + n <= text.size(); ++n)
        counts[std::string(text.substr(i, n))] += count;
    }
  }
  std::erase_if(counts, [](const auto& each) { return each.second < 2; });
  return counts;
}

}  // namespace

TEST(PieceLattice, ExpectsWhatAllWaysTogetherDo) {
  const PieceLattice lattice(some_pieces);
  PieceLattice::Scratch scratch;
  for (const std::string& word : some_words) {
    double sum = 0;
    std::vector<double> expected(some_pieces.size()), got(some_pieces.size());
    std::vector<std::int32_t> way;
    for_each_way(word, some_pieces, way, [&](const std::vector<std::int32_t>& each) {
      const double probability = std::exp(score_of(each, some_pieces));
      sum += probability;
      for (const std::int32_t piece : each)
        expected[static_cast<std::size_t>(piece)] += probability;
    });
    EXPECT_NEAR(lattice.expect({word, 3}, got, scratch), std::log(sum), 1e-12) << word;
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], 3 * expected[i] / sum, 1e-12) << word << " " << some_pieces[i].text;
  }
}

TEST(PieceLattice, FindsTheBestOfAllWays) {
  const PieceLattice lattice(some_pieces);
  PieceLattice::Scratch scratch;
  std::vector<std::int32_t> way, tried;
  for (const std::string& word : some_words) {
    for (const bool whole : {true, false}) {
      double best = -std::numeric_limits<double>::infinity();
      for_each_way(word, some_pieces, tried, [&](const std::vector<std::int32_t>& each) {
        if (whole || each.size() > 1) best = std::max(best, score_of(each, some_pieces));
      });
      const double got = lattice.best(word, whole, way, scratch);
      EXPECT_EQ(way.empty(), word == "a" && !whole);
      if (way.empty()) continue;
      EXPECT_NEAR(got, best, 1e-12);
      EXPECT_NEAR(score_of(way, some_pieces), best, 1e-12);
      EXPECT_TRUE(whole || way.size() > 1);
    }
  }
}

TEST(PieceLattice, StaysExactOnALongWord) {
  const std::vector<ScoredPiece> pieces{{"a", std::log(0.001)}, {"aa", std::log(0.0001)}};
  const std::size_t n = 20000;
  std::vector<double> expected(2);
  PieceLattice::Scratch scratch;
  const std::string word(n, 'a');
  const double result = PieceLattice(pieces).expect({word, 1}, expected, scratch);
  // The ways of n letters: p(n) = 0.001 p(n - 1) + 0.0001 p(n - 2), which grows as the root below.
  const double root = 0.0005 + std::sqrt(0.0005 * 0.0005 + 0.0001);
  EXPECT_NEAR(result / static_cast<double>(n), std::log(root), 1e-4);
  EXPECT_NEAR(expected[0] + 2 * expected[1], static_cast<double>(n), 1e-6);
}

TEST(SeedPieces, AreThePartsThatCannotBeLonger) {
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    std::set<std::string> texts;
    for (int i = 0; i < 12; ++i) {
      std::string text(1 + random() % 9, 'a');
      for (char& c : text) c = static_cast<char>('a' + random() % 3);
      texts.insert(text);
    }
    std::vector<CountedWord> words;
    for (const std::string& text : texts)
      words.push_back({text, static_cast<std::int64_t>(1 + random() % 3)});
    const std::size_t longest = 5;
    const auto counts = counted_substrings(words, longest);
    std::map<std::string, double> expected;
    for (const auto& [text, count] : counts) {
      bool is_longer = false;  // with as many occurrences
      for (const char c : {'a', 'b', 'c'}) {
        const auto found = counts.find(text + c);
        is_longer = is_longer || (found != counts.end() && found->second == count);
      }
      if (!is_longer || text.size() == longest)
        expected[text] = static_cast<double>(count) * static_cast<double>(text.size());
    }
    std::map<std::string, double> got;
    double last = std::numeric_limits<double>::infinity();
    for (const ScoredPiece& piece : seed_pieces(words, longest, 1000)) {
      EXPECT_TRUE(got.emplace(piece.text, piece.score).second);
      EXPECT_LE(piece.score, last);
      last = piece.score;
    }
    EXPECT_EQ(got, expected);
  }
}

TEST(SeedPieces, EndBetweenCharacters) {
  // The letters have their first bytes in common.
  const std::vector<CountedWord> words{{"x\u00E9\u00E8", 1}, {"x\u00E9\u00E9", 1}, {"x\u00E8", 5}};
  std::vector<std::string> texts;
  for (const ScoredPiece& piece : seed_pieces(words, 16, 10)) texts.push_back(piece.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"x\u00E8", "x\u00E9"}));
  EXPECT_EQ(seed_pieces(words, 16, 1).size(), 1U);
}

// By hand: of the letters a and b, which stand alone 1 time in 10, the pair is one piece.
TEST(LearnPieces, LearnsWhatBelongsTogether) {
  const std::vector<CountedWord> words{{"a", 1}, {"ab", 5}, {"abab", 2}, {"b", 1}};
  const auto pieces = learn_pieces(words, {.size = 3, .max_piece_length = 16, .seed_size = 100});
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].text, "ab");
}

// By hand: the digamma function of n is the sum of 1 / k for k < n, less a constant.
TEST(LearnPieces, MakesRarePiecesRarer) {
  const std::vector<CountedWord> words{{"a", 1}, {"b", 3}};
  const auto pieces = learn_pieces(words, {.size = 2, .max_piece_length = 16, .seed_size = 100});
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].text, "b");
  EXPECT_NEAR(pieces[0].score, 1 + 1.0 / 2 - (1 + 1.0 / 2 + 1.0 / 3), 1e-10);
  EXPECT_EQ(pieces[1].text, "a");
  EXPECT_NEAR(pieces[1].score, 0 - (1 + 1.0 / 2 + 1.0 / 3), 1e-10);
}

TEST(LearnPieces, OfNothingAreNone) {
  EXPECT_TRUE(learn_pieces({}, {.size = 3, .max_piece_length = 16, .seed_size = 100}).empty());
}
