#pragma once
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#define EXPECT_MESSAGE(type, text, expression) \
  EXPECT_EQ(message_of<type>([&] { static_cast<void>(expression); }), text)

/// What the tests of tokenizers share.
namespace gradus {

inline std::vector<std::int64_t> ids(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text).ids;
}

inline const std::string golden_tokenizers = "tests/golden/tokenizers/";

/// One of the golden tokenizers.
inline nlohmann::json file_of(const std::string& name) {
  std::ifstream file(golden_tokenizers + name + ".json");
  return nlohmann::json::parse(file);
}

/// A tokenizer of five words.
inline nlohmann::json small() {
  return nlohmann::json::parse(
      R"({"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "sea": 1, "##s": 2, "the": 3, "[X]": 4}},
    "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": {"type": "WordPiece"}, "added_tokens": [{"id": 4, "content": "[X]", "special": true}]})");
}

inline void expect_refused(const nlohmann::json& file, const std::string& message) {
  EXPECT_MESSAGE(FormatError, message, Tokenizer::from_json(file.dump()));
}

}  // namespace gradus
