#include <gradus/framework/text/detail/unicode.h>
#include <gradus/framework/text/unicode.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace gradus;

namespace {

std::string utf8(const std::vector<std::uint32_t>& codes) {
  std::string text;
  for (const std::uint32_t code : codes) detail::append_utf8(code, text);
  return text;
}

struct Forms {
  std::vector<std::uint32_t> source, nfc, nfd, nfkc, nfkd;
};

bool is_surrogate(std::uint32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

}  // namespace

// UAX 15, figures 3 to 6 and table 8; rows of NormalizationTest.txt.
TEST(UnicodeNormalize, GivesTheFourForms) {
  const std::vector<Forms> all{
      {{0x212B}, {0xC5}, {0x41, 0x30A}, {0xC5}, {0x41, 0x30A}},
      {{0x1E9B, 0x323}, {0x1E9B, 0x323}, {0x17F, 0x323, 0x307}, {0x1E69}, {0x73, 0x323, 0x307}},
      {{0xFB01}, {0xFB01}, {0xFB01}, {0x66, 0x69}, {0x66, 0x69}},
      {{0x1E0A, 0x323},
       {0x1E0C, 0x307},
       {0x44, 0x323, 0x307},
       {0x1E0C, 0x307},
       {0x44, 0x323, 0x307}},
      {{0x71, 0x307, 0x323},
       {0x71, 0x323, 0x307},
       {0x71, 0x323, 0x307},
       {0x71, 0x323, 0x307},
       {0x71, 0x323, 0x307}},
      {{0xAC01}, {0xAC01}, {0x1100, 0x1161, 0x11A8}, {0xAC01}, {0x1100, 0x1161, 0x11A8}},
      {{0x1100, 0x1161, 0x11A8},
       {0xAC01},
       {0x1100, 0x1161, 0x11A8},
       {0xAC01},
       {0x1100, 0x1161, 0x11A8}},
      {{0xAC00, 0x11A8}, {0xAC01}, {0x1100, 0x1161, 0x11A8}, {0xAC01}, {0x1100, 0x1161, 0x11A8}},
      {{0x958, 0x61},
       {0x915, 0x93C, 0x61},
       {0x915, 0x93C, 0x61},
       {0x915, 0x93C, 0x61},
       {0x915, 0x93C, 0x61}},
      {{0x61, 0x315, 0x300, 0x5AE, 0x300, 0x62},
       {0xE0, 0x5AE, 0x300, 0x315, 0x62},
       {0x61, 0x5AE, 0x300, 0x300, 0x315, 0x62},
       {0xE0, 0x5AE, 0x300, 0x315, 0x62},
       {0x61, 0x5AE, 0x300, 0x300, 0x315, 0x62}},
      {{0x65, 0x78, 0x301},
       {0x65, 0x78, 0x301},
       {0x65, 0x78, 0x301},
       {0x65, 0x78, 0x301},
       {0x65, 0x78, 0x301}}};
  for (const Forms& forms : all) {
    const std::string source = utf8(forms.source);
    EXPECT_EQ(unicode_normalize(source, NormalForm::nfc), utf8(forms.nfc)) << source;
    EXPECT_EQ(unicode_normalize(source, NormalForm::nfd), utf8(forms.nfd)) << source;
    EXPECT_EQ(unicode_normalize(source, NormalForm::nfkc), utf8(forms.nfkc)) << source;
    EXPECT_EQ(unicode_normalize(source, NormalForm::nfkd), utf8(forms.nfkd)) << source;
  }
}

// UAX 15, section 13: of all characters.
TEST(UnicodeNormalize, FormsOfFormsAreWhatTheyShouldBe) {
  for (std::uint32_t code = 1; code <= 0x10FFFF; code += code < 0x3200 ? 1 : 7) {
    if (is_surrogate(code)) continue;
    const std::string source = "a" + utf8({code, 0x301});
    const std::string nfc = unicode_normalize(source, NormalForm::nfc);
    const std::string nfd = unicode_normalize(source, NormalForm::nfd);
    const std::string nfkd = unicode_normalize(source, NormalForm::nfkd);
    ASSERT_EQ(unicode_normalize(nfc, NormalForm::nfc), nfc) << code;
    ASSERT_EQ(unicode_normalize(nfd, NormalForm::nfc), nfc) << code;
    ASSERT_EQ(unicode_normalize(nfc, NormalForm::nfd), nfd) << code;
    ASSERT_EQ(unicode_normalize(nfd, NormalForm::nfkd), nfkd) << code;
    ASSERT_EQ(unicode_normalize(unicode_normalize(source, NormalForm::nfkc), NormalForm::nfkd),
              nfkd)
        << code;
  }
}

TEST(UnicodeNormalize, KeepsBytesThatAreNotUtf8) {
  const std::string bad =
      std::string("a\xFF\xC3", 3) + "e\u0301" + std::string("\xED\xA0\x80\0", 4);
  EXPECT_EQ(unicode_normalize(bad, NormalForm::nfc),
            std::string("a\xFF\xC3", 3) + "\u00E9" + std::string("\xED\xA0\x80\0", 4));
  EXPECT_EQ(unicode_normalize("", NormalForm::nfkd), "");
}

TEST(UnicodeNormalize, SortsManyMarksWithoutComparingAllPairs) {
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) text += i % 2 == 0 ? "\u0301" : "\u0323";
  const std::string sorted = unicode_normalize(text, NormalForm::nfd);
  ASSERT_EQ(sorted.size(), text.size());
  EXPECT_EQ(sorted.substr(0, 5), "a\u0323\u0323");
  EXPECT_EQ(sorted.substr(sorted.size() - 4), "\u0301\u0301");
}

TEST(Lowercase, IsThatOfEachCharacterInAnyLocale) {
  EXPECT_EQ(lowercase("ABC \u00C9 \u0394\u03A3 \u0130 \u1E9E \u2160"),
            "abc \u00E9 \u03B4\u03C3 i\u0307 \u00DF \u2170");
  EXPECT_EQ(lowercase("\xFF\xC3"
                      "A"),
            "\xFF\xC3"
            "a");
}

TEST(CaseFold, MakesFormsOfOneWordEqual) {
  EXPECT_EQ(case_fold("Stra\u00DFe"), case_fold("STRASSE"));
  EXPECT_EQ(case_fold("\u03A3\u03C2\u03C3"), "\u03C3\u03C3\u03C3");
  EXPECT_EQ(case_fold("\uFB03"), "ffi");
  EXPECT_EQ(case_fold("\xFFQ"), "\xFFq");
}

TEST(StripAccents, LeavesTheLetters) {
  EXPECT_EQ(strip_accents("na\u00EFve caf\u00E9 \u1EAC \u00D8"), "naive cafe A \u00D8");
  EXPECT_EQ(strip_accents("e\u0301\xFF"), "e\xFF");
}

TEST(CodePoints, AreTheCharacters) {
  EXPECT_EQ(code_points("a\u00E9\U0001F44D\xFF"),
            (std::vector<std::string>{"a", "\u00E9", "\U0001F44D", "\xFF"}));
  EXPECT_TRUE(code_points("").empty());
}

// UAX 29, GraphemeBreakTest.txt.
TEST(GraphemeClusters, KeepWhatPeopleTakeForOneCharacterTogether) {
  EXPECT_EQ(grapheme_clusters("e\u0301x"), (std::vector<std::string>{"e\u0301", "x"}));
  EXPECT_EQ(grapheme_clusters("\r\n\n"), (std::vector<std::string>{"\r\n", "\n"}));
  const std::string family = "\U0001F468\u200D\U0001F469\u200D\U0001F466",
                    flag = "\U0001F1EB\U0001F1F7";
  EXPECT_EQ(grapheme_clusters(family + flag + flag),
            (std::vector<std::string>{family, flag, flag}));
  EXPECT_EQ(grapheme_clusters("\u1100\u1161\u11A8\uAC00"),
            (std::vector<std::string>{"\u1100\u1161\u11A8", "\uAC00"}));
  EXPECT_EQ(grapheme_clusters("a\xFF\xFF\u0301"),
            (std::vector<std::string>{"a", "\xFF", "\xFF", "\u0301"}));
  EXPECT_TRUE(grapheme_clusters("").empty());
}
