// Faults that tests/scripts/tokenizers_check.sh found; what is expected is what Hugging Face's
// library gives.
#include <gradus/framework/text/tokenizer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace gradus;
using nlohmann::json;

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

// Hugging Face's own trainer writes such a file if its texts have a special token.
// Expected values: Hugging Face's tokenizers 0.23.3.
TEST(TokenizerParity, OfAPieceThatIsThereTwiceTheLastOneCounts) {
  const json file = json::parse(R"({"model": {"type": "Unigram", "unk_id": 0, "vocab": [
    ["<unk>", 0.0], ["[CLS]", 0.0], ["a", -2.0], ["b", -3.0], ["[CLS]", -5.0], ["b", -1.0],
    ["ab", -4.5]]}, "added_tokens": [{"id": 1, "content": "[CLS]", "special": true}]})");
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  const Ids ids{1, 2, 3, 4, 5};
  for (const Tokenizer& each : {tokenizer, Tokenizer::from_json(tokenizer.json())}) {
    EXPECT_EQ(each.encode("ab[CLS]b").ids, (Ids{2, 5, 4, 5}));
    EXPECT_EQ(each.id("[CLS]"), 4);
    EXPECT_EQ(each.id("b"), 5);
    EXPECT_EQ(each.token(1), "[CLS]");
    EXPECT_EQ(each.token(3), "b");
    EXPECT_EQ(each.size(), 7);
    EXPECT_EQ(each.decode(ids), "a b b");
    EXPECT_EQ(each.decode(ids, {.skip_special_tokens = false}), "[CLS] a b [CLS] b");
  }
  EXPECT_EQ(json::parse(tokenizer.json())["model"]["vocab"], file["model"]["vocab"]);
}

// Expected values: Hugging Face's tokenizers 0.23.3.
TEST(TokenizerParity, AnAddedTokenHasTheIdOfTheModel) {
  for (const int id : {0, 1, 7}) {
    const json file = {
        {"model",
         {{"type", "WordLevel"}, {"unk_token", "?"}, {"vocab", {{"a", 0}, {"b", 1}, {"?", 2}}}}},
        {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
        {"added_tokens", {{{"id", id}, {"content", "b"}, {"special", true}}}}};
    const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
    EXPECT_EQ(tokenizer.encode("a b a").ids, (Ids{0, 1, 0})) << id;
    EXPECT_EQ(tokenizer.id("b"), 1);
    EXPECT_EQ(tokenizer.size(), 3);
  }
}
