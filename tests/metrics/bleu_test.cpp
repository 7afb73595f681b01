#include <gradus/framework/metrics/bleu.h>
#include <gradus/framework/metrics/detail/bleu_tokens.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using detail::bleu_tokens;

TEST(Bleu, OfEqualTextsIs100) {
  Bleu bleu;
  bleu.add("the cat sat on the mat", "the cat sat on the mat");
  EXPECT_NEAR(bleu.result().score, 100, 1e-12);
  EXPECT_EQ(bleu.result().brevity_penalty, 1);
}

TEST(Bleu, ByHand) {
  // 5 of 6 words, 3 of 5 bigrams, 1 of 4 trigrams, none of 3 others, which exp counts as a half.
  Bleu bleu;
  bleu.add("the cat sat on the mat", "the cat was on the mat outside");
  const BleuResult result = bleu.result();
  EXPECT_EQ(result.counts, (std::vector<std::int64_t>{5, 3, 1, 0}));
  EXPECT_EQ(result.totals, (std::vector<std::int64_t>{6, 5, 4, 3}));
  EXPECT_NEAR(result.brevity_penalty, std::exp(1 - 7.0 / 6), 1e-15);
  const double mean = std::pow(5.0 / 6 * 3 / 5 * 1 / 4 * 1 / 6, 0.25);
  EXPECT_NEAR(result.score, 100 * std::exp(-1.0 / 6) * mean, 1e-12);
  EXPECT_EQ(result.hypothesis_length, 6);
  EXPECT_EQ(result.reference_length, 7);
}

TEST(Bleu, OfSeveralReferencesTakesTheMostOfEachNgramAndTheClosestLength) {
  Bleu bleu;
  bleu.add("a a a", {"a b c d", "a a"});
  const BleuResult result = bleu.result();
  EXPECT_EQ(result.counts[0], 2);
  EXPECT_EQ(result.reference_length, 2);  // of two that are equally close, the shorter
  Bleu same;
  same.add("a a a", std::vector<std::string>{"a b c d", "a a"});
  EXPECT_EQ(same.result().score, result.score);
}

TEST(Bleu, OfTheCorpusIsNotTheMeanOfItsSentences) {
  Bleu bleu;
  bleu.add("a b c d", "a b c d");
  bleu.add("", "e f g h");
  EXPECT_NEAR(bleu.result().score, 100 * std::exp(-1.0), 1e-12);
}

TEST(Bleu, OfAnEmptyHypothesisIsZero) {
  Bleu bleu;
  bleu.add("", "a reference");
  EXPECT_EQ(bleu.result().score, 0);
  EXPECT_EQ(bleu.result().brevity_penalty, 0);
  Bleu empty;
  empty.add("", "");
  EXPECT_EQ(empty.result().score, 0);
  EXPECT_EQ(empty.result().brevity_penalty, 1);
}

TEST(Bleu, Tokens) {
  const auto tokens_13a = [](const char* text) {
    return bleu_tokens(text, BleuTokenizer::mteval_13a);
  };
  EXPECT_EQ(tokens_13a("It's 3,000.5 -- or \"so\" (e.g.), no?"),
            "It's 3,000.5 -- or \" so \" ( e . g . ) , no ?");
  EXPECT_EQ(tokens_13a("1990-95 &quot;A&quot; &amp;lt; half-\nway\nup<skipped>"),
            "1990 - 95 \" A \" < halfway up");
  EXPECT_EQ(bleu_tokens("¿Qué? 3,5 €5 2.", BleuTokenizer::international), "¿ Qué ? 3,5 € 5 2.");
  EXPECT_EQ(bleu_tokens("né 日", BleuTokenizer::characters), "n é 日");
  EXPECT_EQ(bleu_tokens(" a,\u00a0b\u3000 ", BleuTokenizer::none), "a, b");
}

TEST(Bleu, SignatureCarriesOurVersion) {
  Bleu bleu;
  bleu.add("a", "a");
  EXPECT_EQ(bleu.signature(), "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:gradus-0.1.0");
  bleu.add("a", {"a", "b"});
  EXPECT_THAT(bleu.signature(), testing::StartsWith("nrefs:var|"));
  Bleu other({.tokenizer = BleuTokenizer::international,
              .smoothing = BleuSmoothing::floor,
              .lowercase = true,
              .effective_order = true});
  other.add("A", "a");
  EXPECT_EQ(other.signature(),
            "nrefs:1|case:lc|eff:yes|tok:intl|smooth:floor[0.10]|version:gradus-0.1.0");
  EXPECT_NEAR(other.result().score, 100, 1e-12);
}

TEST(Bleu, MergesCountsAndNumbersOfReferences) {
  Bleu all, a, b;
  all.add("a b c d e", "a b c d f");
  all.add("x y", "x y z");
  a.add("a b c d e", "a b c d f");
  b.add("x y", "x y z");
  Bleu merged;
  merged.merge(a);
  merged.merge(b);
  merged.merge(Bleu());
  EXPECT_EQ(merged.result().str(), all.result().str());
  EXPECT_EQ(merged.signature(), all.signature());
  Bleu two;
  two.add("a", {"a", "b"});
  merged.merge(two);
  EXPECT_THAT(merged.signature(), testing::StartsWith("nrefs:var|"));
  EXPECT_ERROR(a.merge(Bleu({.max_order = 2})), ValueError,
               "Bleu: merge: the options here are not those there");
  EXPECT_THROW(a.merge(Bleu({.tokenizer = BleuTokenizer::none})), ValueError);
}

TEST(Bleu, BrokenInputSaysWhatIsWrongAndChangesNothing) {
  Bleu bleu;
  EXPECT_ERROR(bleu.result(), ValueError,
               "Bleu: there is no result yet: nothing that counts was added");
  EXPECT_THROW(bleu.signature(), ValueError);
  EXPECT_ERROR(bleu.add("a", std::vector<std::string>()), ValueError,
               "Bleu: a hypothesis has no reference");
  EXPECT_ERROR(bleu.add("ab\xff", "a"), FormatError,
               "Bleu: the hypothesis is not UTF-8 at byte 2: convert it first");
  EXPECT_ERROR(bleu.add("a", {"a", "\xc3("}), FormatError,
               "Bleu: a reference is not UTF-8 at byte 0: convert it first");
  EXPECT_THROW(bleu.result(), ValueError);
  EXPECT_ERROR(Bleu({.max_order = 0}), ValueError, "Bleu: max_order is 0: it must be above 0");
  EXPECT_ERROR(Bleu({.smooth_value = -1}), ValueError,
               "Bleu: smooth_value is -1: it must be positive and finite");
}

// Erasing each of them in place would move all that follows.
TEST(Bleu, OfLongTextsWithManyMarksToRemoveIsNotSlow) {
  for (const std::string mark : {"-\n", "<skipped>", "&amp;"}) {
    std::string text;
    while (text.size() < 4'000'000) text += mark;
    text += "the end";
    Bleu bleu({.max_order = 1});
    bleu.add("the end", text);
    EXPECT_EQ(bleu.result().counts[0], 2) << mark;
    EXPECT_EQ(bleu.result().reference_length, mark == "&amp;" ? 800'002 : 2) << mark;
  }
}

}  // namespace
}  // namespace gradus
