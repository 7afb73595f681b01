#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/io/file_testing.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace gradus;
using nlohmann::json;

namespace {

using Ids = std::vector<std::int64_t>;

constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
const std::vector<std::string> texts{"a b", "a"};

json letters() {
  return json::parse(R"({"model": {"type": "WordLevel", "unk_token": "[UNK]",
    "vocab": {"a": 0, "b": 1, "[UNK]": 2}}, "pre_tokenizer": {"type": "WhitespaceSplit"}})");
}

json with_padding(const json& strategy, std::int64_t multiple) {
  json file = letters();
  file["padding"] = {{"strategy", strategy}, {"pad_to_multiple_of", multiple}, {"pad_id", 9}};
  return file;
}

json with_truncation(std::int64_t max_length, std::int64_t stride) {
  json file = letters();
  file["truncation"] = {{"max_length", max_length}, {"stride", stride}};
  return file;
}

std::vector<Ids> batch(const json& file) {
  std::vector<Ids> result;
  for (const Encoding& each : Tokenizer::from_json(file.dump()).encode_batch(texts))
    result.push_back(each.ids);
  return result;
}

std::string refused(const json& file) {
  return message_of<FormatError>([&] { Tokenizer::from_json(file.dump()); });
}

std::string refused(const EncodeOptions& options) {
  const Tokenizer tokenizer = Tokenizer::from_json(letters().dump());
  const std::string message =
      message_of<ValueError>([&] { (void)tokenizer.encode_batch(texts, options); });
  EXPECT_EQ(message_of<ValueError>([&] { (void)tokenizer.encode("a b", options); }), message);
  EXPECT_EQ(message_of<ValueError>([&] { (void)tokenizer.encode("a", "b", options); }), message);
  return message;
}

}  // namespace

TEST(BatchPadding, RefusesLengthsThatAreNone) {
  for (const std::int64_t length : {std::int64_t{0}, std::int64_t{-1}, greatest}) {
    EXPECT_EQ(refused({.padding = BatchPadding{.length = length}}),
              "Tokenizer: padding: length is " + std::to_string(length) +
                  ", outside [1, 16777216]: leave it out for the length of the longest text");
    EXPECT_EQ(refused({.padding = BatchPadding{.pad_to_multiple_of = length}}),
              "Tokenizer: padding: pad_to_multiple_of is " + std::to_string(length) +
                  ", outside [1, 16777216]: leave it out for any length");
  }
}

TEST(BatchPadding, OfAFileNamesItsMember) {
  EXPECT_EQ(refused(with_padding({{"Fixed", -1}}, 1)),
            "Tokenizer::from_json: padding: strategy.Fixed is -1, outside [1, 16777216]: leave it "
            "out for the length of the longest text");
  EXPECT_EQ(refused(with_padding("BatchLongest", -3)),
            "Tokenizer::from_json: padding: pad_to_multiple_of is -3, outside [1, 16777216]: leave "
            "it out for any length");
}

// Expected values: Hugging Face's tokenizers 0.23.3.
TEST(BatchPadding, OfAFileMayBeZeroForNone) {
  EXPECT_EQ(batch(with_padding("BatchLongest", 0)), (std::vector<Ids>{{0, 1}, {0, 9}}));
  EXPECT_EQ(batch(with_padding({{"Fixed", 3}}, 0)), (std::vector<Ids>{{0, 1, 9}, {0, 9, 9}}));
  EXPECT_EQ(batch(with_padding({{"Fixed", 3}}, 4)), (std::vector<Ids>{{0, 1, 9, 9}, {0, 9, 9, 9}}));
  EXPECT_EQ(batch(with_padding({{"Fixed", 0}}, 0)), (std::vector<Ids>{{0, 1}, {0}}));
  EXPECT_EQ(batch(with_padding({{"Fixed", 0}}, 4)), (std::vector<Ids>{{0, 1}, {0}}));
}

TEST(Truncation, RefusesNegativeLengths) {
  for (const std::int64_t stride : {std::int64_t{-1}, -greatest - 1}) {
    const std::string message =
        "stride is " + std::to_string(stride) +
        ": it is a number of tokens that are repeated, at least 0; take 0 for none";
    EXPECT_EQ(refused({.truncation = Truncation{.max_length = 1, .stride = stride}}),
              "Tokenizer: truncation: " + message);
    if (stride == -1) {
      EXPECT_EQ(refused(with_truncation(1, -1)), "Tokenizer::from_json: truncation: " + message);
    }
  }
  const std::string message =
      "max_length is -1: it is a number of tokens, at least 0; for no limit, ask for no truncation";
  EXPECT_EQ(refused({.truncation = Truncation{.max_length = -1}}),
            "Tokenizer: truncation: " + message);
  EXPECT_EQ(refused(with_truncation(-1, 0)), "Tokenizer::from_json: truncation: " + message);
}
