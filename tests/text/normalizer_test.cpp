#include <gradus/framework/text/detail/normalizer.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

using namespace gradus;
using detail::AlignedText;
using detail::BertNormalizer;
using detail::Span;

namespace {

// Letters, capitals, marks of several classes, blanks, characters that are removed, Chinese,
// Hangul, characters that become others or several, and bytes that are no character.
const std::vector<std::string> characters{
    "a",          "Z",          " ",          "\t",     "\x01",     "\u00E9", "\u00C9",
    "\u0301",     "\u0323",     "\u302E",     "\u00A0", "\u200D",   "\uFFFD", "\u4E2D",
    "\uF900",     "\uAC01",     "\u0130",     "\u1E9E", "\u212B",   "\u03A3", "\u1FB7",
    "\U0001D15E", "\U0001F600", "\U00020000", "\u0F73", "\xE2\x82", "\xFF"};

std::string random_text(std::mt19937& random) {
  std::string text;
  for (auto n = random() % 12; n > 0; --n) text += characters[random() % characters.size()];
  return text;
}

// The text, and where each of its bytes comes from.
void expect_same(const AlignedText& a, const AlignedText& b, const std::string& source) {
  ASSERT_EQ(a.text(), b.text()) << source;
  for (std::size_t i = 0; i < a.text().size(); ++i)
    EXPECT_EQ(a.source({i, i + 1}), b.source({i, i + 1})) << source << " at " << i;
}

}  // namespace

TEST(BertNormalizer, DoesAtOnceWhatItsStepsDoOneByOne) {
  std::mt19937 random(3);
  for (int i = 0; i < 4000; ++i) {
    const std::string source = random_text(random);
    const BertNormalizer all{.clean_text = i % 2 == 0,
                             .handle_chinese_chars = i % 3 == 0,
                             .strip_accents = i % 5 != 0,
                             .lowercase = i % 7 != 0};
    const BertNormalizer none{false, false, false, false};
    BertNormalizer clean = none, chinese = none, strip = none, lower = none;
    clean.clean_text = all.clean_text;
    chinese.handle_chinese_chars = all.handle_chinese_chars;
    strip.strip_accents = all.strip_accents;
    lower.lowercase = all.lowercase;
    AlignedText at_once(source), step_by_step(source);
    normalize(at_once, all);
    for (const BertNormalizer& step : {clean, chinese, strip, lower}) normalize(step_by_step, step);
    expect_same(at_once, step_by_step, source);
  }
}

// A mark that stays, and is ordered among others, takes the slower way; a blank keeps it apart.
TEST(BertNormalizer, DoesTheSameBesideAMarkThatHasToBeOrdered) {
  std::mt19937 random(4);
  for (int i = 0; i < 4000; ++i) {
    const std::string source = random_text(random);
    const BertNormalizer options{.clean_text = i % 2 == 0, .handle_chinese_chars = i % 3 == 0};
    AlignedText alone(source), beside(source + " \u302E");
    normalize(alone, options);
    normalize(beside, options);
    ASSERT_EQ(beside.text(), alone.text() + " \u302E") << source;
    for (std::size_t k = 0; k < alone.text().size(); ++k)
      EXPECT_EQ(alone.source({k, k + 1}), beside.source({k, k + 1})) << source << " at " << k;
  }
}

// U+302E has class 224, U+1D165 class 216: canonical order is the other way round.
TEST(BertNormalizer, OrdersMarksThatStay) {
  AlignedText text("a\u302E\U0001D165");
  normalize(text, BertNormalizer{});
  EXPECT_EQ(text.text(), "a\U0001D165\u302E");
  EXPECT_EQ(text.source({1, 5}), (Span{4, 8}));
  EXPECT_EQ(text.source({5, 8}), (Span{1, 4}));
}
