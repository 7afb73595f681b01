// A metric that was moved from says so, or is as it was; none crashes or has another result.
#include <gradus/framework/metrics/bleu.h>
#include <gradus/framework/metrics/chrf.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/error_rate.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/metrics/ranking.h>
#include <gradus/framework/metrics/rouge.h>
#include <gradus/framework/metrics/span_f1.h>
#include <gradus/framework/metrics/spearman.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;
using Tags = std::vector<std::string>;

template <class Metric, class Add>
void expect_refusals(const std::string& name, const Metric& empty, Add add) {
  SCOPED_TRACE(name);
  Metric moved = empty, good = empty;
  add(moved);
  add(good);
  const Metric taken = std::move(moved);
  const std::string text = name + ": this object was moved from: use the one that it was moved to";
  EXPECT_ERROR(good.merge(moved), Error, text);
  EXPECT_ERROR(moved.merge(good), Error, text);
  EXPECT_ERROR(moved.result(), Error, text);
  EXPECT_ERROR(add(moved), Error, text);
  good.merge(taken);
  EXPECT_NO_THROW((void)good.result());
  moved = empty;  // usable again
  add(moved);
  EXPECT_NO_THROW((void)moved.result());
}

TEST(MovedMetrics, WithTablesSaySo) {
  expect_refusals("Bleu", Bleu(), [](Bleu& metric) { metric.add("a b", "a b"); });
  expect_refusals("Chrf", Chrf(), [](Chrf& metric) { metric.add("a b", "a b"); });
  expect_refusals("ClassificationScores", ClassificationScores(2),
                  [](ClassificationScores& metric) { metric.add(Ids{0}, Ids{0}); });
  expect_refusals("ConfusionMatrix", ConfusionMatrix(2),
                  [](ConfusionMatrix& metric) { metric.add(Ids{0}, Ids{0}); });
  expect_refusals("SpanF1", SpanF1(), [](SpanF1& metric) { metric.add(Tags{"B-X"}, Tags{"B-X"}); });
}

TEST(MovedMetrics, ShowNothing) {
  ConfusionMatrix matrix(2);
  const ConfusionMatrix taken = std::move(matrix);
  EXPECT_THROW(matrix.str(), Error);
  EXPECT_THROW(matrix.classes(), Error);
  EXPECT_THROW(matrix.names(), Error);
  EXPECT_THROW(matrix.count(0, 0), Error);
  Bleu bleu;
  bleu.add("a", "a");
  const Bleu taken_too = std::move(bleu);
  EXPECT_THROW(bleu.signature(), Error);
}

template <class Metric, class Add>
void expect_no_change(Add add) {
  Metric moved, good;
  add(moved);
  const Metric taken = std::move(moved);
  add(good);
  good.merge(moved);
  good.merge(taken);
  add(moved);
  EXPECT_NO_THROW((void)moved.result());
  EXPECT_NO_THROW((void)good.result());
}

TEST(MovedMetrics, OfNumbersStayUsable) {
  expect_no_change<Accuracy>([](Accuracy& metric) { metric.add(Ids{0}, Ids{0}); });
  expect_no_change<Perplexity>([](Perplexity& metric) { metric.add(1, 1); });
  expect_no_change<RougeL>([](RougeL& metric) { metric.add("a", "a"); });
  expect_no_change<WordErrorRate>([](WordErrorRate& metric) { metric.add("a", "a"); });
  expect_no_change<Spearman>([](Spearman& metric) { metric.add(1, 2); });
  expect_no_change<MeanReciprocalRank>(
      [](MeanReciprocalRank& metric) { metric.add(Ids{1}, Ids{1}); });
}

}  // namespace
}  // namespace gradus
