#include <gradus/framework/metrics/ranking.h>
#include <gradus/tests/support/op_testing.h>

#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;

Tensor scores() { return tensor({{0.1f, 0.9f, 0.5f, 0.2f}, {4.0f, 3.0f, 2.0f, 1.0f}}); }

TEST(MeanReciprocalRank, OfTheFirstRelevantItem) {
  MeanReciprocalRank rank;
  rank.add(Ids{7, 3, 5}, Ids{5, 3});
  rank.add(Ids{7, 3, 5}, Ids{9});
  EXPECT_DOUBLE_EQ(rank.result(), 0.25);
  EXPECT_EQ(rank.count(), 2);
}

TEST(MeanReciprocalRank, OfScores) {
  MeanReciprocalRank one, several;
  one.add(scores(), tensor({2, 3}));
  EXPECT_DOUBLE_EQ(one.result(), (1.0 / 2 + 1.0 / 4) / 2);
  several.add(scores(), tensor({{true, false, false, true}, {false, false, true, true}}));
  EXPECT_DOUBLE_EQ(several.result(), 1.0 / 3);
}

TEST(MeanReciprocalRank, OfEqualScoresTakesTheLowerItemFirst) {
  MeanReciprocalRank one, several;
  one.add(ones({2, 4}), tensor({1, 3}));
  EXPECT_DOUBLE_EQ(one.result(), (1.0 / 2 + 1.0 / 4) / 2);
  several.add(ones({1, 4}), tensor({{false, false, true, true}}));
  EXPECT_DOUBLE_EQ(several.result(), 1.0 / 3);
}

TEST(RecallAtK, IsTheShareOfRelevantItemsAmongTheBest) {
  RecallAtK recall(2);
  recall.add(Ids{7, 3, 5}, Ids{5, 3});
  recall.add(Ids{7}, Ids{7});  // fewer than k were found
  EXPECT_DOUBLE_EQ(recall.result(), 0.75);
  recall.add(Ids{}, Ids{1});
  EXPECT_DOUBLE_EQ(recall.result(), 0.5);
}

TEST(RecallAtK, OfScores) {
  RecallAtK recall(3);
  recall.add(scores(), tensor({3, 3}));
  EXPECT_DOUBLE_EQ(recall.result(), 0.5);
  recall.add(scores(), tensor({{true, true, false, true}, {true, true, true, true}}));
  EXPECT_DOUBLE_EQ(recall.result(), (1.0 + 2.0 / 3 + 3.0 / 4) / 4);
  EXPECT_EQ(recall.count(), 4);
}

TEST(Ranking, Merges) {
  MeanReciprocalRank a, b;
  a.add(Ids{1}, Ids{1});
  b.add(Ids{1}, Ids{2});
  a.merge(b);
  EXPECT_EQ(a.result(), 0.5);
  RecallAtK c(1), d(1);
  c.add(Ids{1}, Ids{1});
  d.add(Ids{1}, Ids{2});
  c.merge(d);
  EXPECT_EQ(c.result(), 0.5);
  EXPECT_ERROR(c.merge(RecallAtK(2)), ValueError, "RecallAtK: merge: k is 1 here and 2 there");
}

TEST(Ranking, BrokenInputSaysWhatIsWrongAndChangesNothing) {
  MeanReciprocalRank rank;
  EXPECT_ERROR(rank.result(), ValueError,
               "MeanReciprocalRank: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(rank.add(Ids{1}, Ids{}), ValueError,
               "MeanReciprocalRank: nothing is relevant to the query");
  EXPECT_ERROR(rank.add(Ids{4, 1, 4}, Ids{1}), ValueError,
               "MeanReciprocalRank: id 4 is twice among the items found");
  EXPECT_ERROR(rank.add(Ids{1}, Ids{1, 1}), ValueError,
               "MeanReciprocalRank: id 1 is twice among the relevant items");
  EXPECT_ERROR(rank.add(scores(), tensor({0, 4})), IndexError,
               "MeanReciprocalRank: label 4 at position [1] is outside [0, 4)");
  EXPECT_ERROR(rank.add(scores(), tensor({{true}, {true}})), ShapeError,
               "MeanReciprocalRank: shapes do not fit: scores are [2, 4], flags of what is "
               "relevant [2, 1]");
  EXPECT_ERROR(rank.add(zeros({2, 1}), tensor({{true}, {false}})), ValueError,
               "MeanReciprocalRank: nothing is relevant to query 1");
  EXPECT_ERROR(rank.add(zeros({2, 0}), zeros({2, 0}, DType::boolean)), ValueError,
               "MeanReciprocalRank: nothing is relevant to query 0");
  EXPECT_ERROR(rank.add(tensor({{1.0, not_a_number}}), tensor({{true, false}})), ValueError,
               "MeanReciprocalRank: the score at position [0, 1] is NaN");
  EXPECT_EQ(rank.count(), 0);
  EXPECT_ERROR(RecallAtK(0), ValueError, "RecallAtK: k is 0: it must be above 0");
  RecallAtK recall(5);
  EXPECT_ERROR(recall.add(scores(), tensor({0, 0})), ValueError,
               "RecallAtK: k is 5, but scores are [2, 4]: every item is among the first 5");
  EXPECT_THROW(recall.result(), ValueError);
}

}  // namespace
}  // namespace gradus
