#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Word = VectorCoverage::Word;

const WordVectors vectors{{"the", "sea", "Paris", "PARIS"},
                          tensor({{1.0F, 2.0F}, {3.0F, 4.0F}, {5.0F, 6.0F}, {7.0F, 8.0F}})};

// <pad>, <unk>, the (5), salt (3), Sea (3), paris (1)
Vocabulary vocabulary() {
  WordCounter counter;
  counter.add("the", 5);
  counter.add("salt", 3);
  counter.add("Sea", 3);
  counter.add("paris", 1);
  return Vocabulary(counter);
}

TEST(MatrixFor, HasTheVectorsOfWordsAndZerosForOthers) {
  const auto [matrix, coverage] = matrix_for(vectors, vocabulary());
  EXPECT_EQ(matrix.shape(), (Shape{6, 2}));
  EXPECT_THAT(matrix.span<float>(), ElementsAre(0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(coverage.found, 1);
  EXPECT_EQ(coverage.folded, 0);
  EXPECT_THAT(coverage.missing,
              ElementsAre(Word{"Sea", 3}, Word{"salt", 3}, Word{"paris", 1}, Word{"<unk>", 0}));
  EXPECT_EQ(coverage.words, 1.0 / 5);
  EXPECT_EQ(coverage.tokens, 5.0 / 12);
  EXPECT_EQ(
      coverage.str(),
      "20.0 % of the words and 41.7 % of the tokens have a vector; the most frequent without: "
      "'Sea' (3), 'salt' (3), 'paris' (1), '<unk>' (0)");
}

TEST(MatrixFor, LooksForOtherCaseLast) {
  const auto [matrix, coverage] = matrix_for(vectors, vocabulary(), {.ignore_case = true});
  EXPECT_THAT(matrix.span<float>(), ElementsAre(0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 5, 6));
  EXPECT_EQ(coverage.found, 3);
  EXPECT_EQ(coverage.folded, 2);
  EXPECT_EQ(coverage.tokens, 9.0 / 12);
  const auto own = Vocabulary::from_words({"PARIS", "Paris"});
  EXPECT_THAT(matrix_for(vectors, own, {.ignore_case = true}).matrix.span<float>(),
              ElementsAre(7, 8, 5, 6));
}

TEST(MatrixFor, FoldsTheCaseOfAllScripts) {
  const WordVectors some{{"STRASSE", "\u03a3\u039f\u03a6\u0399\u0391", "\xFFX"},
                         tensor({{1.0F}, {2.0F}, {3.0F}})};
  const auto words =
      Vocabulary::from_words({"stra\u00dfe", "\u03c3\u03bf\u03c6\u03b9\u03b1", "\xFFx", "\xFEx"});
  const auto [matrix, coverage] = matrix_for(some, words, {.ignore_case = true});
  EXPECT_THAT(matrix.span<float>(), ElementsAre(1, 2, 3, 0));
  EXPECT_EQ(coverage.folded, 3);
}

TEST(MatrixFor, GivesTheMeanToMissingWords) {
  const auto words = Vocabulary::from_words({"<pad>", "none", "sea"});
  EXPECT_THAT(matrix_for(vectors, words, {.missing = MissingWords::mean}).matrix.span<float>(),
              ElementsAre(0, 0, 4, 5, 3, 4));
}

TEST(MatrixFor, DrawsMissingWordsLikeTheVectors) {
  std::vector<std::string> words = {"<pad>", "the"};
  for (int i = 0; i < 10'000; ++i) words.push_back("w" + std::to_string(i));
  const auto missing = Vocabulary::from_words(words);
  const auto moments = [&](const MatrixForOptions& options) {
    Generator generator(3);
    const Tensor matrix = matrix_for(vectors, missing, options, generator).matrix;
    const auto drawn = matrix.span<float>().subspan(4);
    double sum = 0, squares = 0;
    for (const float v : drawn) {
      sum += v;
      squares += static_cast<double>(v) * v;
    }
    const double n = static_cast<double>(drawn.size()), mean = sum / n;
    return std::pair(mean, std::sqrt(squares / n - mean * mean));
  };
  const auto own = moments({.missing = MissingWords::normal});  // of 1 to 8
  EXPECT_NEAR(own.first, 4.5, 0.08);                            // five standard errors
  EXPECT_NEAR(own.second, std::sqrt(5.25), 0.06);
  const auto given = moments({.missing = MissingWords::normal, .mean = -1, .std = 0.5});
  EXPECT_NEAR(given.first, -1, 0.018);
  EXPECT_NEAR(given.second, 0.5, 0.013);
  Generator one(5), two(5);
  const MatrixForOptions options{.missing = MissingWords::normal};
  const Tensor a = matrix_for(vectors, missing, options, one).matrix;
  const Tensor b = matrix_for(vectors, missing, options, two).matrix;
  EXPECT_TRUE(std::equal(a.span<float>().begin(), a.span<float>().end(), b.span<float>().begin()));
  EXPECT_THAT(a.span<float>().first(4), ElementsAre(0, 0, 1, 2));
}

TEST(MatrixFor, AsksForAVectorBeforeItFillsOneIn) {
  std::vector<std::string> asked;
  const auto compose = [&](std::string_view word, std::span<float> row) {
    asked.emplace_back(word);
    std::fill(row.begin(), row.end(), 9.0F);
    return word == "salt";
  };
  const auto [matrix, coverage] = matrix_for(vectors, vocabulary(), {.compose = compose});
  EXPECT_THAT(asked, ElementsAre("<unk>", "Sea", "salt", "paris"));
  EXPECT_THAT(matrix.span<float>(), ElementsAre(0, 0, 0, 0, 1, 2, 0, 0, 9, 9, 0, 0));
  EXPECT_EQ(coverage.found, 1);
  EXPECT_EQ(coverage.composed, 1);
  EXPECT_EQ(coverage.tokens, 8.0 / 12);
  EXPECT_THAT(coverage.missing, ElementsAre(Word{"Sea", 3}, Word{"paris", 1}, Word{"<unk>", 0}));
}

TEST(MatrixFor, CountsWordsWhereThereAreNoCounts) {
  const auto words = Vocabulary::from_words({"the", "sea", "none", "no"});
  const VectorCoverage coverage = matrix_for(vectors, words).coverage;
  EXPECT_EQ(coverage.words, 0.5);
  EXPECT_EQ(coverage.tokens, 0.5);
  EXPECT_EQ(matrix_for(vectors, Vocabulary::from_words({})).coverage.words, 0);
}

TEST(MatrixFor, ChecksWhatItIsGiven) {
  const Vocabulary words = vocabulary();
  EXPECT_EQ(message_of<ShapeError>([&] { matrix_for({}, words); }),
            "matrix_for: 0 words and an undefined matrix");
  EXPECT_EQ(message_of<ShapeError>([&] {
              matrix_for({{"a"}, ones({2, 2})}, words);
            }),
            "matrix_for: 1 words and a matrix [2, 2]");
  EXPECT_THAT(message_of<DTypeError>([&] {
                matrix_for({{"a"}, ones({1, 2}, DType::float64)}, words);
              }),
              HasSubstr("matrix_for: the vectors are float64, not float32"));
  EXPECT_EQ(message_of<ValueError>([&] { matrix_for(vectors, words, {.std = -1}); }),
            "matrix_for: std is -1: it must be 0 or more");
  const auto refusal = [&](const WordVectors& given, const MatrixForOptions& options) {
    return message_of<ValueError>([&] { matrix_for(given, words, options); });
  };
  const MissingWords normal = MissingWords::normal;
  const double infinity = std::numeric_limits<double>::infinity();
  const WordVectors large{{"x"}, tensor({3e38F, -3e38F}, {1, 2})};
  EXPECT_EQ(refusal(large, {.missing = normal, .mean = infinity}),
            "matrix_for: mean is inf: it must be finite");
  EXPECT_THAT(refusal(large, {.missing = normal}), HasSubstr("are beyond float32: pass .mean and"));
  for (const MissingWords missing : {MissingWords::mean, MissingWords::normal}) {
    EXPECT_EQ(message_of<ValueError>([&] {
                matrix_for({{}, zeros({0, 2})}, words, {.missing = missing});
              }),
              "matrix_for: there are no vectors to take the mean or the deviation from");
  }
  EXPECT_EQ(matrix_for({{}, zeros({0, 2})}, words).matrix.shape(), (Shape{6, 2}));
}

}  // namespace
}  // namespace gradus
