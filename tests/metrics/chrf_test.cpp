#include <gradus/framework/metrics/chrf.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

double chrf_of(const char* hypothesis, const char* reference, const ChrfOptions& options = {}) {
  Chrf chrf(options);
  chrf.add(hypothesis, reference);
  return chrf.result();
}

TEST(Chrf, ByHand) {
  EXPECT_NEAR(chrf_of("abc", "abc"), 100, 1e-12);
  EXPECT_EQ(chrf_of("abc", "xyz"), 0);
  // Characters: 2 of 3 found, 2 of 2 wanted: F2 = 5 p r / (4 p + r).
  EXPECT_NEAR(chrf_of("abc", "ab", {.char_order = 1}), 100 * 5 * (2.0 / 3) / (4 * 2.0 / 3 + 1),
              1e-12);
  EXPECT_NEAR(chrf_of("né", "ne", {.char_order = 1}), 50, 1e-12);  // é is one character
}

TEST(Chrf, LeavesOutWhiteSpaceUnlessAsked) {
  EXPECT_NEAR(chrf_of("a b c", "abc"), 100, 1e-12);
  EXPECT_LT(chrf_of("a b c", "abc", {.whitespace = true}), 100);
}

TEST(Chrf, PlusPlusCountsWordsWithoutPunctuation) {
  const ChrfOptions words{.char_order = 1, .word_order = 1};
  // Characters: 3 of 4 found and all wanted; words: "cat" and "!" of which "cat" is wanted.
  const double precision = (3.0 / 4 + 1.0 / 2) / 2, recall = 1;
  EXPECT_NEAR(chrf_of("cat!", "cat", words), 500 * precision * recall / (4 * precision + recall),
              1e-12);
}

TEST(Chrf, TakesTheBestReference) {
  Chrf chrf;
  chrf.add("the cat", {"a dog", "the cat"});
  EXPECT_NEAR(chrf.result(), 100, 1e-12);
}

TEST(Chrf, OfEmptyTextsIsZero) {
  EXPECT_EQ(chrf_of("", "abc"), 0);
  EXPECT_EQ(chrf_of("abc", ""), 0);
  EXPECT_EQ(chrf_of("", ""), 0);
}

TEST(Chrf, SignatureCarriesOurVersion) {
  Chrf chrf({.word_order = 2});
  chrf.add("a", std::vector<std::string>{"a", "b"});
  EXPECT_EQ(chrf.signature(), "nrefs:2|case:mixed|eff:yes|nc:6|nw:2|space:no|version:gradus-0.1.0");
}

TEST(Chrf, Merges) {
  Chrf all, a, b;
  all.add("abc", "abd");
  all.add("xyz", "xyzz");
  a.add("abc", "abd");
  b.add("xyz", "xyzz");
  Chrf merged;
  merged.merge(a);
  merged.merge(b);
  EXPECT_EQ(merged.result(), all.result());
  EXPECT_EQ(merged.signature(), all.signature());
  EXPECT_ERROR(a.merge(Chrf({.beta = 1})), ValueError,
               "Chrf: merge: the options here are not those there");
}

TEST(Chrf, BrokenInputSaysWhatIsWrong) {
  Chrf chrf;
  EXPECT_ERROR(chrf.result(), ValueError,
               "Chrf: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(chrf.add("a", std::vector<std::string>()), ValueError,
               "Chrf: a hypothesis has no reference");
  EXPECT_ERROR(chrf.add("\xff", "a"), FormatError,
               "Chrf: the hypothesis is not UTF-8 at byte 0: convert it first");
  EXPECT_ERROR(Chrf({.char_order = 0}), ValueError,
               "Chrf: char_order is 0, word_order 0, beta 2: the orders must be at least 1 and 0, "
               "beta at least 1");
}

}  // namespace
}  // namespace gradus
