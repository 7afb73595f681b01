#include <gradus/framework/metrics/word_evaluation.h>
#include <gradus/framework/metrics/word_index.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/threads_guard.h>

#include <cmath>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// king - man + woman is queen; the last row is zero.
WordVectors royal() {
  return {{"man", "woman", "king", "queen", "apple", "nil"},
          tensor({{1.f, 0.f, 0.f},
                  {0.f, 1.f, 0.f},
                  {1.f, 0.f, 1.f},
                  {0.f, 1.f, 1.f},
                  {0.5f, 0.5f, -1.f},
                  {0.f, 0.f, 0.f}})};
}

std::vector<std::string> words_of(const std::vector<ScoredWord>& found) {
  std::vector<std::string> words;
  for (const ScoredWord& one : found) words.push_back(one.word);
  return words;
}

TEST(WordIndex, FindsTheMostSimilarWords) {
  const WordIndex index(royal());
  EXPECT_THAT(words_of(index.most_similar("king", 3)), ElementsAre("man", "queen", "woman"));
  EXPECT_NEAR(index.most_similar("king", 1)[0].score, std::sqrt(0.5), 1e-7);
  EXPECT_EQ(index.most_similar("king", 100).size(), 5);  // all others
  EXPECT_EQ(index.most_similar("king", 1'000'000'000'000).size(), 5);
  EXPECT_THAT(words_of(index.most_similar(tensor({0.f, 0.f, 2.f}), 2)),
              ElementsAre("king", "queen"));
  EXPECT_TRUE(index.most_similar("king", 0).empty());
}

TEST(WordIndex, AnswersWithNoOtherRowOfAWordThatIsAskedFor) {
  const WordIndex index(
      WordVectors{{"king", "queen", "king", "man", "king"},
                  tensor({{1.f, 0.f}, {1.f, 1.f}, {1.f, 0.f}, {0.f, 1.f}, {1.f, 0.1f}})});
  EXPECT_THAT(words_of(index.most_similar("king", 9)), ElementsAre("queen", "man"));
  EXPECT_THAT(words_of(index.most_similar({"king"}, {"man"}, 9)), ElementsAre("queen"));
  for (const AnalogyRule rule : {AnalogyRule::add, AnalogyRule::multiply}) {
    EXPECT_THAT(words_of(index.analogy("king", "man", "king", 9, rule)), ElementsAre("queen"));
  }
}

TEST(WordIndex, KnowsTheSimilarityOfWords) {
  const WordIndex index(royal());
  EXPECT_NEAR(index.similarity("king", "queen"), 0.5, 1e-15);
  EXPECT_NEAR(index.similarity("king", "king"), 1, 1e-15);
  EXPECT_EQ(index.similarity("king", "nil"), 0);
}

TEST(WordIndex, SolvesAnalogiesByBothRules) {
  const WordIndex index(royal());
  for (const AnalogyRule rule : {AnalogyRule::add, AnalogyRule::multiply}) {
    EXPECT_EQ(index.analogy("man", "king", "woman", 1, rule).at(0).word, "queen");
    const auto all = index.analogy("man", "king", "woman", 10, rule);
    EXPECT_EQ(all.size(), 3);  // the words of the question are no answers
  }
  // cos(queen, king) = 1/2, cos(queen, woman) = sqrt(1/2), cos(queen, man) = 0
  const double expected = (0.75 * (1 + std::sqrt(0.5)) / 2) / (0.5 + 1e-6);
  EXPECT_NEAR(index.analogy("man", "king", "woman", 1, AnalogyRule::multiply)[0].score, expected,
              1e-6);
}

TEST(WordIndex, TakesAVocabulary) {
  const Vocabulary words = Vocabulary::from_words({"a", "b"});
  const WordIndex index(words, tensor({{1.0, 0.0}, {1.0, 1.0}}));
  EXPECT_EQ(index.most_similar("a", 1).at(0).word, "b");
  EXPECT_EQ(index.size(), 2);
}

TEST(WordIndex, OfAWordListedTwiceTakesTheFirstRow) {
  const WordIndex index({{"a", "b", "a"}, tensor({{1.f, 0.f}, {1.f, 0.f}, {0.f, 1.f}})});
  EXPECT_EQ(index.similarity("a", "b"), 1);
  EXPECT_EQ(index.row("a"), 0);
  EXPECT_EQ(index.row("b"), 1);
}

TEST(WordIndex, SaysWhatIsWrong) {
  const WordIndex index(royal());
  EXPECT_EQ(message_of<IndexError>([&] { (void)index.most_similar("prince\n"); }),
            "WordIndex: 'prince\\x0a' is not among the 6 words");
  EXPECT_EQ(message_of<ValueError>([&] {
              (void)index.most_similar(std::vector<std::string>{}, std::vector<std::string>{});
            }),
            "WordIndex::most_similar: there are no words to compare with");
  EXPECT_EQ(message_of<ShapeError>([&] { (void)index.most_similar(zeros({2})); }),
            "WordIndex::most_similar: the vector is [2]: it must be [3]");
  EXPECT_EQ(message_of<ValueError>([&] { (void)index.analogy("man", "king", "woman", -1); }),
            "WordIndex::analogy: k is -1: it must be 0 or more");
  EXPECT_EQ(message_of<ShapeError>([&] {
              WordIndex({{"a"}, zeros({2, 3})});
            }),
            "WordIndex: the matrix is [2, 3]: 1 words need [1, D]");
  EXPECT_THAT(message_of<Error>([&] { WordIndex({{"a"}, Tensor()}); }), HasSubstr("matrix"));
  EXPECT_THAT(message_of<ValueError>([&] {
                WordIndex({{"a"}, tensor({{std::nanf("")}})});
              }),
              HasSubstr("matrix at [0, 0] is nan"));
}

TEST(EvaluateWordPairs, CountsWhatIsMissing) {
  const WordIndex index(royal());
  const std::vector<WordPair> pairs = {
      {"king", "man", 9}, {"King", "queen", 5}, {"apple", "king", 1}, {"king", "prince", 3}};
  const WordPairScores scores = evaluate_word_pairs(index, pairs);
  EXPECT_DOUBLE_EQ(scores.spearman, 1);
  EXPECT_EQ(scores.pairs, 3);
  EXPECT_EQ(scores.missing, 1);
  const WordPairScores exact = evaluate_word_pairs(index, pairs, {.fold_case = false});
  EXPECT_EQ(exact.missing, 2);
  EXPECT_EQ(evaluate_word_pairs(index, pairs, {.count_missing = true}).pairs, 4);
}

TEST(EvaluateWordPairs, SaysThatNoneIsKnown) {
  const std::vector<WordPair> pairs = {{"king", "queen", 1}};
  EXPECT_EQ(message_of<ValueError>(
                [&] { evaluate_word_pairs(WordIndex(royal()), pairs, {.most_words = 3}); }),
            "evaluate_word_pairs: none of the 1 pairs has both of its words among the first 3 "
            "words");
  EXPECT_EQ(message_of<ValueError>(
                [&] { evaluate_word_pairs(WordIndex(royal()), pairs, {.most_words = 0}); }),
            "evaluate_word_pairs: most_words is 0: it must be above 0");
}

TEST(EvaluateAnalogies, CountsBySection) {
  const std::vector<AnalogySection> sections = {
      {"royal", {{"man", "king", "woman", "queen"}, {"Man", "King", "Woman", "Apple"}}},
      {"empty", {}},
      {"unknown", {{"man", "king", "woman", "princess"}}}};
  const WordIndex index(royal());
  const AnalogyScores scores = evaluate_analogies(index, sections);
  EXPECT_EQ(scores.sections, (std::vector<AnalogyScore>{
                                 {"royal", 1, 2, 0}, {"empty", 0, 0, 0}, {"unknown", 0, 0, 1}}));
  EXPECT_EQ(scores.total, (AnalogyScore{"total", 1, 2, 1}));
  EXPECT_EQ(scores.total.accuracy(), 0.5);
  EXPECT_TRUE(std::isnan(scores.sections[1].accuracy()));
  EXPECT_EQ(evaluate_analogies(index, sections, AnalogyRule::add, {.count_missing = true}).total,
            (AnalogyScore{"total", 1, 3, 1}));
}

// The best word but for "KING", which is one of the question's in another case.
TEST(EvaluateAnalogies, LeavesOutTheWordsOfAQuestionInAnyCase) {
  WordVectors vectors = royal();
  vectors.words[4] = "QUEEN";
  vectors.matrix.set_row(4, tensor({0.f, 1.f, 1.25f}));
  const std::vector<AnalogySection> sections = {{"", {{"man", "queen", "man", "king"}}}};
  const WordIndex index(vectors);
  const WordTestOptions exact{.fold_case = false};
  EXPECT_EQ(index.analogy("man", "queen", "man").at(0).word, "QUEEN");
  EXPECT_EQ(evaluate_analogies(index, sections).total.correct, 0);
  const std::vector<AnalogySection> other = {{"", {{"man", "queen", "man", "woman"}}}};
  EXPECT_EQ(evaluate_analogies(index, other).total.correct, 1);
  EXPECT_EQ(evaluate_analogies(index, other, AnalogyRule::add, exact).total.correct, 0);
}

TEST(EvaluateAnalogies, FoldTheCaseOfAllScripts) {
  WordVectors vectors = royal();
  vectors.words[0] = "\u00c9T\u00c9";
  const std::string a = vectors.words[1], b = vectors.words[2];
  const WordIndex index(vectors);
  const std::vector<WordPair> pairs = {
      {"\u00e9t\u00e9", a, 1}, {b, "\u00c9t\u00e9", 2}, {a, b, 3}, {a, a, 4}};
  EXPECT_EQ(evaluate_word_pairs(index, pairs).missing, 0);
  EXPECT_EQ(evaluate_word_pairs(index, pairs, {.fold_case = false}).missing, 2);
}

TEST(EvaluateAnalogies, HaveTheSameResultForAnyThreads) {
  const ThreadsGuard guard;
  Generator generator(3);
  WordVectors vectors{{}, randn({3000, 10}, generator)};
  AnalogySection section{"random"};
  for (int i = 0; i < 3000; ++i) vectors.words.push_back("w" + std::to_string(i));
  for (std::size_t i = 0; i < 200; ++i) {
    section.analogies.push_back({vectors.words[i], vectors.words[3 * i], vectors.words[5 * i + 1],
                                 vectors.words[7 * i + 2]});
  }
  const WordIndex index(vectors);
  for (const AnalogyRule rule : {AnalogyRule::add, AnalogyRule::multiply}) {
    std::vector<std::vector<ScoredWord>> found;
    std::vector<std::int64_t> correct;
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      found.push_back(index.analogy("w5", "w6", "w7", 20, rule));
      correct.push_back(evaluate_analogies(index, {&section, 1}, rule).total.correct);
      EXPECT_EQ(found.back(), found.front());
      EXPECT_EQ(correct.back(), correct.front());
    }
  }
}

}  // namespace
}  // namespace gradus
