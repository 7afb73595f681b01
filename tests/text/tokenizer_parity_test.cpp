// Faults that tests/scripts/tokenizers_check.sh found; what is expected is what Hugging Face's
// library gives.
#include <gradus/framework/text/tokenizer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace gradus;

namespace {

using Ids = std::vector<std::int64_t>;

Tokenizer golden(const std::string& name) {
  return Tokenizer::load("tests/golden/tokenizers/" + name + ".json");
}

Tokenizer of_white_space() {
  return Tokenizer::from_json(
      R"({"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2}},
          "pre_tokenizer": {"type": "Whitespace"}})");
}

}  // namespace

TEST(TokenizerParity, ATemplateGivesTypesWithoutItsTokens) {
  const EncodeOptions plain{.add_special_tokens = false};
  EXPECT_EQ(golden("roberta").encode("a", "b", plain).type_ids, Ids(2, 0));
  EXPECT_EQ(golden("bert").encode("a", "b", plain).type_ids, (Ids{0, 1}));
}

TEST(TokenizerParity, TokensThatAreLeftOutTakeNoRoom) {
  const Encoding encoding = golden("bert").encode(
      "a b c d", {.add_special_tokens = false, .truncation = Truncation{.max_length = 3}});
  EXPECT_EQ(encoding.size(), 3);
}

TEST(TokenizerParity, TheFirstBlankOfEachPartCountsAsAdded) {
  const Encoding encoding = golden("roberta").encode(
      "And the earth the",
      {.add_special_tokens = false, .truncation = Truncation{.max_length = 2}});
  EXPECT_EQ(encoding.offsets, (std::vector<ByteSpan>{{0, 3}, {4, 7}}));
  ASSERT_EQ(encoding.overflowing.size(), 1U);
  EXPECT_EQ(encoding.overflowing[0].offsets, (std::vector<ByteSpan>{{7, 13}, {14, 17}}));
}

TEST(TokenizerParity, TheMongolianVowelSeparatorIsNoWhiteSpace) {
  const Encoding encoding = of_white_space().encode("a\u180Eb");
  EXPECT_EQ(encoding.ids, (Ids{1, 0, 2}));
  EXPECT_EQ(encoding.offsets, (std::vector<ByteSpan>{{0, 1}, {1, 4}, {4, 5}}));
}

TEST(TokenizerParity, SoItIsInExpressions) {
  const Tokenizer tokenizer = Tokenizer::from_json(
      R"({"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2}},
          "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[\\s]|\\\\s"}, "behavior": "Removed"}})");
  EXPECT_EQ(tokenizer.encode("a b\u2003a\u0085b").ids, (Ids{1, 2, 1, 2}));
  EXPECT_EQ(tokenizer.encode("a\u180Eb").ids, Ids{0});
  EXPECT_EQ(tokenizer.encode("a\\sb").ids, (Ids{1, 2}));  // a backslash and an s
}

TEST(TokenizerParity, WordsEndWhereBytesAreNotUtf8) {
  EXPECT_EQ(of_white_space()
                .encode("a\xFF"
                        "b")
                .ids,
            (Ids{1, 0, 2}));
}
