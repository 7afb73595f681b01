#include <gradus/framework/metrics/spearman.h>
#include <gradus/tests/support/op_testing.h>

#include <vector>

namespace gradus {
namespace {

using Values = std::vector<double>;

double spearman_of(const Values& x, const Values& y) {
  Spearman spearman;
  spearman.add(x, y);
  return spearman.result();
}

TEST(Spearman, SeesTheOrderOnly) {
  EXPECT_DOUBLE_EQ(spearman_of({1, 2, 30}, {-5, 0, 0.1}), 1);
  EXPECT_DOUBLE_EQ(spearman_of({1, 2, 3}, {3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(spearman_of({1, 2, 3}, {2, 1, 3}), 0.5);  // 1 - 6 * 2 / (3 * 8)
  EXPECT_DOUBLE_EQ(spearman_of({-infinity, 0, infinity}, {1, 2, 3}), 1);
}

TEST(Spearman, GivesTiesTheirMeanRank) {
  // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
  EXPECT_DOUBLE_EQ(spearman_of({1, 2, 2, 3}, {1, 2, 3, 4}), 4.5 / std::sqrt(22.5));
}

TEST(Spearman, OfConstantValuesIsNaN) {
  EXPECT_TRUE(std::isnan(spearman_of({1, 1, 1}, {1, 2, 3})));
  EXPECT_TRUE(std::isnan(spearman_of({1}, {2})));
}

TEST(Spearman, TakesTensorsAndMerges) {
  Spearman a, b;
  a.add(tensor({1.0f, 2.0f}), tensor({1.0f, 3.0f}));
  b.add(3, 2);
  a.merge(b);
  EXPECT_DOUBLE_EQ(a.result(), 0.5);
  EXPECT_EQ(a.count(), 3);
  a.merge(a);
  EXPECT_EQ(a.count(), 6);
}

TEST(Spearman, BrokenInputSaysWhatIsWrong) {
  Spearman spearman;
  EXPECT_ERROR(spearman.result(), ValueError,
               "Spearman: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(spearman.add(Values{1, 2}, Values{1, not_a_number}), ValueError,
               "Spearman: y at position 1 is NaN");
  EXPECT_ERROR(spearman.add(Values{1, 2}, Values{1}), ShapeError,
               "Spearman: there are 2 values of x and 1 of y: they belong together one by one");
  EXPECT_ERROR(spearman.add(zeros({2}), zeros({3})), ShapeError,
               "Spearman: shapes do not fit: x is [2], y is [3]");
  EXPECT_ERROR(spearman.add(zeros({2}), tensor({true, false})), DTypeError,
               "Spearman: y is boolean: convert it with to(DType::int64)");
  EXPECT_ERROR(spearman.add(zeros({2}), tensor({1L, (1L << 53) + 1})), ValueError,
               "Spearman: y at position 1 is 9007199254740993: beyond 2^53, ranks may be wrong");
  EXPECT_EQ(spearman.count(), 0);
}

TEST(Spearman, TakesNumbersOfAnyType) {
  Spearman spearman;
  spearman.add(tensor({0.25f, 0.5f}), tensor({1, 4}));
  spearman.add(tensor({3}), tensor({2.5}));
  EXPECT_DOUBLE_EQ(spearman.result(), 0.5);  // ranks 1 2 3 and 1 3 2
}

}  // namespace
}  // namespace gradus
