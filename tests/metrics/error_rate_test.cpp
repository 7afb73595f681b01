#include <gradus/framework/metrics/error_rate.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;
using Words = std::vector<std::string>;

TEST(EditDistance, OfKnownPairs) {
  const auto distance = [](const char* a, const char* b) {
    const std::string x = a, y = b;
    return edit_distance(Ids(x.begin(), x.end()), Ids(y.begin(), y.end()));
  };
  EXPECT_EQ(distance("kitten", "sitting"), 3);
  EXPECT_EQ(distance("sunday", "saturday"), 3);
  EXPECT_EQ(distance("", "abc"), 3);
  EXPECT_EQ(distance("abc", ""), 3);
  EXPECT_EQ(distance("", ""), 0);
  EXPECT_EQ(distance("ab", "ba"), 2);
  EXPECT_EQ(edit_distance(Words{"a", "b"}, Words{"b"}), 1);
}

TEST(WordErrorRate, DividesEditsByWordsOfTheReferences) {
  WordErrorRate rate;
  rate.add("the cat  sat", "the cat sat down");
  rate.add("a", "b");
  EXPECT_EQ(rate.edits(), 2);
  EXPECT_EQ(rate.reference_length(), 5);
  EXPECT_DOUBLE_EQ(rate.result(), 0.4);
}

TEST(WordErrorRate, TakesWordsAndIds) {
  WordErrorRate rate;
  rate.add(Words{"a b", "c"}, Words{"a b", "d"});
  rate.add(Ids{1, 2, 3}, Ids{1, 3});
  EXPECT_DOUBLE_EQ(rate.result(), 0.5);
}

TEST(WordErrorRate, CanBeAboveOne) {
  WordErrorRate rate;
  rate.add("a b c", "d");
  EXPECT_EQ(rate.result(), 3);
}

TEST(WordErrorRate, OfEmptyReferencesIsTheNumberOfEdits) {
  WordErrorRate rate;
  rate.add("", "");
  EXPECT_EQ(rate.result(), 0);
  rate.add("a b", "");
  EXPECT_EQ(rate.result(), 2);
}

TEST(CharacterErrorRate, CountsCodePoints) {
  CharacterErrorRate rate;
  rate.add(" naïve ", "naive");
  EXPECT_DOUBLE_EQ(rate.result(), 0.2);
  rate.add("a b", "ab");
  EXPECT_DOUBLE_EQ(rate.result(), 2.0 / 7);
  EXPECT_EQ(rate.edits(), 2);
  EXPECT_EQ(rate.reference_length(), 7);
}

TEST(ErrorRates, Merge) {
  WordErrorRate a, b;
  a.add("x", "x");
  b.add("x", "y z w");
  a.merge(b);
  EXPECT_DOUBLE_EQ(a.result(), 0.75);
  CharacterErrorRate c, d;
  c.add("x", "x");
  d.add("x", "yzw");
  c.merge(d);
  EXPECT_DOUBLE_EQ(c.result(), 0.75);
}

TEST(ErrorRates, BrokenInputSaysWhatIsWrong) {
  EXPECT_ERROR(WordErrorRate().result(), ValueError,
               "WordErrorRate: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(CharacterErrorRate().result(), ValueError,
               "CharacterErrorRate: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(WordErrorRate().add("a\xff", "a"), FormatError,
               "WordErrorRate: the hypothesis is not UTF-8 at byte 1: convert it first");
  EXPECT_ERROR(CharacterErrorRate().add("a", "\xff"), FormatError,
               "CharacterErrorRate: the reference is not UTF-8 at byte 0: convert it first");
}

}  // namespace
}  // namespace gradus
