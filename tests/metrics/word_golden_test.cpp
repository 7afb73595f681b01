// Questions about word vectors against gensim's answers: tests/golden/word_tests_golden.py.
#include <gradus/framework/metrics/word_evaluation.h>
#include <gradus/framework/metrics/word_index.h>
#include <gradus/tests/support/op_testing.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradus {
namespace {

using nlohmann::json;

const json& golden() {
  static const json all = [] {
    std::ifstream file("tests/golden/word_tests.json");
    return json::parse(file);
  }();
  return all;
}

WordIndex index(DType dtype = DType::float32) {
  const json& rows = golden().at("rows");
  std::vector<double> values;
  for (const json& row : rows) {
    for (const json& value : row) values.push_back(value.get<double>() / 64);
  }
  const auto V = static_cast<std::int64_t>(rows.size());
  const Tensor matrix = tensor(values, {V, static_cast<std::int64_t>(values.size()) / V});
  return WordIndex({golden().at("words").get<std::vector<std::string>>(), matrix.to(dtype)});
}

std::vector<WordPair> pairs() {
  std::vector<WordPair> all;
  for (const json& pair : golden().at("pairs")) all.push_back({pair[0], pair[1], pair[2]});
  return all;
}

std::vector<AnalogySection> sections() {
  std::vector<AnalogySection> all;
  for (const json& section : golden().at("sections")) {
    all.push_back({section[0], section[1].get<std::vector<std::array<std::string, 4>>>()});
  }
  return all;
}

WordTestOptions options_of(const json& named) {
  WordTestOptions options;
  options.fold_case = named.value("case_insensitive", true);
  options.most_words = named.value("restrict_vocab", std::int64_t{300'000});
  options.count_missing = named.value("dummy4unknown", false);
  return options;
}

void expect_words(const std::vector<ScoredWord>& found, const json& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].word, wanted[i][0].get<std::string>());
    EXPECT_NEAR(found[i].score, wanted[i][1].get<double>(), 2e-6);
  }
}

TEST(WordGolden, PairsAgreeWithPeopleAsGensimSays) {
  for (const json& item : golden().at("evaluate_pairs")) {
    SCOPED_TRACE(item.dump());
    const WordPairScores scores = evaluate_word_pairs(index(), pairs(), options_of(item[0]));
    EXPECT_NEAR(scores.spearman, item[1].at("spearman").get<double>(), 1e-12);
    EXPECT_NEAR(scores.pearson, item[1].at("pearson").get<double>(), 1e-6);
    const double all = static_cast<double>(pairs().size());
    EXPECT_NEAR(100 * static_cast<double>(scores.missing) / all,
                item[1].at("missing").get<double>(), 1e-9);
  }
}

TEST(WordGolden, AnalogiesAreSolvedAsByGensim) {
  for (const auto dtype : {DType::float32, DType::float64}) {
    for (const json& item : golden().at("evaluate_analogies")) {
      SCOPED_TRACE(item.dump());
      const bool add = item[1] == "add";
      const AnalogyScores scores =
          evaluate_analogies(index(dtype), sections(),
                             add ? AnalogyRule::add : AnalogyRule::multiply, options_of(item[0]));
      ASSERT_EQ(scores.sections.size(), item[2].size());
      for (std::size_t i = 0; i < item[2].size(); ++i) {
        EXPECT_EQ(scores.sections[i].section, item[2][i][0].get<std::string>());
        EXPECT_EQ(scores.sections[i].correct, item[2][i][1].get<std::int64_t>());
        EXPECT_EQ(scores.sections[i].total, item[2][i][2].get<std::int64_t>());
      }
    }
  }
}

TEST(WordGolden, TheMostSimilarWordsAreGensims) {
  for (const json& item : golden().at("most_similar")) {
    SCOPED_TRACE(item.dump());
    expect_words(index().most_similar(item[0][0].get<std::vector<std::string>>(),
                                      item[0][1].get<std::vector<std::string>>(), 5),
                 item[1]);
  }
  for (const json& item : golden().at("similarity")) {
    EXPECT_NEAR(index().similarity(item[0].get<std::string>(), item[1].get<std::string>()),
                item[2].get<double>(), 1e-6);
  }
}

TEST(WordGolden, ProductsOfCosinesAreGensims) {
  for (const json& item : golden().at("cosmul")) {
    SCOPED_TRACE(item.dump());
    const auto words = item[0].get<std::vector<std::string>>();
    expect_words(index().analogy(words[0], words[1], words[2], 5, AnalogyRule::multiply), item[1]);
  }
}

}  // namespace
}  // namespace gradus
