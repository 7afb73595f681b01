#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Published values of FNV-1a, 32 bits, for ASCII.
TEST(FasttextHash, IsFnv1aForAscii) {
  EXPECT_EQ(fasttext_hash(""), 0x811C9DC5U);
  EXPECT_EQ(fasttext_hash("a"), 0xE40C292CU);
  EXPECT_EQ(fasttext_hash("foobar"), 0xBF9CF968U);
}

// Rows of the input matrix of a model of the fastText program (13 words, 50,021 buckets) that hold
// what its print-ngrams prints for these; FNV-1a as published gives 4312, 16050, 17662, 14827.
TEST(FasttextHash, IsFasttextsBeyondAscii) {
  const auto bucket = [](std::string_view ngram) { return fasttext_hash(ngram) % 50021; };
  EXPECT_EQ(bucket("a\u00efve"), 2886U);
  EXPECT_EQ(bucket("\u00efve"), 131U);
  EXPECT_EQ(bucket("\u00fcber"), 4231U);
  EXPECT_EQ(bucket("\u00efve>"), 1396U);
  EXPECT_EQ(bucket("na"), 4967U);
  EXPECT_EQ(bucket("e>"), 36462U);
  EXPECT_EQ(bucket("king"), 574U);
  EXPECT_EQ(bucket("<st"), 981U);
  EXPECT_EQ(bucket("ber>"), 3428U);
}

// As print-ngrams lists them.
TEST(CharacterNgrams, AreThoseOfFasttext) {
  EXPECT_THAT(character_ngrams("cat"), ElementsAre("<ca", "<cat", "<cat>", "cat", "cat>", "at>"));
  EXPECT_THAT(character_ngrams("a"), ElementsAre("<a>"));
  EXPECT_THAT(character_ngrams("\u65e5\u672c\u8a9e"),
              ElementsAre("<\u65e5\u672c", "<\u65e5\u672c\u8a9e", "<\u65e5\u672c\u8a9e>",
                          "\u65e5\u672c\u8a9e", "\u65e5\u672c\u8a9e>", "\u672c\u8a9e>"));
  EXPECT_THAT(character_ngrams("</s>"), IsEmpty());
  EXPECT_THAT(character_ngrams("king", {.minn = 2, .maxn = 4}),
              ElementsAre("<k", "<ki", "<kin", "ki", "kin", "king", "in", "ing", "ing>", "ng",
                          "ng>", "g>"));
}

TEST(CharacterNgrams, LeaveTheBoundariesAloneOut) {
  EXPECT_THAT(character_ngrams("ab", {.minn = 1, .maxn = 2}),
              ElementsAre("<a", "a", "ab", "b", "b>"));
  EXPECT_THAT(character_ngrams("", {.minn = 1, .maxn = 3}), ElementsAre("<>"));
  EXPECT_THAT(character_ngrams("word", {.minn = 0, .maxn = 0}), IsEmpty());
  EXPECT_THAT(character_ngrams("a", {.minn = 4, .maxn = 6}), IsEmpty());
}

TEST(CharacterNgrams, TakeBytesThatAreNoUtf8) {
  EXPECT_THAT(character_ngrams("\x80\x80", {.minn = 1, .maxn = 1}), IsEmpty());
  EXPECT_THAT(character_ngrams("\xff", {.minn = 1, .maxn = 1}), ElementsAre("\xff"));
}

TEST(NgramBuckets, AreHashesModuloTheirNumber) {
  EXPECT_THAT(ngram_buckets("a", {.buckets = 50021}), ElementsAre(fasttext_hash("<a>") % 50021));
  EXPECT_THAT(ngram_buckets("na\u00efve", {.minn = 4, .maxn = 4, .buckets = 50021}),
              ElementsAre(27761, 24601, 2886, 1396));  // also rows of that model
  EXPECT_THAT(ngram_buckets("word", {.minn = 3, .maxn = 3, .buckets = 1}), ElementsAre(0, 0, 0, 0));
}

TEST(NgramBuckets, SayWhatIsWrong) {
  const auto message = [](const NgramOptions& options) {
    try {
      ngram_buckets("a", options);
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message({.minn = 4, .maxn = 3}),
            "ngrams: minn is 4, maxn 3, buckets 2000000: 0 <= minn <= maxn and 0 < buckets are "
            "needed");
  EXPECT_NE(message({.minn = -1}), "");
  EXPECT_NE(message({.buckets = 0}), "");
}

// Of a model of the fastText program (-wordNgrams 3 -bucket 50021): print-sentence-vectors prints
// the mean of the rows of the words, "</s>" at the end, and of these buckets.
TEST(WordNgramBuckets, AreThoseOfFasttext) {
  using Words = std::vector<std::string>;
  EXPECT_THAT(word_ngram_buckets(Words{"a", "b", "</s>"}, 3, 50021),
              ElementsAre(39270, 13748, 9355));
  EXPECT_THAT(word_ngram_buckets(Words{"king", "na\u00efve", "</s>"}, 3, 50021),
              ElementsAre(13704, 49610, 9470));
  EXPECT_THAT(word_ngram_buckets(Words{"a", "b", "na\u00efve", "</s>"}, 3, 50021),
              ElementsAre(39270, 7123, 2730, 1667, 9470));
  EXPECT_THAT(word_ngram_buckets(Words{"a", "b", "na\u00efve"}, 2, 50021),
              ElementsAre(39270, 2730));
}

TEST(WordNgramBuckets, NeedTwoWords) {
  EXPECT_THAT(word_ngram_buckets({}, 5, 7), IsEmpty());
  EXPECT_THAT(word_ngram_buckets(std::vector<std::string>{"a"}, 5, 7), IsEmpty());
  EXPECT_THAT(word_ngram_buckets(std::vector<std::string>{"a", "b"}, 1, 7), IsEmpty());
}

TEST(WordNgramBuckets, SayWhatIsWrong) {
  EXPECT_EQ(message_of<ValueError>([] { (void)word_ngram_buckets({}, 0, 7); }),
            "word_ngram_buckets: n is 0, buckets 7: both must be above 0");
  EXPECT_EQ(message_of<ValueError>([] { (void)word_ngram_buckets({}, 2, 0); }),
            "word_ngram_buckets: n is 2, buckets 0: both must be above 0");
}

}  // namespace
}  // namespace gradus
