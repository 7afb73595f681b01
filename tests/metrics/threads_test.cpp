// Each thread has metrics of its own, which are merged at the end.
#include <gradus/framework/metrics/accuracy.h>
#include <gradus/framework/metrics/bleu.h>
#include <gradus/framework/metrics/chrf.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/metrics/span_f1.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

struct Metrics {
  Accuracy accuracy;
  ClassificationScores scores{5};
  SpanF1 spans;
  Bleu bleu{{.tokenizer = BleuTokenizer::international, .lowercase = true}};
  Bleu western;
  Chrf chrf{{.word_order = 2}};

  void add(std::int64_t i) {
    Generator generator(static_cast<std::uint64_t>(i));
    const Tensor logits = randn({4, 5}, generator), labels = randint(5, {4}, generator);
    accuracy.add(logits, labels);
    scores.add(logits, labels);
    const std::vector<std::string> found = {"B-X", i % 3 == 0 ? "I-X" : "O"}, wanted = {"B-X", "O"};
    spans.add(found, wanted);
    const std::string text = "Sentence " + std::to_string(i) + ", with some «words».";
    bleu.add(text, "sentence 7, with some words.");
    western.add(text, "Sentence 7, with some words.");
    chrf.add(text, "sentence 7, with some words.");
  }
  void merge(const Metrics& other) {
    accuracy.merge(other.accuracy);
    scores.merge(other.scores);
    spans.merge(other.spans);
    bleu.merge(other.bleu);
    western.merge(other.western);
    chrf.merge(other.chrf);
  }
};

TEST(MetricsOfThreads, MergeToThoseOfOneThread) {
  constexpr std::int64_t n = 40, threads = 4;
  Metrics all;
  std::vector<Metrics> each(threads);
  std::vector<std::thread> workers;
  for (std::int64_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      for (std::int64_t i = t; i < n; i += threads) each[static_cast<std::size_t>(t)].add(i);
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (std::int64_t i = 0; i < n; ++i) all.add(i);
  Metrics merged;
  for (const Metrics& metrics : each) merged.merge(metrics);
  EXPECT_EQ(merged.accuracy.result(), all.accuracy.result());
  EXPECT_EQ(merged.scores.result().macro.f1, all.scores.result().macro.f1);
  EXPECT_EQ(merged.spans.result().all.f1, all.spans.result().all.f1);
  EXPECT_EQ(merged.bleu.result().str(), all.bleu.result().str());
  EXPECT_EQ(merged.western.result().str(), all.western.result().str());
  EXPECT_EQ(merged.chrf.result(), all.chrf.result());
}

}  // namespace
}  // namespace gradus
