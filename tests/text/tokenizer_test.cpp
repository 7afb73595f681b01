#include <gmock/gmock.h>
#include <gradus/framework/text/tokenizer.h>

#include <clocale>
#include <string>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Tokenize, SplitsWordsAndPunctuationAndLowersAscii) {
  EXPECT_THAT(tokenize("And God said, Let there be light: and there was light."),
              ElementsAre("and", "god", "said", ",", "let", "there", "be", "light", ":", "and",
                          "there", "was", "light", "."));
  EXPECT_THAT(tokenize("(42 men)?!"), ElementsAre("(", "42", "men", ")", "?", "!"));
}

TEST(Tokenize, KeepsApostrophesAndHyphensInsideOfWordsOnly) {
  EXPECT_THAT(tokenize("God's Beth-el"), ElementsAre("god's", "beth-el"));
  EXPECT_THAT(tokenize("'tis the sons' -- so--far -"),
              ElementsAre("'", "tis", "the", "sons", "'", "-", "-", "so", "-", "-", "far", "-"));
  EXPECT_THAT(tokenize("don\u2019t"), ElementsAre("don\u2019t"));
}

TEST(Tokenize, GivesNothingForNothing) {
  EXPECT_THAT(tokenize(""), IsEmpty());
  EXPECT_THAT(tokenize(" \t\r\n\x01\x7f"), IsEmpty());
}

TEST(Tokenize, KeepsCharactersBeyondAsciiWhole) {
  EXPECT_THAT(tokenize("Ärger naïve Ω 東京"), ElementsAre("Ärger", "naïve", "Ω", "東京"));
  EXPECT_THAT(tokenize("«so» \u2014 \u201Cyes\u201D\u2026"),
              ElementsAre("«", "so", "»", "\u2014", "\u201C", "yes", "\u201D", "\u2026"));
  EXPECT_THAT(tokenize("\uFEFFone\u00A0two\u3000three\u2028four"),
              ElementsAre("one", "two", "three", "four"));
}

TEST(Tokenize, TakesZeroBytesAsSpace) {
  EXPECT_THAT(tokenize(std::string("a\0b", 3)), ElementsAre("a", "b"));
}

TEST(Tokenize, ReadsWhatIsNotUtf8AsReplacementCharacters) {
  EXPECT_THAT(tokenize("ab\xFF"), ElementsAre("ab\uFFFD"));
  EXPECT_THAT(tokenize("\x80"), ElementsAre("\uFFFD"));                                // stray
  EXPECT_THAT(tokenize("\xC3"), ElementsAre("\uFFFD"));                                // cut
  EXPECT_THAT(tokenize("\xE2\x82 x"), ElementsAre("\uFFFD\uFFFD", "x"));               // cut
  EXPECT_THAT(tokenize("\xC0\xAF"), ElementsAre("\uFFFD\uFFFD"));                      // overlong
  EXPECT_THAT(tokenize("\xED\xA0\x80"), ElementsAre("\uFFFD\uFFFD\uFFFD"));            // surrogate
  EXPECT_THAT(tokenize("\xF4\x90\x80\x80"), ElementsAre("\uFFFD\uFFFD\uFFFD\uFFFD"));  // too high
  EXPECT_THAT(tokenize("\xE0\x80\x80."), ElementsAre("\uFFFD\uFFFD\uFFFD", "."));      // overlong
  EXPECT_THAT(tokenize("\xF0\x9F\x98\x80"), ElementsAre("\xF0\x9F\x98\x80"));          // valid
}

TEST(Tokenize, DoesNotAskTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"tr_TR.UTF-8", "C", "de_DE.ISO-8859-1"}) {
    std::setlocale(LC_ALL, name);  // an absent locale changes nothing
    EXPECT_THAT(tokenize("TITLE \xC3\x9C"), ElementsAre("title", "\xC3\x9C")) << name;
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST(Tokenize, MakesTokensThatAreTokensOfAllPairsOfBytes) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      for (const std::string& token : tokenize(text)) {
        EXPECT_THAT(tokenize(token), ElementsAre(token)) << a << " " << b;
      }
    }
  }
}

}  // namespace
}  // namespace gradus
