#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/tests/support/op_testing.h>

#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;

/// Labels 0 0 0 1 1 2; of them 0 0 1 1 0 1 is predicted: class 2 never is.
ClassificationScores example(double zero_division = 0) {
  ClassificationScores scores(4, {.zero_division = zero_division});
  scores.add(Ids{0, 0, 1, 1, 0, 1}, Ids{0, 0, 0, 1, 1, 2});
  return scores;
}

void expect_scores(const ClassScore& score, double precision, double recall, double f1,
                   std::int64_t support) {
  EXPECT_DOUBLE_EQ(score.precision, precision);
  EXPECT_DOUBLE_EQ(score.recall, recall);
  EXPECT_DOUBLE_EQ(score.f1, f1);
  EXPECT_EQ(score.support, support);
}

TEST(ClassificationScores, ByClassAndOnAverage) {
  const ClassificationResult result = example().result();
  ASSERT_EQ(result.classes.size(), 4U);
  expect_scores(result.classes[0], 2.0 / 3, 2.0 / 3, 2.0 / 3, 3);
  expect_scores(result.classes[1], 1.0 / 3, 1.0 / 2, 2.0 / 5, 2);
  expect_scores(result.classes[2], 0, 0, 0, 1);
  expect_scores(result.classes[3], 0, 0, 0, 0);
  expect_scores(result.micro, 0.5, 0.5, 0.5, 6);
  expect_scores(result.macro, 1.0 / 4, 7.0 / 24, 4.0 / 15, 6);
  expect_scores(result.weighted, 4.0 / 9, 0.5, 7.0 / 15, 6);
}

TEST(ClassificationScores, AreATable) {
  ClassificationScores scores({"cat", "élan"});
  scores.add(Ids{0, 0, 1, 1, 1}, Ids{0, 0, 0, 0, 1});
  EXPECT_EQ(scores.str(),
            "class          precision  recall      F1  support\n"
            "cat               1.0000  0.5000  0.6667        4\n"
            "élan              0.3333  1.0000  0.5000        1\n"
            "micro mean        0.6000  0.6000  0.6000        5\n"
            "macro mean        0.6667  0.7500  0.5833        5\n"
            "weighted mean     0.8667  0.6000  0.6333        5\n");
  EXPECT_TRUE(example().str().find("\n3              ") != std::string::npos);
  EXPECT_THROW(ClassificationScores(2).str(), ValueError);
  EXPECT_THROW(ClassificationScores(std::vector<std::string>{}), ValueError);
}

TEST(ClassificationScores, ZeroDivisionIsAChoice) {
  const ClassificationResult one = example(1).result();
  expect_scores(one.classes[2], 1, 0, 0, 1);
  expect_scores(one.classes[3], 1, 1, 1, 0);
  EXPECT_DOUBLE_EQ(one.macro.precision, 3.0 / 4);
  const ClassificationResult none = example(not_a_number).result();
  EXPECT_TRUE(std::isnan(none.classes[2].precision));
  EXPECT_TRUE(std::isnan(none.classes[3].f1));
  EXPECT_DOUBLE_EQ(none.macro.precision, 0.5);  // of two classes
  EXPECT_DOUBLE_EQ(none.macro.recall, 7.0 / 18);
}

TEST(ClassificationScores, OfAnyNumberOfLabels) {
  ClassificationScores scores(2);
  scores.add(tensor({{true, true}, {false, true}, {false, false}}),
             tensor({{true, false}, {true, true}, {false, false}}));
  const ClassificationResult result = scores.result();
  expect_scores(result.classes[0], 1, 0.5, 2.0 / 3, 2);
  expect_scores(result.classes[1], 0.5, 1, 2.0 / 3, 1);
  expect_scores(result.micro, 2.0 / 3, 2.0 / 3, 2.0 / 3, 3);
  EXPECT_EQ(scores.count(), 3);
}

TEST(ClassificationScores, TakeScoresOfClasses) {
  ClassificationScores scores(2);
  scores.add(tensor({{{0.0, 1.0}, {1.0, 0.0}}}), tensor({{1, -100}}));
  EXPECT_EQ(scores.count(), 1);
  EXPECT_EQ(scores.result().classes[1].f1, 1);
}

TEST(ClassificationScores, MergeCounts) {
  ClassificationScores a = example();
  a.merge(example());
  expect_scores(a.result().micro, 0.5, 0.5, 0.5, 12);
  EXPECT_ERROR(a.merge(example(1)), ValueError,
               "ClassificationScores: merge: 4 classes and a zero_division of 0 here, 4 and 1 "
               "there");
  EXPECT_THROW(a.merge(ClassificationScores(3)), ValueError);
  ClassificationScores c = example(not_a_number);
  c.merge(example(not_a_number));
  EXPECT_EQ(c.count(), 12);
}

TEST(ClassificationScores, BrokenInputSaysWhatIsWrongAndChangesNothing) {
  EXPECT_ERROR(ClassificationScores(0), ValueError,
               "ClassificationScores: there are 0 classes: one is needed");
  EXPECT_ERROR(ClassificationScores(2, {.zero_division = 0.5}), ValueError,
               "ClassificationScores: zero_division is 0.5: it must be 0, 1 or NaN");
  ClassificationScores scores(2);
  EXPECT_ERROR(scores.result(), ValueError,
               "ClassificationScores: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(scores.add(Ids{0, 1}, Ids{0, 2}), IndexError,
               "ClassificationScores: label 2 at position [1] is outside [0, 2)");
  EXPECT_ERROR(scores.add(zeros({1, 2}), tensor({{true, false}})), DTypeError,
               "ClassificationScores: labels are boolean, predictions are float32: compare the "
               "scores with a threshold first, as in greater(scores, 0)");
  EXPECT_ERROR(scores.add(tensor({true, false, true}), tensor({true, false, true})), ShapeError,
               "ClassificationScores: predictions are [3], labels are [3]: both must be [..., 2]");
  EXPECT_EQ(scores.count(), 0);
}

TEST(ClassificationScores, HaveNamesOfWhichNoneIsThereTwice) {
  EXPECT_EQ(ClassificationScores(2).names(), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(ClassificationScores({"a", "b"}).names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_ERROR(ClassificationScores({"a", "a"}), ValueError,
               "ClassificationScores: two classes have the name 'a': give each its own");
}

}  // namespace
}  // namespace gradus
