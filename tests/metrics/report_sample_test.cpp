#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/metrics/report.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

// The pages that report_check.py opens in a browser, in the folder that GRADUS_REPORT names.
namespace gradus {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

class ReportSample : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("GRADUS_REPORT");
    if (folder == nullptr) GTEST_SKIP() << "run by tests/metrics/report_check.py";
    folder_ = std::string(folder) + "/";
  }
  double noise() { return randn({1}, DType::float64, generator_).item(); }
  std::int64_t below(std::int64_t n) { return generator_.below(n); }

  std::string folder_;
  Generator generator_{1};
};

struct Words {
  std::string group;
  std::vector<std::string> words;
};

TEST_F(ReportSample, OfAClassifier) {
  Report report("Question classifier");
  report.add_values("Test", {{"accuracy", 0.908},
                             {"macro F1", 0.8931},
                             {"loss", 0.3127},
                             {"words per second", 1843000},
                             {"parameters", 2000606},
                             {"seconds", 4.2}});
  report.add_table("Options", {{"model", "mean of word and character n-grams, hashed"},
                               {"dimensions", "100"},
                               {"buckets", "2,000,000"},
                               {"optimizer", "SGD, learning rate 0.5, linear decay"},
                               {"epochs", "12"},
                               {"seed", "1"}});

  Curve train{.name = "train"}, valid{.name = "valid"}, accuracy{.name = "accuracy"},
      f1{.name = "macro F1"};
  for (int step = 0; step < 6000; ++step) {
    train.x.push_back(step);
    const double loss = 0.06 + 1.75 * std::exp(-step / 900.0);
    train.y.push_back(loss * std::exp(0.22 * noise()));
    if (step % 250 != 0) continue;
    for (Curve* curve : {&valid, &accuracy, &f1}) curve->x.push_back(step);
    valid.y.push_back(0.31 + 1.45 * std::exp(-step / 800.0) + step * 6e-6 + 0.012 * noise());
    accuracy.y.push_back(0.91 - 0.7 * std::exp(-step / 700.0) + 0.005 * noise());
    f1.y.push_back(0.89 - 0.75 * std::exp(-step / 800.0) + 0.006 * noise());
  }
  report.add_curves("Loss", {train, valid});
  report.add_curves("Validation", {accuracy, f1});

  const std::vector<std::string> names = {"ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"};
  const std::vector<std::vector<std::int64_t>> counts = {{7, 2, 0, 0, 0, 0},  {0, 134, 3, 0, 1, 0},
                                                         {0, 9, 76, 4, 4, 1}, {0, 1, 3, 60, 1, 0},
                                                         {0, 2, 4, 1, 73, 1}, {1, 3, 3, 1, 1, 104}};
  ConfusionMatrix matrix(names);
  std::vector<std::int64_t> labels, predictions;
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t k = 0; k < 6; ++k) {
      labels.insert(labels.end(), static_cast<std::size_t>(counts[i][k]),
                    static_cast<std::int64_t>(i));
      predictions.insert(predictions.end(), static_cast<std::size_t>(counts[i][k]),
                         static_cast<std::int64_t>(k));
    }
  }
  matrix.add(predictions, labels);
  report.add_confusion_matrix("Confusion matrix", matrix);

  report.add_examples(
      "Examples", {{"What is the capital of Yugoslavia ?", "LOC", "LOC", 0.998},
                   {"What does the technical term ISDN mean ?", "ABBR", "DESC", 0.981},
                   {"What is a fear of shadows ?", "ENTY", "DESC", 0.967},
                   {"Which came first , the chicken or the egg ?", "ENTY", "NUM", 0.412},
                   {"Who was Galileo ?", "HUM", "HUM", 0.994},
                   {"What is the temperature at the center of the earth ?", "NUM", "DESC", 0.744},
                   {"What river flows between Fargo , North Dakota and Moorhead , Minnesota ?",
                    "LOC", "ENTY", 0.563},
                   {"Where do the adventures of `` The Swiss Family Robinson '' take place ?",
                    "LOC", "ENTY", 0.718},
                   {"What is the sales tax rate in New York ?", "NUM", "LOC", 0.522},
                   {"What person 's head is on a dime ?", "HUM", "ENTY", 0.831},
                   {"What do you call a newborn kangaroo ?", "ENTY", "HUM", 0.388},
                   {"What is the life expectancy for crickets ?", "NUM", "DESC", 0.902},
                   {"How did Socrates die ?", "DESC", "DESC", 0.934}});

  const std::vector<Words> groups = {{"numbers",
                                      {"one", "two", "three", "four", "five", "six", "seven",
                                       "eight", "nine", "ten", "hundred", "thousand"}},
                                     {"places",
                                      {"London", "Paris", "river", "city", "country", "mountain",
                                       "island", "Texas", "ocean", "capital", "China", "street"}},
                                     {"people",
                                      {"king", "queen", "president", "actor", "author", "woman",
                                       "man", "child", "inventor", "singer", "wife", "emperor"}},
                                     {"animals",
                                      {"cat", "dog", "horse", "bird", "whale", "spider", "kangaroo",
                                       "fish", "snake", "bee", "wolf", "mouse"}},
                                     {"time",
                                      {"year", "day", "month", "century", "hour", "when", "date",
                                       "week", "minute", "born", "age", "decade"}},
                                     {"questions",
                                      {"what", "who", "where", "how", "why", "which", "does", "did",
                                       "is", "many", "mean", "stand"}}};
  const Tensor centres = randn({6, 50}, 0, 1, DType::float64, generator_);
  std::vector<double> values;
  std::vector<std::string> words, group_of;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::string& word : groups[g].words) {
      for (std::size_t k = 0; k < 50; ++k)
        values.push_back(centres.data<double>()[g * 50 + k] + 0.75 * noise());
      words.push_back(word);
      group_of.push_back(groups[g].group);
    }
  }
  report.add_embeddings("Words", tensor(values, {static_cast<std::int64_t>(words.size()), 50}),
                        words, {.groups = group_of});
  report.save(folder_ + "classifier.html");
}

// What is large, empty, broken or hostile.
TEST_F(ReportSample, OfAwkwardInput) {
  const std::string hostile = "</script><img src=x onerror=alert(1)><!-- & \"quoted\" 'so' \\";
  Report report("A long title that is wider than a phone, with " + hostile);
  report.add_text("Text", "First line\n  indented\n\n" + hostile +
                              "\n\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xff " + std::string(300, 'x'));
  report.add_values("Values", {{"a name that is rather long for its tile", -1.5e-12},
                               {"count", std::int64_t{1} << 62},
                               {"nothing", nan_value}});
  report.add_table("Classes",
                   {{"description, abstract and concept", "0.91", "138"}, {hostile, "0.5", "9"}},
                   {"class", "F1", "count"});
  std::string long_text = "lr";
  for (int i = 0; i < 60; ++i) long_text += ", a step of the schedule";
  report.add_table("A long first column", {{long_text, "what it does, in a few words"}});
  report.add_text("", "");
  report.add_table("Empty table", {});
  report.add_curves("No curves", {});
  report.add_curves("Nothing finite", {{.name = "loss", .y = {nan_value, nan_value}}});
  report.add_curves("One point", {{.name = "loss", .x = {5}, .y = {0.25}}});
  report.add_curves("A constant, below 0", {{.name = "loss", .y = {-3, -3, -3}}});
  report.add_curves(
      "Gaps and points alone",
      {{.name = "loss", .y = {3, nan_value, 2, nan_value, 1.5, 1.25, nan_value, 1, 0, -1}},
       {.name = hostile, .x = {2, 2, 2, 7}, .y = {1, 2, 3, 2}}},
      {.log_y = true});
  report.add_curves("As large as a double", {{.name = "loss", .y = {-1.7e308, 1.7e308, 1e-308}},
                                             {.name = "steps", .x = {0, 9e15}, .y = {1, 2}}});
  Curve rate{.name = "loss"};
  for (int i = 0; i < 200; ++i) {
    rate.x.push_back(std::pow(10.0, -7 + i * 0.04));
    rate.y.push_back(2.3 - 1.4 / (1 + std::exp(-(i - 110) / 9.0)) + std::exp((i - 185) / 6.0));
  }
  report.add_curves("Learning rates", {rate}, {.x_name = "learning rate", .log_x = true});
  std::vector<Curve> many;
  for (int c = 0; c < 20; ++c) {
    many.push_back({.name = "layer " + std::to_string(c)});
    for (int i = 0; i < 60; ++i)
      many.back().y.push_back(1e-6 * (c + 1) * (1 + 0.1 * noise()) * (60 + i));
  }
  report.add_curves("Gradients", many);
  Curve large{.name = "loss"};
  for (int i = 0; i < 200000; ++i)
    large.y.push_back(2 + std::exp(-i / 2e4) * 3 + 0.3 * noise() + (i == 123456 ? 30 : 0));
  report.add_curves("Many points", {large});

  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) {
    const std::vector<std::string> kinds = {"sport",  "politics", "science and nature",
                                            "travel", "food",     "music"};
    names.push_back(kinds[static_cast<std::size_t>(i) % 6] + " " + std::to_string(i));
  }
  for (const std::int64_t classes : {60, 20, 2, 300}) {
    if (classes < 60) names.resize(static_cast<std::size_t>(classes));
    ConfusionMatrix matrix = classes > 60 ? ConfusionMatrix(classes) : ConfusionMatrix(names);
    std::vector<std::int64_t> labels, predictions;
    for (int i = 0; i < 9000; ++i) {
      labels.push_back(classes > 2 ? below(classes - 1)
                                   : below(2));  // the last class has no samples
      predictions.push_back(below(4) != 0   ? labels.back()
                            : below(3) == 0 ? below(classes)
                                            : (labels.back() * 7 + 3) % classes);
    }
    matrix.add(predictions, labels);
    report.add_confusion_matrix(std::to_string(classes) + " classes", matrix);
  }
  report.add_confusion_matrix("No predictions",
                              ConfusionMatrix(std::vector<std::string>{"ham", hostile}));

  std::vector<ReportExample> examples;
  for (int i = 0; i < 700; ++i)
    examples.push_back(
        {"text " + std::to_string(i) + " " + (i % 50 == 0 ? std::string(1500, 'y') : hostile),
         "class a", hostile, noise()});
  report.add_examples("Examples", examples);
  report.add_examples("Without scores",
                      {{"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "a", "b"}, {"", "", ""}});
  report.add_examples("No examples", {});
  report.add_examples("None shown", {{"a", "b", "c"}}, {.max_rows = 0});

  std::vector<std::string> labels, groups;
  for (int i = 0; i < 5000; ++i) {
    labels.push_back("word" + std::to_string(i) + (i % 100 == 0 ? hostile : ""));
    groups.push_back("group " + std::to_string(i % 40));
  }
  report.add_embeddings("Many points on a map", randn({5000, 20}, generator_), labels,
                        {.groups = groups});
  report.add_embeddings("One row", ones({1, 3}), {"alone"});
  report.add_embeddings("One column", tensor({1.0, 2.0, 4.0}, {3, 1}), {"a", "b", "c"});
  report.add_embeddings("None drawn", ones({1, 3}), {"alone"}, {.max_points = 0});
  report.add_embeddings("No rows", ones({0, 3}), {});
  report.save(folder_ + "awkward.html");
  Report("").save(folder_ + "empty.html");
}

}  // namespace
}  // namespace gradus
