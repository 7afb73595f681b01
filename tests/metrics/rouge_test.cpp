#include <gradus/framework/metrics/rouge.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

TEST(RougeL, IsTheLongestCommonSubsequence) {
  RougeL rouge;
  rouge.add("The dog, quick and brown, jumps!", "the quick brown fox jumps over the dog");
  // the quick brown jumps
  EXPECT_DOUBLE_EQ(rouge.result().precision, 4.0 / 6);
  EXPECT_DOUBLE_EQ(rouge.result().recall, 4.0 / 8);
  EXPECT_DOUBLE_EQ(rouge.result().f1, 4.0 / 7);
}

TEST(RougeL, IsTheMeanOverExamplesOfTheBestReference) {
  RougeL rouge, other;
  rouge.add("a b", {"c d", "a b", "a"});
  other.add("x", std::vector<std::string>{"y"});
  rouge.merge(other);
  EXPECT_EQ(rouge.count(), 2);
  EXPECT_DOUBLE_EQ(rouge.result().f1, 0.5);
}

TEST(RougeL, OfNoWordsIsZero) {
  RougeL rouge;
  rouge.add("", "a");
  rouge.add("a", "...");
  rouge.add("日本", "日本");
  EXPECT_EQ(rouge.result().f1, 0);
}

TEST(RougeL, BrokenInputSaysWhatIsWrong) {
  RougeL rouge;
  EXPECT_ERROR(rouge.result(), ValueError,
               "RougeL: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(rouge.add("\xff a", "a"), FormatError,
               "RougeL: the hypothesis is not UTF-8 at byte 0: convert it first");
  EXPECT_ERROR(rouge.add("a", "a \xff"), FormatError,
               "RougeL: a reference is not UTF-8 at byte 2: convert it first");
  EXPECT_ERROR(rouge.add("a", std::vector<std::string>()), ValueError,
               "RougeL: a hypothesis has no reference");
}

}  // namespace
}  // namespace gradus
