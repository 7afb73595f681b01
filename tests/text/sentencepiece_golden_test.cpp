// What SentencePiece makes of texts: tests/golden/make_sentencepiece.py.
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace gradus;
using nlohmann::json;

namespace {

// Or other models and cases of make_sentencepiece.py.
const char* const given_folder = std::getenv("GRADUS_SENTENCEPIECE");
const std::string folder = given_folder != nullptr ? given_folder : "tests/golden/sentencepiece/";

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".model") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Tokenizer model(const std::string& name) {
  return Tokenizer::load_sentencepiece(folder + name + ".model");
}

std::vector<json> cases_of(const std::string& name, bool drawn = false) {
  std::vector<json> cases;
  std::ifstream file(folder + name + ".cases");
  for (std::string line; std::getline(file, line);) {
    json each = json::parse(line);
    if (drawn != each.contains("begins")) cases.push_back(std::move(each));
  }
  return cases;
}

std::string text_of(const json& given) {
  if (given.contains("text")) return given["text"];
  const std::string hex = given["hex"];
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return text;
}

// SentencePiece writes U+FFFD for bytes that make no character; ours keeps them.
std::string with_replacements(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const detail::Character c = detail::decode_utf8(text, i);
    result += c.code == detail::not_utf8 ? "\xEF\xBF\xBD" : text.substr(i, c.length);
    i += c.length;
  }
  return result;
}

// Where a piece ends within what one character became, SentencePiece has it end before that
// character; ours has it end after.
void expect_places(const Encoding& encoding, const json& wanted) {
  const auto begins = wanted["begins"].get<std::vector<std::int64_t>>();
  const auto ends = wanted["ends"].get<std::vector<std::int64_t>>();
  ASSERT_EQ(encoding.offsets.size(), begins.size());
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const ByteSpan span = encoding.offsets[i];
    EXPECT_EQ(span.begin, begins[i]) << text_of(wanted) << " at " << i;
    if (span.end == ends[i]) continue;
    std::size_t next = i + 1;
    while (next + 1 < begins.size() && ends[next] == ends[i]) ++next;
    ASSERT_LT(next, begins.size()) << text_of(wanted) << " at " << i;
    EXPECT_EQ(begins[next], ends[i]) << text_of(wanted) << " at " << i;
    EXPECT_GT(span.end, ends[i]) << text_of(wanted) << " at " << i;
    EXPECT_LE(span.end, ends[next]) << text_of(wanted) << " at " << i;
  }
}

class SentencePieceGolden : public testing::TestWithParam<std::string> {};

}  // namespace

TEST_P(SentencePieceGolden, EncodesAsTheOriginalDoes) {
  const Tokenizer tokenizer = model(GetParam());
  const std::vector<json> cases = cases_of(GetParam());
  ASSERT_GT(cases.size(), 20U);
  for (const json& wanted : cases) {
    const Encoding encoding = tokenizer.encode(text_of(wanted));
    EXPECT_EQ(json(encoding.ids), wanted["ids"]) << text_of(wanted);
    if (json(encoding.ids) == wanted["ids"]) expect_places(encoding, wanted);
  }
}

TEST_P(SentencePieceGolden, DecodesAsTheOriginalDoes) {
  const Tokenizer tokenizer = model(GetParam());
  for (const bool drawn : {false, true}) {
    const std::vector<json> cases = cases_of(GetParam(), drawn);
    ASSERT_GT(cases.size(), 3U);
    for (const json& wanted : cases) {
      const auto ids = wanted["ids"].get<std::vector<std::int64_t>>();
      EXPECT_EQ(with_replacements(tokenizer.decode(ids)), wanted["decoded"]) << json(ids);
    }
  }
}

TEST_P(SentencePieceGolden, GivesTheTextPieceByPiece) {
  const Tokenizer tokenizer = model(GetParam());
  for (const bool drawn : {false, true}) {
    for (const json& given : cases_of(GetParam(), drawn)) {
      const auto ids = given["ids"].get<std::vector<std::int64_t>>();
      DecodeStream stream(tokenizer);
      std::string text;
      for (const std::int64_t id : ids) text += stream.step(id);
      text += stream.finish();
      EXPECT_EQ(text, tokenizer.decode(ids)) << json(ids);
    }
  }
}

TEST_P(SentencePieceGolden, IsSavedWithTheSameIdsOrNotAtAll) {
  const Tokenizer tokenizer = model(GetParam());
  const bool is_expressed = GetParam() == "unigram" || GetParam() == "bpe" ||
                            GetParam().starts_with("bpe_llama") || GetParam() == "bpe_gemma";
  if (!is_expressed) {
    EXPECT_THROW(tokenizer.json(), ValueError);
    return;
  }
  const Tokenizer saved = Tokenizer::from_json(tokenizer.json());
  EXPECT_EQ(saved.size(), tokenizer.size());
  for (const json& given : cases_of(GetParam())) {
    const std::string text = text_of(given);
    if (given.contains("hex") || text.find('<') != std::string::npos) continue;
    EXPECT_EQ(saved.encode(text).ids, tokenizer.encode(text).ids) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SentencePieceGolden, testing::ValuesIn(model_names()),
                         [](const auto& given) { return given.param; });
