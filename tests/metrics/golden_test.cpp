// Metrics against what scikit-learn, seqscore, seqeval, sacrebleu, rouge_score, jiwer and scipy
// computed: tests/golden/metrics_golden.py.
#include <gradus/framework/metrics/accuracy.h>
#include <gradus/framework/metrics/bleu.h>
#include <gradus/framework/metrics/chrf.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/error_rate.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/metrics/ranking.h>
#include <gradus/framework/metrics/rouge.h>
#include <gradus/framework/metrics/span_f1.h>
#include <gradus/framework/metrics/spearman.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradus {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

const json& golden(const char* family) {
  static const json all = [] {
    std::ifstream file("tests/golden/metrics.json");
    return json::parse(file);
  }();
  return all.at(family);
}

/// Calls f(case) for the cases of a family, in a trace that shows each, and records how many there
/// were.
template <class F>
void for_each_case(const char* family, F f) {
  const json& cases = golden(family);
  ASSERT_FALSE(cases.empty());
  for (const json& item : cases) {
    SCOPED_TRACE(item.dump().substr(0, 500));
    f(item);
  }
  testing::Test::RecordProperty("cases", static_cast<int>(cases.size()));
}

double number(const json& value) { return value.is_null() ? not_a_number : value.get<double>(); }

/// Up to 1e-12, relative above 1; NaN, which is null in the file, equals NaN.
void expect_near(double actual, const json& expected) {
  const double wanted = number(expected);
  if (std::isnan(wanted)) {
    EXPECT_TRUE(std::isnan(actual)) << actual;
  } else {
    EXPECT_NEAR(actual, wanted, 1e-12 * std::max(1.0, std::abs(wanted)));
  }
}

void expect_near(const PrecisionRecall& actual, const json& expected) {
  expect_near(actual.precision, expected[0]);
  expect_near(actual.recall, expected[1]);
  expect_near(actual.f1, expected[2]);
}

void expect_near(const ClassScore& actual, const json& expected) {
  expect_near(static_cast<const PrecisionRecall&>(actual), expected);
  EXPECT_EQ(actual.support, expected[3].get<std::int64_t>());
}

void expect_near(const ClassificationResult& actual, const json& expected) {
  ASSERT_EQ(actual.classes.size(), expected.at("classes").size());
  for (std::size_t i = 0; i < actual.classes.size(); ++i) {
    expect_near(actual.classes[i], expected.at("classes")[i]);
  }
  expect_near(static_cast<const PrecisionRecall&>(actual.micro), expected.at("micro"));
  expect_near(static_cast<const PrecisionRecall&>(actual.macro), expected.at("macro"));
  expect_near(static_cast<const PrecisionRecall&>(actual.weighted), expected.at("weighted"));
}

TEST(MetricsGolden, Classification) {
  for_each_case("classification", [](const json& item) {
    const auto predicted = item.at("predicted").get<Ids>(), labels = item.at("labels").get<Ids>();
    const auto classes = static_cast<std::int64_t>(item.at("classes").size());
    ClassificationScores scores(classes, {.zero_division = number(item.at("zero_division"))});
    scores.add(predicted, labels);
    expect_near(scores.result(), item);

    Accuracy accuracy;
    accuracy.add(tensor(predicted), tensor(labels));
    expect_near(accuracy.result(), item.at("accuracy"));
    ConfusionMatrix confusion(classes);
    confusion.add(tensor(predicted), tensor(labels));
    EXPECT_TRUE(has_values(confusion.result(), {classes, classes},
                           values_of(tensor(item.at("confusion").get<std::vector<Ids>>()))));
  });
}

TEST(MetricsGolden, Flags) {
  for_each_case("flags", [](const json& item) {
    ClassificationScores scores(4, {.zero_division = number(item.at("zero_division"))});
    using Flags = std::vector<std::vector<bool>>;
    scores.add(tensor(item.at("predicted").get<Flags>()), tensor(item.at("labels").get<Flags>()));
    expect_near(scores.result(), item);
  });
}

TEST(MetricsGolden, Scores) {
  for_each_case("scores", [](const json& item) {
    const Tensor scores = tensor(item.at("scores").get<std::vector<std::vector<float>>>());
    const Tensor labels = tensor(item.at("labels").get<Ids>());
    Accuracy accuracy;
    accuracy.add(scores, labels);
    expect_near(accuracy.result(), item.at("top_k")[0]);
    for (std::size_t i = 0; i < item.at("top_k").size(); ++i) {
      const auto k = static_cast<std::int64_t>(i + 1);
      TopKAccuracy top(k);
      top.add(scores, labels);
      expect_near(top.result(), item.at("top_k")[i]);
      RecallAtK recall(k);
      recall.add(scores, labels);
      expect_near(recall.result(), item.at("top_k")[i]);
    }
    MeanReciprocalRank rank;
    rank.add(scores, labels);
    expect_near(rank.result(), item.at("reciprocal_rank"));
    Perplexity perplexity;
    perplexity.add(scores, labels);
    expect_near(perplexity.result(), item.at("perplexity"));
    BitsPerCharacter bits;
    bits.add(perplexity.nll(), perplexity.count());
    expect_near(bits.result(), item.at("bits"));
  });
}

TagScheme scheme_of(const std::string& name) {
  if (name == "IOB1") return TagScheme::iob1;
  if (name == "IOB2") return TagScheme::iob2;
  if (name == "IOE1") return TagScheme::ioe1;
  return name == "IOE2" ? TagScheme::ioe2 : TagScheme::iobes;
}

SpanResult spans_of(const json& item, InvalidTags invalid) {
  SpanF1 spans({.scheme = scheme_of(item.at("scheme")), .invalid = invalid});
  const auto predicted = item.at("predicted").get<std::vector<Texts>>();
  const auto labels = item.at("labels").get<std::vector<Texts>>();
  for (std::size_t i = 0; i < labels.size(); ++i) spans.add(predicted[i], labels[i]);
  return spans.result();
}

void expect_near(const SpanResult& actual, const json& expected) {
  expect_near(actual.all, expected.at("all"));
  ASSERT_EQ(actual.types.size(), expected.at("types").size());
  for (const auto& [type, score] : actual.types) expect_near(score, expected.at("types").at(type));
}

TEST(MetricsGolden, Spans) {
  int discarded = 0, refused = 0, accepted = 0;
  for_each_case("spans", [&](const json& item) {
    expect_near(spans_of(item, InvalidTags::repair), item.at("repair"));
    if (item.contains("discard")) {
      expect_near(spans_of(item, InvalidTags::discard), item.at("discard"));
      ++discarded;
    }
    if (item.contains("valid") && item.at("valid").get<bool>()) {
      const SpanResult result = spans_of(item, InvalidTags::refuse);
      expect_near(result, item.at("repair"));
      expect_near(result.accuracy, item.at("accuracy"));
      ++accepted;
    } else if (item.contains("valid")) {
      EXPECT_THROW(spans_of(item, InvalidTags::refuse), FormatError);
      ++refused;
    }
  });
  EXPECT_GE(discarded, 20);
  EXPECT_GE(accepted, 5);
  EXPECT_GE(refused, 10);
}

/// Adds the texts of a corpus to a metric: all to it, or half to another one which it merges.
template <class Metric>
void add_corpus(Metric& metric, Metric other, const json& name) {
  const json& corpus = golden("corpora").at(name.get<std::string>());
  const auto hypotheses = corpus.at("hypotheses").get<Texts>();
  const auto references = corpus.at("references").get<std::vector<Texts>>();
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    (i % 2 == 0 ? metric : other).add(hypotheses[i], references[i]);
  }
  metric.merge(other);
}

BleuOptions bleu_options(const json& item) {
  BleuOptions options;
  const std::string tokenizer = item.at("tokenize"), smoothing = item.at("smooth_method");
  if (tokenizer == "intl") options.tokenizer = BleuTokenizer::international;
  if (tokenizer == "char") options.tokenizer = BleuTokenizer::characters;
  if (tokenizer == "none") options.tokenizer = BleuTokenizer::none;
  if (smoothing == "none") options.smoothing = BleuSmoothing::none;
  if (smoothing == "floor") options.smoothing = BleuSmoothing::floor;
  if (smoothing == "add-k") options.smoothing = BleuSmoothing::add_k;
  const json& value = item.at("smooth_value");
  if (!value.is_null()) options.smooth_value = value.get<double>();
  options.lowercase = item.at("lowercase");
  options.effective_order = item.at("effective_order");
  options.max_order = item.at("max_ngram_order");
  return options;
}

TEST(MetricsGolden, Bleu) {
  for_each_case("bleu", [](const json& item) {
    Bleu bleu(bleu_options(item));
    add_corpus(bleu, bleu, item.at("corpus"));
    const BleuResult result = bleu.result();
    expect_near(result.score, item.at("score"));
    expect_near(result.brevity_penalty, item.at("brevity_penalty"));
    ASSERT_EQ(result.precisions.size(), item.at("precisions").size());
    for (std::size_t i = 0; i < result.precisions.size(); ++i) {
      expect_near(result.precisions[i], item.at("precisions")[i]);
    }
    EXPECT_EQ(result.hypothesis_length, item.at("lengths")[0].get<std::int64_t>());
    EXPECT_EQ(result.reference_length, item.at("lengths")[1].get<std::int64_t>());
    EXPECT_EQ(result.str(), item.at("str").get<std::string>());
    EXPECT_THAT(bleu.signature(),
                testing::StartsWith(item.at("signature").get<std::string>() + "|version:gradus-"));
  });
}

TEST(MetricsGolden, Chrf) {
  for_each_case("chrf", [](const json& item) {
    Chrf chrf({.char_order = item.at("char_order"),
               .word_order = item.at("word_order"),
               .beta = item.at("beta"),
               .lowercase = item.at("lowercase"),
               .whitespace = item.at("whitespace"),
               .eps_smoothing = item.at("eps_smoothing")});
    add_corpus(chrf, chrf, item.at("corpus"));
    expect_near(chrf.result(), item.at("score"));
    EXPECT_THAT(chrf.signature(),
                testing::StartsWith(item.at("signature").get<std::string>() + "|version:gradus-"));
  });
}

TEST(MetricsGolden, Rouge) {
  for_each_case("rouge", [](const json& item) {
    RougeL rouge;
    if (item.contains("corpus")) {
      add_corpus(rouge, rouge, item.at("corpus"));
    } else {
      rouge.add(item.at("hypothesis").get<std::string>(), item.at("reference").get<std::string>());
    }
    expect_near(rouge.result(), item.at("score"));
  });
}

TEST(MetricsGolden, ErrorRates) {
  for_each_case("error_rate", [](const json& item) {
    WordErrorRate words;
    CharacterErrorRate characters;
    const auto hypotheses = item.at("hypotheses").get<Texts>();
    const auto references = item.at("references").get<Texts>();
    for (std::size_t i = 0; i < hypotheses.size(); ++i) {
      words.add(hypotheses[i], references[i]);
      characters.add(hypotheses[i], references[i]);
    }
    expect_near(words.result(), item.at("word"));
    expect_near(characters.result(), item.at("character"));
  });
}

TEST(MetricsGolden, Spearman) {
  for_each_case("spearman", [](const json& item) {
    Spearman spearman;
    spearman.add(item.at("x").get<std::vector<double>>(), item.at("y").get<std::vector<double>>());
    expect_near(spearman.result(), item.at("result"));
  });
}

}  // namespace
}  // namespace gradus
