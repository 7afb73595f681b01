#include <gradus/framework/metrics/accuracy.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/metrics/span_f1.h>
#include <gradus/tests/support/op_testing.h>

#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;
constexpr float nan_score = std::numeric_limits<float>::quiet_NaN();

Tensor scores() { return tensor({{1.0f, 3.0f, 2.0f}, {5.0f, 4.0f, 6.0f}, {0.0f, -1.0f, -2.0f}}); }

TEST(Accuracy, IsTheShareOfHighestScoresAtTheLabel) {
  Accuracy accuracy;
  accuracy.add(scores(), tensor({1, 2, 1}));
  EXPECT_DOUBLE_EQ(accuracy.result(), 2.0 / 3);
  accuracy.add(scores().to(DType::float64), tensor({0, 0, 0}));
  EXPECT_DOUBLE_EQ(accuracy.result(), 0.5);
  EXPECT_EQ(accuracy.count(), 6);
}

TEST(Accuracy, TakesIdsAsWell) {
  Accuracy accuracy;
  accuracy.add(tensor({4, 7}), tensor({4, 5}));
  accuracy.add(Ids{1, 2}, Ids{1, 2});
  EXPECT_DOUBLE_EQ(accuracy.result(), 0.75);
}

TEST(Accuracy, OfTokensLeavesOutIgnoredLabels) {
  Accuracy accuracy;
  accuracy.add(tensor({{{1.0f, 0.0f}, {nan_score, 0.0f}}, {{0.0f, 1.0f}, {1.0f, 0.0f}}}),
               tensor({{0, -100}, {1, 1}}));
  EXPECT_EQ(accuracy.count(), 3);
  EXPECT_DOUBLE_EQ(accuracy.result(), 2.0 / 3);
  Accuracy other({.ignore_index = 0});
  other.add(Ids{0, 1, 2}, Ids{0, 1, 1});
  EXPECT_DOUBLE_EQ(other.result(), 0.5);
}

TEST(Accuracy, OfEqualScoresTakesTheLowerClass) {
  Accuracy accuracy;
  accuracy.add(ones({1, 3}), tensor({0}));
  EXPECT_EQ(accuracy.result(), 1);
  accuracy.add(ones({1, 3}), tensor({1}));
  EXPECT_EQ(accuracy.result(), 0.5);
}

TEST(Accuracy, MergesCounts) {
  Accuracy a, b;
  a.add(Ids{1}, Ids{1});
  b.add(Ids{1, 1, 1}, Ids{0, 0, 1});
  a.merge(b);
  a.merge(Accuracy());
  EXPECT_EQ(a.result(), 0.5);
  EXPECT_EQ(a.count(), 4);
}

TEST(Accuracy, OfNothingIsAnError) {
  const char* text = "Accuracy: there is no result yet: nothing that counts was added";
  EXPECT_ERROR(Accuracy().result(), ValueError, text);
  Accuracy ignored;
  ignored.add(Ids{1}, Ids{-100});
  ignored.add(zeros({0, 3}), zeros({0}, DType::int64));
  EXPECT_ERROR(ignored.result(), ValueError, text);
}

TEST(Accuracy, BrokenInputSaysWhatIsWrongAndChangesNothing) {
  Accuracy accuracy;
  accuracy.add(Ids{1}, Ids{1});
  EXPECT_ERROR(accuracy.add(scores(), tensor({1, 2, 3})), IndexError,
               "Accuracy: label 3 at position [2] is outside [0, 3)");
  EXPECT_ERROR(accuracy.add(scores(), tensor({1, -1, 2})), IndexError,
               "Accuracy: label -1 at position [1] is outside [0, 3)");
  EXPECT_ERROR(
      accuracy.add(scores(), tensor({1, 2})), ShapeError,
      "Accuracy: shapes do not fit: scores are [3, 3], labels are [2]: each row of scores, "
      "[..., C], has one label");
  EXPECT_ERROR(accuracy.add(tensor({{1.0f, 2.0f}, {2.0f, nan_score}}), tensor({1, 0})), ValueError,
               "Accuracy: the score at position [1, 1] is NaN");
  EXPECT_ERROR(accuracy.add(scores(), tensor({1.0f, 2.0f, 3.0f})), DTypeError,
               "Accuracy: labels are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  EXPECT_ERROR(accuracy.add(tensor({true, false}), tensor({1, 0})), DTypeError,
               "Accuracy: predictions are boolean: int64 ids or scores of classes are needed");
  EXPECT_ERROR(accuracy.add(tensor({1, 2}), tensor({{1, 2}})), ShapeError,
               "Accuracy: shapes do not fit: predictions are [2], labels are [1, 2]");
  EXPECT_ERROR(accuracy.add(Ids{1, 2}, Ids{1}), ShapeError,
               "Accuracy: there are 2 predictions and 1 labels: they belong together one by one");
  EXPECT_ERROR(accuracy.add(zeros({1, 0}), tensor({0})), IndexError,
               "Accuracy: label 0 at position [0] is outside [0, 0)");
  EXPECT_THROW(accuracy.add(Tensor(), tensor({0})), Error);
  EXPECT_EQ(accuracy.count(), 1);
}

TEST(TopKAccuracy, CountsLabelsAmongTheBestK) {
  TopKAccuracy one(1), two(2), three(3);
  for (TopKAccuracy* top : {&one, &two, &three}) top->add(scores(), tensor({2, 1, 0}));
  EXPECT_DOUBLE_EQ(one.result(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(two.result(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(three.result(), 1);
}

TEST(TopKAccuracy, OfEqualScoresTakesTheLowerClassFirst) {
  TopKAccuracy top(2);
  top.add(ones({3, 3}), tensor({0, 0, 2}));
  EXPECT_DOUBLE_EQ(top.result(), 2.0 / 3);
}

TEST(TopKAccuracy, MergesCounts) {
  TopKAccuracy a(2), b(2);
  a.add(scores(), tensor({1, 2, 0}));
  b.add(scores(), tensor({0, 1, 2}));
  a.merge(b);
  EXPECT_DOUBLE_EQ(a.result(), 0.5);
  EXPECT_ERROR(a.merge(TopKAccuracy(3)), ValueError,
               "TopKAccuracy: merge: k is 2 here and 3 there");
}

TEST(TopKAccuracy, BrokenInputSaysWhatIsWrong) {
  EXPECT_ERROR(TopKAccuracy(0), ValueError, "TopKAccuracy: k is 0: it must be above 0");
  TopKAccuracy top(4);
  EXPECT_ERROR(top.add(scores(), tensor({0, 1, 2})), ValueError,
               "TopKAccuracy: k is 4, but scores are [3, 3]: every label is among the first 4");
  EXPECT_ERROR(top.result(), ValueError,
               "TopKAccuracy: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(top.add(scores(), tensor({0, 1, 3})), IndexError,
               "TopKAccuracy: label 3 at position [2] is outside [0, 3)");
  EXPECT_ERROR(top.add(tensor({1, 2}), tensor({0})), ShapeError,
               "TopKAccuracy: shapes do not fit: scores are [2], labels are [1]: each row of "
               "scores, [..., C], has one label");
}

TEST(Accuracy, DoesNotMergeOneThatIgnoresOtherLabels) {
  Accuracy accuracy;
  EXPECT_ERROR(accuracy.merge(Accuracy({.ignore_index = 0})), ValueError,
               "Accuracy: merge: ignore_index is -100 here and 0 there");
  EXPECT_THROW(TopKAccuracy(1).merge(TopKAccuracy(1, {.ignore_index = 0})), ValueError);
  EXPECT_THROW(ClassificationScores(1).merge(ClassificationScores(1, {.ignore_index = 0})),
               ValueError);
  EXPECT_THROW(ConfusionMatrix(1).merge(ConfusionMatrix(1, {.ignore_index = 0})), ValueError);
  EXPECT_THROW(Perplexity().merge(Perplexity({.ignore_index = 0})), ValueError);
  EXPECT_THROW(SpanF1().merge(SpanF1({.ignore_index = 0})), ValueError);
}

}  // namespace
}  // namespace gradus
