#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/tests/support/op_testing.h>

#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;

TEST(ConfusionMatrix, HasARowForEachLabel) {
  ConfusionMatrix matrix(3);
  matrix.add(Ids{0, 2, 2, 1}, Ids{0, 1, 1, 1});
  matrix.add(tensor({{0.0f, 0.0f, 1.0f}}), tensor({0}));
  EXPECT_TRUE(has_values(matrix.result(), {3, 3}, {1, 0, 1, 0, 1, 2, 0, 0, 0}));
  EXPECT_EQ(matrix.result().dtype(), DType::int64);
  EXPECT_EQ(matrix.count(1, 2), 2);
  EXPECT_EQ(matrix.count(2, 1), 0);
  EXPECT_EQ(matrix.classes(), 3);
}

TEST(ConfusionMatrix, IsATable) {
  ConfusionMatrix matrix({"cat", "dog", "élan"});
  matrix.add(std::vector<std::int64_t>(1234, 2), std::vector<std::int64_t>(1234, 0));
  matrix.add(Ids{0, 1}, Ids{0, 2});
  EXPECT_EQ(matrix.str(),
            "label  cat  dog  élan\n"
            "cat      1    0  1234\n"
            "dog      0    0     0\n"
            "élan     0    1     0\n");
  EXPECT_EQ(ConfusionMatrix(2).str(),
            "label  0  1\n"
            "0      0  0\n"
            "1      0  0\n");
  EXPECT_EQ(ConfusionMatrix({"a\nlong name"}).str(),
            "label           a\\x0along name\n"
            "a\\x0along name               0\n");
}

TEST(ConfusionMatrix, HasIdsAboveItsColumnsWhereNamesWouldBeTooWide) {
  const std::string name(36, 'x');
  EXPECT_TRUE(ConfusionMatrix({name, "b"})
                  .str()
                  .starts_with("label" + std::string(31, ' ') + "  " + name + "  b\n"));
  ConfusionMatrix wide({name, name + "y"});
  wide.add(Ids{1}, Ids{0});
  EXPECT_EQ(wide.str(), "label" + std::string(34, ' ') + "  0  1\n" +  //
                            "0 " + name + "   0  1\n" +                //
                            "1 " + name + "y  0  0\n");
}

TEST(ConfusionMatrix, MergesCounts) {
  ConfusionMatrix a(2), b(2);
  a.add(Ids{0}, Ids{1});
  b.add(Ids{0, 1}, Ids{1, 1});
  a.merge(b);
  EXPECT_TRUE(has_values(a.result(), {2, 2}, {0, 0, 2, 1}));
  EXPECT_ERROR(a.merge(ConfusionMatrix(3)), ValueError,
               "ConfusionMatrix: merge: the 2 classes here are not the 3 there");
  EXPECT_THROW(a.merge(ConfusionMatrix({"no", "yes"})), ValueError);
}

TEST(ConfusionMatrix, LeavesOutIgnoredLabels) {
  ConfusionMatrix matrix(2);
  matrix.add(Ids{7, 1}, Ids{-100, 1});
  EXPECT_TRUE(has_values(matrix.result(), {2, 2}, {0, 0, 0, 1}));
}

TEST(ConfusionMatrix, BrokenInputSaysWhatIsWrongAndChangesNothing) {
  EXPECT_ERROR(ConfusionMatrix(0), ValueError, "ConfusionMatrix: there are no classes");
  EXPECT_THROW(ConfusionMatrix(-1), ValueError);
  ConfusionMatrix matrix(2);
  EXPECT_ERROR(matrix.add(Ids{0, 2}, Ids{0, 1}), IndexError,
               "ConfusionMatrix: prediction 2 at position [1] is outside [0, 2)");
  EXPECT_ERROR(matrix.add(tensor({{0, 1}}), tensor({{0, 2}})), IndexError,
               "ConfusionMatrix: label 2 at position [0, 1] is outside [0, 2)");
  EXPECT_ERROR(matrix.add(zeros({4, 3}), tensor({0, 0, 0, 0})), ShapeError,
               "ConfusionMatrix: scores are [4, 3], but there are 2 classes");
  EXPECT_ERROR(matrix.count(2, 0), IndexError, "ConfusionMatrix: count(2, 0) is outside [0, 2)");
  EXPECT_TRUE(has_values(matrix.result(), {2, 2}, {0, 0, 0, 0}));
}

TEST(ConfusionMatrix, RefusesTwoClassesOfOneName) {
  EXPECT_ERROR(ConfusionMatrix({"a", "b", "a"}), ValueError,
               "ConfusionMatrix: two classes have the name 'a': give each its own");
}

}  // namespace
}  // namespace gradus
