#include <gmock/gmock.h>
#include <gradus/framework/text/tokenize.h>

#include <clocale>
#include <cstdint>
#include <string>
#include <vector>

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

TEST(Tokenize, KeepsCapitalLettersIfToldTo) {
  EXPECT_THAT(tokenize("The Sea-King's U.S. ÀB", {.lowercase = false}),
              ElementsAre("The", "Sea-King's", "U", ".", "S", ".", "ÀB"));
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

TEST(Tokenize, SeparatesThePunctuationOfOtherScripts) {
  EXPECT_THAT(tokenize("राम गया। सीता॥"), ElementsAre("राम", "गया", "\u0964", "सीता", "\u0965"));
  EXPECT_THAT(tokenize("هل هذا؟ نعم، هذا۔"),
              ElementsAre("هل", "هذا", "\u061F", "نعم", "\u060C", "هذا", "\u06D4"));
  EXPECT_THAT(tokenize("你好，世界！（一、二）"),
              ElementsAre("你好", "，", "世界", "！", "（", "一", "、", "二", "）"));
  EXPECT_THAT(tokenize("｢コーヒー｣・＋"), ElementsAre("｢", "コーヒー", "｣", "・", "＋"));
  EXPECT_THAT(tokenize("ሰላም፡ዓለም።"), ElementsAre("ሰላም", "\u1361", "ዓለም", "\u1362"));
  EXPECT_THAT(tokenize("Բարեւ՝ ձեզ։"), ElementsAre("Բարեւ", "\u055D", "ձեզ", "\u0589"));
  EXPECT_THAT(tokenize("τι; καλά·"), ElementsAre("τι", ";", "καλά", "·"));
  EXPECT_THAT(tokenize("τι\u037E καλά\u0387"), ElementsAre("τι", "\u037E", "καλά", "\u0387"));
  EXPECT_THAT(tokenize("សួស្តី។"), ElementsAre("សួស្តី", "\u17D4"));
  EXPECT_THAT(tokenize("မင်္ဂလာပါ။"), ElementsAre("မင်္ဂလာပါ", "\u104B"));
  EXPECT_THAT(tokenize("བཀྲ་ཤིས།"), ElementsAre("བཀྲ་ཤིས", "\u0F0D"));
  EXPECT_THAT(tokenize("\U0001E900\u0964\U00011100\U00011141"),  // Adlam, Chakma: beyond U+FFFF
              ElementsAre("\U0001E900", "\u0964", "\U00011100", "\U00011141"));
  EXPECT_THAT(tokenize("\u169B\u1681\u1680\u1682\u169C"),  // Ogham's space is a line
              ElementsAre("\u169B", "\u1681", "\u1682", "\u169C"));
}

TEST(Tokenize, KeepsTheMarksThatOtherScriptsWriteInsideOfWords) {
  for (const char* word :
       {"בית־ספר", "צה״ל", "ג׳ירפה", "ի՞նչ", "col·lecció", "བཀྲ་ཤིས", "ｒｏｃｋ＇ｎ＇ｒｏｌｌ"}) {
    EXPECT_THAT(tokenize(word), ElementsAre(word));
  }
  EXPECT_THAT(tokenize("Ո՞ ·a· ־"), ElementsAre("Ո", "\u055E", "·", "a", "·", "\u05BE"));
}

TEST(Tokenize, LeavesOutWhatIsInvisible) {
  EXPECT_THAT(tokenize("co\u00ADoperate"), ElementsAre("cooperate"));
  EXPECT_THAT(tokenize("a\u2060b \u200Ec\u200F \u202Ad\u202C \uFEFFe\u034F"),
              ElementsAre("ab", "c", "d", "e"));
  EXPECT_THAT(tokenize("don\u00AD't Beth-\u00ADel -\u00AD"), ElementsAre("don't", "beth-el", "-"));
  EXPECT_THAT(tokenize("\u00AD \u200D \uFE0F \u3164 \U000E0041"), IsEmpty());
  EXPECT_THAT(tokenize("ไป\u200Bมา"), ElementsAre("ไป", "มา"));  // a space without a width
}

TEST(Tokenize, KeepsJoinersAndVariationSelectorsWithTheirWord) {
  EXPECT_THAT(tokenize("می\u200Cخواهم"), ElementsAre("می\u200Cخواهم"));
  EXPECT_THAT(tokenize("അവന്\u200D \u200Cക"), ElementsAre("അവന്\u200D", "ക"));
  EXPECT_THAT(tokenize("\u2764\uFE0F!\uFE0F"), ElementsAre("\u2764\uFE0F", "!"));
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

std::string utf8(std::uint32_t code) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  const auto more = [&](int shift) { return byte(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6), more(0)};
  if (code < 0x10000) return {byte(0xE0 | code >> 12), more(6), more(0)};
  return {byte(0xF0 | code >> 18), more(12), more(6), more(0)};
}

TEST(Tokenize, DoesOneOfFourThingsWithEachCharacterBetweenLetters) {
  using Tokens = std::vector<std::string>;
  for (std::uint32_t code = 0; code < 0xE1000; ++code) {
    if (code == 0xD800) code = 0xE000;    // after the surrogates
    if (code == 0x20000) code = 0xE0000;  // after ideographs and what is not assigned
    if (code >= 'A' && code <= 'Z') continue;
    const std::string c = utf8(code), text = "a" + c + "b";
    const Tokens tokens = tokenize(text);
    ASSERT_TRUE(tokens == Tokens{text} || tokens == Tokens{"ab"} || tokens == Tokens({"a", "b"}) ||
                tokens == Tokens({"a", c, "b"}))
        << std::hex << "U+" << code;
    for (const std::string& token : tokens) ASSERT_EQ(tokenize(token), Tokens{token});
  }
}

TEST(SplitWords, KeepsWhatIsBetweenBlanks) {
  EXPECT_THAT(split_words(" Who\tis , \r\n\v\fthe King ? "),
              ElementsAre("Who", "is", ",", "the", "King", "?"));
  EXPECT_THAT(split_words("a\u00a0b \xff"), ElementsAre("a\u00a0b", "\xff"));
  EXPECT_THAT(split_words(""), IsEmpty());
  EXPECT_THAT(split_words(" \t"), IsEmpty());
}

}  // namespace
}  // namespace gradus
