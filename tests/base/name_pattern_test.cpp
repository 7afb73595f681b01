#include <gmock/gmock.h>
#include <gradus/framework/base/detail/name_pattern.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

using detail::match_name;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST(NamePattern, MatchesWholeNames) {
  EXPECT_THAT(match_name("a.b", "a.b"), Optional(IsEmpty()));
  EXPECT_THAT(match_name("", ""), Optional(IsEmpty()));
  for (const char* pattern : {"", "a", "a.", "b", ".b", "a.b.", "a?", "?", "a*c", "*a", "a.b?"}) {
    EXPECT_EQ(match_name("a.b", pattern), std::nullopt) << pattern;
  }
  EXPECT_EQ(match_name("", "?"), std::nullopt);
  EXPECT_EQ(match_name("ab", "*b?"), std::nullopt);
}

TEST(NamePattern, TellsWhatWildcardsStandFor) {
  EXPECT_THAT(match_name("", "*"), Optional(ElementsAre("")));
  EXPECT_THAT(match_name("h.10.w", "h.*.w"), Optional(ElementsAre("10")));
  EXPECT_THAT(match_name("h.1.w", "?.?.*"), Optional(ElementsAre("h", "1", "w")));
  EXPECT_THAT(match_name("h.1.w", "*h.1.w*"), Optional(ElementsAre("", "")));
  EXPECT_THAT(match_name("xaab", "*a?b"), Optional(ElementsAre("x", "a")));
}

TEST(NamePattern, MakesTheFirstStarsAsShortAsTheNameAllows) {
  EXPECT_THAT(match_name("a.b.c", "*.*"), Optional(ElementsAre("a", "b.c")));
  EXPECT_THAT(match_name("a.bias.bias", "*.bias"), Optional(ElementsAre("a.bias")));
  EXPECT_THAT(match_name("a.x.b.x.y", "*.x.*?y"), Optional(ElementsAre("a", "b.x", ".")));
  EXPECT_THAT(match_name("abcbcd", "*bc*?d"), Optional(ElementsAre("a", "b", "c")));
}

}  // namespace
}  // namespace gradus
