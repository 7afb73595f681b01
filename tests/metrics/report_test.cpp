#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/metrics/detail/pca.h>
#include <gradus/framework/metrics/detail/thin_curve.h>
#include <gradus/framework/metrics/records.h>
#include <gradus/framework/metrics/report.h>
#include <gradus/tests/io/file_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>

namespace gradus {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

int occurrences(std::string_view text, std::string_view part) {
  int count = 0;
  for (std::size_t i = text.find(part); i != std::string_view::npos; i = text.find(part, i + 1)) {
    ++count;
  }
  return count;
}

class ReportTest : public FolderTest {
 protected:
  std::string page(const Report& report) const {
    report.save(file("report.html"));
    return read_text(file("report.html"));
  }
  json data(const Report& report) const {
    const std::string text = page(report), open = "id=\"data\">";
    const std::size_t begin = text.find(open) + open.size();
    return json::parse(text.substr(begin, text.find("</script>", begin) - begin));
  }
  json section(const Report& report) const { return data(report)["sections"].at(0); }
};

TEST_F(ReportTest, HoldsWhatWasAddedInOrder) {
  Report report("A run");
  report.add_text("Notes", "one\ntwo");
  report.add_values("Test", {{"accuracy", 0.91}, {"words", 123456789}, {"loss", nan_value}});
  report.add_table("Options", {{"lr", "0.5"}, {"epochs", "5"}});
  report.add_table("Classes", {{"spam", "0.9"}}, {"class", "F1"});
  const json all = data(report);
  EXPECT_EQ(all["title"], "A run");
  EXPECT_EQ(all["sections"], json::parse(R"([
    {"kind": "text", "title": "Notes", "text": "one\ntwo"},
    {"kind": "values", "title": "Test", "values": [{"name": "accuracy", "value": "0.91"},
        {"name": "words", "value": "123456789"}, {"name": "loss", "value": "nan"}]},
    {"kind": "table", "title": "Options", "columns": [], "rows": [["lr", "0.5"], ["epochs", "5"]]},
    {"kind": "table", "title": "Classes", "columns": ["class", "F1"], "rows": [["spam", "0.9"]]}
  ])"));
}

TEST_F(ReportTest, IsOneFileWithoutAddresses) {
  const std::string text = page(Report("A run"));
  EXPECT_TRUE(text.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(text.ends_with("</html>\n"));
  EXPECT_EQ(occurrences(text, "://"), 1);
  EXPECT_THAT(text, HasSubstr("'http://www.w3.org/2000/svg'"));  // a name, which nobody fetches
  EXPECT_EQ(occurrences(text, "src="), 0);
  EXPECT_THAT(text, HasSubstr("default-src 'none'"));
}

TEST_F(ReportTest, TextCannotLeaveTheScript) {
  const std::vector<std::string> hostile = {"</script><script>alert(1)</script>",
                                            "<!-- <script>",
                                            "]]>",
                                            "\"},\\",
                                            "\xe2\x80\xa8",
                                            std::string("a\0b", 3),
                                            "\xf0\x9f\x98\x80"};
  for (const std::string& text : hostile) {
    Report report(text);
    report.add_text(text, text);
    report.add_values(text, {{text, 1}});
    report.add_table(text, {{text}}, {text});
    report.add_curves(text, {{.name = text, .y = {1}}}, {.x_name = text});
    report.add_confusion_matrix(text, ConfusionMatrix(std::vector<std::string>{text}));
    report.add_examples(text, {{text, text, text, 1}});
    report.add_embeddings(text, ones({1, 2}), {text}, {.groups = {text}});
    const std::string whole = page(report);
    EXPECT_EQ(occurrences(whole, "<script"), 2);
    EXPECT_EQ(occurrences(whole, "</script"), 2);
    EXPECT_EQ(occurrences(whole, "<!--"), 0);
    EXPECT_TRUE(std::all_of(whole.begin(), whole.end(),
                            [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
    const json all = data(report);
    EXPECT_EQ(all["title"], text);
    for (const json& each : all["sections"]) EXPECT_EQ(each["title"], text);
    EXPECT_EQ(all["sections"][0]["text"], text);
    EXPECT_EQ(all["sections"][5]["rows"][0]["text"], text);
    EXPECT_EQ(all["sections"][6]["labels"][0], text);
  }
}

TEST_F(ReportTest, BytesThatAreNotUtf8AreReplaced) {
  Report report("a\xff");
  report.add_examples("", {{"b\xc3", "c\xed\xa0\x80", "d", 1}});
  EXPECT_EQ(data(report)["title"], "a\xef\xbf\xbd");
  EXPECT_EQ(section(report)["rows"][0]["text"], "b\xef\xbf\xbd");
}

TEST_F(ReportTest, CurvesHaveStepsAndGaps) {
  Report report("");
  report.add_curves("Loss",
                    {{.name = "train", .y = {3, nan_value, 0.1F, inf}},
                     {.name = "valid", .x = {10, 10, 1e15}, .y = {1, 2, -1e300}}},
                    {.x_name = "words", .log_y = true});
  const json loss = section(report);
  EXPECT_EQ(loss["x_name"], "words");
  EXPECT_EQ(loss["log_y"], true);
  EXPECT_EQ(loss["log_x"], false);
  const json& train = loss["curves"][0];
  EXPECT_EQ(train["name"], "train");
  EXPECT_EQ(train["x"], json({0, 1, 2, 3}));
  EXPECT_EQ(train["y"], json({3, nullptr, 0.1, nullptr}));
  EXPECT_EQ(train["points"], 4);
  EXPECT_EQ(train["gaps"], 2);
  EXPECT_FALSE(train.contains("means"));
  EXPECT_EQ(loss["curves"][1]["x"], json({10, 10, 1e15}));
  EXPECT_EQ(loss["curves"][1]["y"], json({1, 2, -1e300}));
}

TEST_F(ReportTest, LongCurvesAreThinned) {
  Curve curve{.name = "loss", .y = std::vector<double>(1'000'000)};
  for (std::size_t i = 0; i < curve.y.size(); ++i) {
    curve.y[i] = std::sin(static_cast<double>(i) / 1000);
  }
  curve.y[123'457] = 50;
  curve.y[765'432] = -50;
  curve.y[500'001] = nan_value;
  Report report("");
  report.add_curves("Loss", {curve});
  EXPECT_LT(page(report).size(), 250'000U);
  const json drawn = section(report)["curves"][0];
  EXPECT_EQ(drawn["points"], 1'000'000);
  EXPECT_EQ(drawn["gaps"], 1);
  EXPECT_LE(drawn["x"].size(), 4001U);
  EXPECT_EQ(drawn["means"]["x"].size(), 1000U);
  const auto value_at = [&](double x) {
    const auto place = std::find(drawn["x"].begin(), drawn["x"].end(), json(x));
    EXPECT_NE(place, drawn["x"].end()) << x;
    return drawn["y"][static_cast<std::size_t>(place - drawn["x"].begin())];
  };
  EXPECT_EQ(value_at(0), 0);
  EXPECT_EQ(value_at(123'457), 50);
  EXPECT_EQ(value_at(765'432), -50);
  EXPECT_TRUE(value_at(500'001).is_null());
  value_at(999'999);
}

TEST(ThinCurve, KeepsFirstLowestHighestAndLastOfEachStretch) {
  const Curve curve{.name = "f",
                    .x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                    .y = {5, 1, 6, 9, 4,  //
                          0, 0, 0, 0, 0}};
  const detail::ThinCurve thin = detail::thin(curve, 2);
  EXPECT_EQ(thin.drawn.name, "f");
  EXPECT_THAT(thin.drawn.x, ElementsAre(1, 2, 4, 5, 6, 10));
  EXPECT_THAT(thin.drawn.y, ElementsAre(5, 1, 9, 4, 0, 0));
  EXPECT_THAT(thin.means.x, ElementsAre(3, 8));
  EXPECT_THAT(thin.means.y, ElementsAre(5, 0));
}

TEST(ThinCurve, AGapStaysOneAndDoesNotCount) {
  const Curve curve{.x = {1, 2, 3, 4, 5, 6}, .y = {2, inf, -inf, nan_value, 4, 3}};
  const detail::ThinCurve thin = detail::thin(curve, 1);
  EXPECT_EQ(thin.not_finite, 3);
  EXPECT_THAT(thin.drawn.x, ElementsAre(1, 2, 5, 6));
  EXPECT_TRUE(std::isnan(thin.drawn.y[1]));
  EXPECT_THAT(thin.means.x, ElementsAre(4));
  EXPECT_THAT(thin.means.y, ElementsAre(3));
  const detail::ThinCurve none =
      detail::thin({.x = {1, 2, 3, 4, 5}, .y = {inf, inf, inf, inf, inf}}, 1);
  EXPECT_THAT(none.drawn.x, ElementsAre(1, 5));
  EXPECT_THAT(none.means.x, IsEmpty());
}

TEST(ThinCurve, ShortCurvesStayAsTheyAre) {
  const Curve curve{.x = {1, 2, 3, 4}, .y = {4, 4, 4, 4}};
  EXPECT_EQ(detail::thin(curve, 1).drawn.x, curve.x);
  EXPECT_THAT(detail::thin({}, 1).drawn.x, IsEmpty());
}

TEST_F(ReportTest, RefusesCurvesThatCannotBeDrawn) {
  Report report("");
  const auto refused = [&](const std::vector<Curve>& curves, const CurvesOptions& options = {}) {
    return message_of<ValueError>([&] { report.add_curves("Loss", curves, options); });
  };
  EXPECT_EQ(message_of<ShapeError>([&] {
              report.add_curves("Loss", {{.name = "train", .x = {1, 2}, .y = {1}}});
            }),
            "Report: add_curves: the curve 'train' has 2 x and 1 y: give each value its step, or "
            "leave x empty");
  EXPECT_EQ(refused({{.name = "a", .x = {1, 3, 2}, .y = {1, 2, 3}}}),
            "Report: add_curves: x[2] of the curve 'a' is 2: it is below x[1], 3: sort the values "
            "by x");
  EXPECT_EQ(refused({{.name = "a", .x = {1, nan_value}, .y = {1, 2}}}),
            "Report: add_curves: x[1] of the curve 'a' is nan: it must be finite");
  EXPECT_EQ(refused({{.name = "a", .x = {0, 1}, .y = {1, 2}}}, {.log_x = true}),
            "Report: add_curves: x[0] of the curve 'a' is 0: with log_x it must be above 0");
  EXPECT_THAT(refused({{.name = "a", .y = {1, 2}}}, {.log_x = true}), HasSubstr("has no x"));
  EXPECT_EQ(refused({{.name = "a", .y = {1}}, {.name = "a", .y = {2}}}),
            "Report: add_curves: two curves have the name 'a': give each its own");
  EXPECT_EQ(data(report)["sections"], json::array());
}

TEST_F(ReportTest, ConfusionMatrixHasCountsByLabel) {
  ConfusionMatrix matrix({"ham", "spam"});
  matrix.add(std::vector<std::int64_t>{0, 1, 1, 0}, std::vector<std::int64_t>{0, 0, 0, 1});
  Report report("");
  report.add_confusion_matrix("Confusion", matrix);
  EXPECT_EQ(section(report), json::parse(R"({"kind": "confusion", "title": "Confusion",
      "classes": 2, "right": 1, "merged": 0, "names": ["ham", "spam"], "counts": [[1, 2], [1, 0]],
      "mistakes": [{"label": "ham", "predicted": "spam", "count": 2, "of": 3},
                   {"label": "spam", "predicted": "ham", "count": 1, "of": 1}]})"));
}

TEST_F(ReportTest, ManyClassesAreMergedButThoseWithMostMistakes) {
  constexpr std::int64_t classes = 250;
  ConfusionMatrix matrix(classes);
  std::vector<std::int64_t> labels(classes), predictions(classes);
  std::iota(labels.begin(), labels.end(), 0);
  predictions = labels;
  predictions[7] = 249;  // the only mistakes
  predictions[240] = 3;
  matrix.add(predictions, labels);
  Report report("");
  report.add_confusion_matrix("Confusion", matrix);
  const json drawn = section(report);
  const auto names = drawn["names"].get<std::vector<std::string>>();
  ASSERT_EQ(names.size(), 101U);
  for (const char* name : {"3", "7", "240", "249"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1);
  EXPECT_EQ(names.back(), "150 others");
  EXPECT_EQ(drawn["merged"], 150);
  EXPECT_EQ(drawn["right"], 248);
  std::int64_t total = 0;
  for (const json& row : drawn["counts"])
    total += std::accumulate(
        row.begin(), row.end(), std::int64_t{0},
        [](std::int64_t sum, const json& count) { return sum + count.get<std::int64_t>(); });
  EXPECT_EQ(total, 250);
  EXPECT_EQ(drawn["counts"][100][100], 150);
}

TEST_F(ReportTest, TheMostFrequentMistakesAreOfAllClasses) {
  constexpr std::int64_t classes = 200;
  ConfusionMatrix matrix(classes);
  std::vector<std::int64_t> labels, predictions;
  const auto mistake = [&](std::int64_t label, std::int64_t predicted, std::size_t times) {
    labels.insert(labels.end(), times, label);
    predictions.insert(predictions.end(), times, predicted);
  };
  for (std::int64_t i = 0; i < classes; ++i) mistake(i, (i + 1) % classes, i < 100 ? 4 : 2);
  mistake(150, 160, 3);  // of classes that are not shown
  mistake(3, 2, 9);
  matrix.add(predictions, labels);
  Report report("");
  report.add_confusion_matrix("Confusion", matrix);
  const json mistakes = section(report)["mistakes"];
  ASSERT_EQ(mistakes.size(), 8U);
  EXPECT_EQ(mistakes[0], json::parse(R"({"label": "3", "predicted": "2", "count": 9, "of": 13})"));
  EXPECT_EQ(mistakes[1], json::parse(R"({"label": "0", "predicted": "1", "count": 4, "of": 4})"));
  for (const json& each : mistakes)
    EXPECT_EQ(each["label"].get<std::string>().find("others"), std::string::npos);
}

TEST_F(ReportTest, ScoresAreATable) {
  ClassificationScores scores({"ham", "spam"});
  scores.add(std::vector<std::int64_t>{0, 1, 1, 1}, std::vector<std::int64_t>{0, 0, 1, 1});
  Report report("");
  report.add_scores("Scores", scores);
  const json table = section(report);
  EXPECT_EQ(table["kind"], "table");
  EXPECT_EQ(table["columns"], json({"class", "precision", "recall", "F1", "support"}));
  ASSERT_EQ(table["rows"].size(), 5U);
  EXPECT_EQ(table["rows"][0], json({"ham", "1.0000", "0.5000", "0.6667", "2"}));
  EXPECT_EQ(table["rows"][2][0], "micro mean");
  EXPECT_THROW(report.add_scores("", ClassificationScores(2)), ValueError);
}

TEST_F(ReportTest, ValuesHaveAsManyDigitsAsSayAnything) {
  Report report("");
  report.add_values("", {{"a", 0.836697}, {"b", 123.456}, {"c", -1234.56}, {"d", 1e-9}});
  std::vector<std::string> texts;
  const json values = section(report)["values"];
  for (const json& each : values) texts.push_back(each["value"]);
  EXPECT_THAT(texts, ElementsAre("0.8367", "123.5", "-1234.56", "1e-09"));
}

TEST_F(ReportTest, CurvesSayWhatALogScaleCannotShow) {
  Report report("");
  report.add_curves("", {{.name = "f", .y = {1, 0, -2, nan_value, -inf}}}, {.smoothing = 0.1});
  EXPECT_EQ(section(report)["curves"][0]["not_positive"], 2);
  EXPECT_EQ(section(report)["curves"][0]["gaps"], 2);
  EXPECT_EQ(section(report)["smoothing"], 0.1);
  EXPECT_EQ(message_of<ValueError>([&] { report.add_curves("", {}, {.smoothing = 0.2}); }),
            "Report: add_curves: smoothing is 0.2: it must be in [0, 0.1]");
  EXPECT_THROW(report.add_curves("", {}, {.smoothing = nan_value}), ValueError);
}

TEST_F(ReportTest, TheSurestMistakesComeFirst) {
  Report report("");
  report.add_examples("Examples", {{"right", "a", "a", 1},
                                   {"unsure", "a", "b", 0.25},
                                   {"unknown", "a", "b"},
                                   {"sure", "a", "b", 0.75},
                                   {"sure too", "b", "a", 0.75}});
  const json drawn = section(report);
  EXPECT_EQ(drawn["count"], 5);
  EXPECT_EQ(drawn["wrong"], 4);
  std::vector<std::string> order;
  for (const json& row : drawn["rows"]) order.push_back(row["text"]);
  EXPECT_THAT(order, ElementsAre("sure", "sure too", "unsure", "unknown", "right"));
  EXPECT_EQ(drawn["rows"][0]["score"], 0.75);
  EXPECT_TRUE(drawn["rows"][3]["score"].is_null());
}

TEST_F(ReportTest, ExamplesAreCut) {
  std::string text;
  for (int i = 0; i < 1001; ++i) text += "\xc3\xa9";
  Report report("");
  report.add_examples("Examples",
                      {{text, "a", "b"}, {text.substr(0, 2000), "a", "b"}, {"third", "a", "b"}},
                      {.max_rows = 2});
  const json rows = section(report)["rows"];
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["text"], text.substr(0, 2000) + "\xe2\x80\xa6");
  EXPECT_EQ(rows[1]["text"], text.substr(0, 2000));
  EXPECT_EQ(section(report)["count"], 3);
  EXPECT_EQ(message_of<ValueError>([&] { report.add_examples("", {}, {.max_rows = -1}); }),
            "Report: add_examples: max_rows is -1: it must be 0 or more");
}

// Rows whose deviations are 2 a and 1 b, for orthonormal a and b, around a mean.
TEST(Pca, FindsTheAxesOfKnownData) {
  const Tensor rows = tensor({{10 + 6.0, 20 + 8.0, 5.0},
                              {10 - 6.0, 20 - 8.0, 5.0},  // 10 a
                              {10 - 4.0, 20 + 3.0, 5.0},
                              {10 + 4.0, 20 - 3.0, 5.0}});  // 5 b
  for (const DType dtype : {DType::float32, DType::float64}) {
    const detail::Plane plane = detail::pca(rows.to(dtype));
    const std::vector<double> x = {10, -10, 0, 0}, y = {0, 0, -5, 5};  // b's first is its largest
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(plane.x[i], x[i], 1e-12);
      EXPECT_NEAR(plane.y[i], y[i], 1e-12);
    }
    EXPECT_NEAR(plane.explained[0], 0.8, 1e-12);
    EXPECT_NEAR(plane.explained[1], 0.2, 1e-12);
  }
}

TEST(Pca, AgreesForFewRowsAndMany) {
  Generator generator(1);
  const Tensor few = randn({20, 30}, generator);
  std::vector<double> values;
  for (int times = 0; times < 3; ++times)
    values.insert(values.end(), few.span<float>().begin(), few.span<float>().end());
  const detail::Plane a = detail::pca(few);
  const detail::Plane b = detail::pca(tensor(values, {60, 30}));  // the same three times
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_NEAR(a.x[i % 20], b.x[i], 1e-10);
    EXPECT_NEAR(a.y[i % 20], b.y[i], 1e-10);
  }
  EXPECT_NEAR(a.explained[0], b.explained[0], 1e-12);
  EXPECT_NEAR(a.explained[1], b.explained[1], 1e-12);
}

TEST(Pca, HasNoVarianceInConstantRows) {
  for (const Tensor& rows :
       {full({5, 3}, 0.1), ones({1, 4}), zeros({3, 2}), zeros({0, 3}), zeros({3, 0})}) {
    const detail::Plane plane = detail::pca(rows);
    EXPECT_EQ(plane.x, std::vector<double>(static_cast<std::size_t>(rows.size(0)), 0.0))
        << rows.shape().str();
    EXPECT_EQ(plane.y, plane.x);
    EXPECT_THAT(plane.explained, ElementsAre(0, 0));
  }
}

TEST(Pca, ASingleColumnIsTheFirstComponent) {
  const detail::Plane plane = detail::pca(tensor({1.0, 2.0, 6.0}, {3, 1}));
  EXPECT_THAT(plane.x,
              ElementsAre(testing::DoubleEq(-2), testing::DoubleEq(-1), testing::DoubleEq(3)));
  EXPECT_THAT(plane.y, ElementsAre(0, 0, 0));
  EXPECT_THAT(plane.explained, ElementsAre(testing::DoubleEq(1), 0));
}

TEST(Pca, KeepsAnyScale) {
  for (const double scale : {1e-300, 1e300}) {
    const detail::Plane plane = detail::pca(tensor({scale, 0.0, -scale, 0.0, 0.0, 0.0}, {3, 2}));
    EXPECT_NEAR(plane.x[0] / scale, 1, 1e-12);
    EXPECT_NEAR(plane.x[1] / scale, -1, 1e-12);
    EXPECT_NEAR(plane.explained[0], 1, 1e-12);
  }
}

TEST_F(ReportTest, EmbeddingsAreAMap) {
  Report report("");
  const Tensor rows = tensor({{2.0, 0.0}, {-2.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}});
  report.add_embeddings("Words", rows, {"one", "two", "three", "four"},
                        {.groups = {"n", "m", "n", "o"}, .max_points = 3});
  const json map = section(report);
  EXPECT_EQ(map["count"], 4);
  EXPECT_EQ(map["dimensions"], 2);
  EXPECT_EQ(map["labels"], json({"one", "two", "three"}));
  EXPECT_EQ(map["x"], json({2, -2, 0}));
  EXPECT_EQ(map["y"], json({0, 0, 1}));
  EXPECT_EQ(map["groups"], json({"n", "m"}));
  EXPECT_EQ(map["group_of"], json({0, 1, 0}));
  EXPECT_EQ(map["explained"], json({0.8, 0.2}));
}

TEST_F(ReportTest, RefusesEmbeddingsThatAreNoMap) {
  Report report("");
  EXPECT_EQ(message_of<ShapeError>([&] {
              report.add_embeddings("", ones({3}), {"a", "b", "c"});
            }),
            "Report: add_embeddings: rows have shape [3]: it must be [N, D]");
  EXPECT_EQ(
      message_of<ShapeError>([&] {
        report.add_embeddings("", ones({3, 2}), {"a"});
      }),
      "Report: add_embeddings: there are 1 labels for rows of shape [3, 2]: give each row one");
  EXPECT_EQ(
      message_of<ShapeError>([&] {
        report.add_embeddings("", ones({1, 2}), {"a"}, {.groups = {"b", "c"}});
      }),
      "Report: add_embeddings: there are 2 groups for rows of shape [1, 2]: give each row one");
  EXPECT_EQ(message_of<DTypeError>([&] {
              report.add_embeddings("", tensor({{1, 2}}), {"a"});
            }),
            "Report: add_embeddings: rows are int64: they must be float32 or float64");
  EXPECT_EQ(message_of<ValueError>([&] {
              report.add_embeddings("", tensor({{1.0, 2.0}, {3.0, inf}}), {"a", "b"});
            }),
            "Report: add_embeddings: the value at [1, 1] of rows of shape [2, 2] is inf: leave "
            "such rows out");
  EXPECT_THAT(message_of<Error>([&] { report.add_embeddings("", Tensor(), {}); }),
              HasSubstr("Report: add_embeddings"));
  EXPECT_EQ(data(report)["sections"], json::array());
}

TEST_F(ReportTest, TakesATableThatIsTrained) {
  const Tensor table = randn({4, 3});
  table.set_trainable(true);
  Report report("");
  report.add_embeddings("Words", table, {"a", "b", "c", "d"});
  EXPECT_EQ(section(report)["labels"].size(), 4U);
}

TEST_F(ReportTest, TakesEmptyInput) {
  Report report("");
  report.add_text("", "");
  report.add_values("", {});
  report.add_table("", {});
  report.add_curves("", {});
  report.add_curves("", {{.y = {}}}, {.log_x = true});
  report.add_confusion_matrix("", ConfusionMatrix(1));
  report.add_examples("", {});
  report.add_embeddings("", zeros({0, 3}), {});
  EXPECT_EQ(data(report)["sections"].size(), 8U);
  EXPECT_EQ(message_of<ShapeError>([&] {
              report.add_table("", {{"a", "b"}, {"c"}});
            }),
            "Report: add_table: row 1 has 1 texts, and row 0 has 2: give each row as many");
  EXPECT_EQ(
      message_of<ShapeError>([&] {
        report.add_table("", {{"a"}}, {"x", "y"});
      }),
      "Report: add_table: row 0 has 1 texts, and there are columns for 2: give each row as many");
}

TEST_F(ReportTest, IsReplacedAsAWhole) {
  Report report("first");
  report.save(file("report.html"));
  report.add_text("more", "");
  report.save(file("report.html"));
  EXPECT_EQ(section(report)["title"], "more");
  EXPECT_THAT(names(), ElementsAre("report.html"));
  EXPECT_THAT(message_of<Error>([&] { report.save(file("missing") / "report.html"); }),
              HasSubstr("Report: "));
  EXPECT_THAT(message_of<Error>([&] { report.save(folder()); }), HasSubstr("Report: "));
}

TEST_F(ReportTest, WritesPointsInEveryLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  bool comma = false;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"}) {
    comma = comma || std::setlocale(LC_ALL, name) != nullptr;
  }
  Report report("");
  report.add_curves("", {{.y = {0.1, 1234567.5}}});
  report.add_values("", {{"x", 1234.5}});
  std::setlocale(LC_ALL, before.c_str());
  EXPECT_EQ(section(report)["curves"][0]["y"], json({0.1, 1234567.5}));
  EXPECT_EQ(data(report)["sections"][1]["values"][0]["value"], "1234.5");
  if (!comma) GTEST_SKIP() << "there is no locale with another decimal point";
}

class ReadCurvesTest : public FolderTest {};

TEST_F(ReadCurvesTest, ReadsWhatALoggerWrote) {
  for (const std::string name : {"run.jsonl", "run.csv"}) {
    MetricsLogger log(file(name));
    log.write(1, {{"loss", 0.1}, {"a, \"b\"", 3}});
    log.write(2, {{"loss", nan_value}});
    log.write(2, {{"f1", -inf}});
    log.write(7, {{"loss", inf}, {"f1", 1e-300}});
    const std::vector<Curve> curves = read_curves(file(name));
    ASSERT_EQ(curves.size(), 3U) << name;
    EXPECT_EQ(curves[0].name, "loss");
    EXPECT_THAT(curves[0].x, ElementsAre(1, 2, 7));
    EXPECT_EQ(curves[0].y[0], 0.1);
    EXPECT_TRUE(std::isnan(curves[0].y[1]));
    EXPECT_EQ(curves[0].y[2], inf);
    EXPECT_EQ(curves[1].name, "a, \"b\"");
    EXPECT_THAT(curves[1].y, ElementsAre(3));
    EXPECT_EQ(curves[2].name, "f1");
    EXPECT_THAT(curves[2].x, ElementsAre(2, 7));
    EXPECT_THAT(curves[2].y, ElementsAre(-inf, 1e-300));
  }
}

TEST_F(ReadCurvesTest, ChoosesByName) {
  MetricsLogger log(file("run.csv"));
  log.write(1, {{"loss", 0.1}, {"lr", 3}, {"f1", 2}});
  const std::vector<Curve> curves = read_curves(file("run.csv"), {"f1", "loss"});
  ASSERT_EQ(curves.size(), 2U);
  EXPECT_EQ(curves[0].name, "f1");
  EXPECT_EQ(curves[1].name, "loss");
  EXPECT_THAT(message_of<IndexError>([&] {
                read_curves(file("run.csv"), {"f1", "acc"});
              }),
              HasSubstr("run.csv' has no metric 'acc': it has loss, lr, f1"));
}

TEST_F(ReadCurvesTest, LeavesOutALastLineThatIsIncomplete) {
  write_text(file("run.jsonl"), "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"lo");
  write_text(file("run.csv"), "step,loss\n1,2\n2,1");
  for (const char* name : {"run.jsonl", "run.csv"}) {
    const std::vector<Curve> curves = read_curves(file(name));
    ASSERT_EQ(curves.size(), 1U);
    EXPECT_THAT(curves[0].y, ElementsAre(2));
  }
  write_text(file("empty.csv"), "");
  EXPECT_THAT(read_curves(file("empty.csv")), IsEmpty());
}

TEST_F(ReadCurvesTest, RefusesOtherFiles) {
  const auto refused = [&](const char* name, const std::string& text) {
    write_text(file(name), text);
    return message_of<FormatError>([&] { read_curves(file(name)); });
  };
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 1}\n[1]\n"),
              HasSubstr("a.jsonl', line 2: '[1]' is not a record"));
  EXPECT_THAT(refused("a.jsonl", "{\"loss\": 1}\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 1.5}\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 1, \"loss\": \"low\"}\n"),
              HasSubstr("line 1: the value of 'loss' in"));
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 2}\n{\"step\": 1}\n"),
              HasSubstr("line 2: step 1 comes after 2"));
  EXPECT_THAT(refused("a.csv", "epoch,loss\n1,2\n"),
              HasSubstr("line 1: 'epoch,loss' is not a header"));
  EXPECT_THAT(refused("a.csv", "step,loss\n1,2,3\n"), HasSubstr("line 2: '1,2,3' is not a record"));
  EXPECT_THAT(refused("a.csv", "step,loss\n1,low\n"),
              HasSubstr("line 2: the value of 'loss' in '1,low' is not a number"));
  EXPECT_THAT(refused("a.csv", "step,loss\nx,1\n"), HasSubstr("is not a record"));
  EXPECT_THAT(message_of<ValueError>([&] { read_curves(file("run.txt")); }),
              HasSubstr("must end in .jsonl or .csv"));
  EXPECT_THAT(message_of<Error>([&] { read_curves(file("none.csv")); }),
              HasSubstr("read_curves: cannot read"));
}

}  // namespace
}  // namespace gradus
