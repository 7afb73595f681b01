#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/text/tokenizer_testing.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace gradus;
using nlohmann::json;

TEST(Tokenizer, NamesThePlaceWhereAFileIsNotJson) {
  EXPECT_MESSAGE(FormatError, "Tokenizer::from_json:2:12: not JSON",
                 Tokenizer::from_json("{\n  \"model\": x}"));
  EXPECT_MESSAGE(FormatError, "Tokenizer::from_json:1:9: not JSON: the text ends too early",
                 Tokenizer::from_json("{\"model\""));
  EXPECT_MESSAGE(FormatError, "Tokenizer::from_json: the key 'b' is there twice",
                 Tokenizer::from_json(R"({"a": {"b": 1, "c": 2, "b": 3}})"));
  EXPECT_MESSAGE(FormatError, "Tokenizer::from_json: nested more than 100 levels deep",
                 Tokenizer::from_json(std::string(200000, '[')));
  EXPECT_MESSAGE(FormatError, "Tokenizer::from_json: has no \"model\"", Tokenizer::from_json("{}"));
  EXPECT_MESSAGE(FormatError, "Tokenizer::from_json: is array, not an object",
                 Tokenizer::from_json("[]"));
}

TEST(Tokenizer, NamesThePlaceOfWhatIsNotSupported) {
  json file = small();
  file["normalizer"] = {{"type", "Sequence"},
                        {"normalizers", {{{"type", "NFC"}}, {{"type", "Nmt"}}}}};
  expect_refused(file,
                 "Tokenizer::from_json: normalizer.normalizers[1].type: 'Nmt' is no normalizer "
                 "that is supported");
  file = small();
  file["pre_tokenizer"]["type"] = "UnicodeScripts";
  expect_refused(file,
                 "Tokenizer::from_json: pre_tokenizer.type: 'UnicodeScripts' is no pre-tokenizer "
                 "that is supported");
  file = small();
  file["model"]["type"] = "Other";
  expect_refused(file, "Tokenizer::from_json: model.type: 'Other' is no model that is supported");
  file = small();
  file["decoder"] = {{"type", "CTC"}};
  expect_refused(file, "Tokenizer::from_json: decoder.type: 'CTC' is no decoder that is supported");
  file = small();
  file["post_processor"] = {{"type", "Other"}};
  expect_refused(
      file,
      "Tokenizer::from_json: post_processor.type: 'Other' is no post-processor that is supported");
  file = file_of("roberta");
  file["model"]["dropout"] = 0.1;
  expect_refused(file,
                 "Tokenizer::from_json: model.dropout: merges that are left out at random are not "
                 "supported: set it to null");
}

TEST(Tokenizer, RefusesSizesThatNoTextNeeds) {
  json file = small();
  file["padding"] = {{"strategy", {{"Fixed", 1'000'000'000'000}}}};
  expect_refused(file,
                 "Tokenizer::from_json: padding: strategy.Fixed is 1000000000000, outside [1, "
                 "16777216]: leave it out for the length of the longest text");
  file = small();
  file["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1 << 20, 'b')}};
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_MESSAGE(ValueError,
                 "Tokenizer: the normalizer Replace would put 1048576 bytes into the place of each "
                 "of 2000 matches",
                 tokenizer.encode(std::string(2000, 'a')));
}

TEST(Tokenizer, RefusesPiecesThatContradictThemselves) {
  json file = json::parse(
      R"({"model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0.0], ["a", -1.0]]}})");
  EXPECT_EQ(ids(Tokenizer::from_json(file.dump()), "aaxya"),
            (std::vector<std::int64_t>{1, 1, 0, 1}));
  file["model"]["unk_id"] = 2;
  expect_refused(
      file, "Tokenizer::from_json: model: the unknown piece has the id 2, but there are 2 pieces");
  file["model"]["unk_id"] = nullptr;
  EXPECT_MESSAGE(ValueError, "no piece has 'xy', and there is no unknown piece",
                 Tokenizer::from_json(file.dump()).encode("axya"));
  file["model"]["vocab"][1] = json::array({"", -1.0});
  expect_refused(file, "Tokenizer::from_json: model: piece 1 is empty");
  file["model"]["vocab"][1] = json::array({"a"});
  expect_refused(file, "Tokenizer::from_json: model.vocab[1]: is not a piece and its score");
  file = small();
  file["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA*"}};
  expect_refused(
      file, "Tokenizer::from_json: normalizer.precompiled_charsmap: character 4 is not of base64");
  file["normalizer"]["precompiled_charsmap"] = "//8AAAAA";
  expect_refused(file,
                 "Tokenizer::from_json: normalizer.precompiled_charsmap: a table of 6 bytes has no "
                 "trie of 65535 bytes");
}

TEST(Tokenizer, RefusesAVocabularyThatContradictsItself) {
  json file = small();
  file["model"]["vocab"]["the"] = 1;
  expect_refused(
      file, "Tokenizer::from_json: model.vocab: the tokens 'sea' and 'the' have the same id, 1");
  file["model"]["vocab"]["the"] = -1;
  expect_refused(file, "Tokenizer::from_json: model.vocab: token 'the' has the id -1");
  file["model"]["vocab"]["the"] = "1";
  expect_refused(file, "Tokenizer::from_json: model.vocab: the id of 'the' is not an integer");
  file = small();
  file["model"]["unk_token"] = "?";
  expect_refused(file,
                 "Tokenizer::from_json: model: the unknown token '?' is not in the vocabulary");
  file = file_of("roberta");
  file["model"]["merges"][3] = "a b c";
  expect_refused(
      file,
      "Tokenizer::from_json: model.merges[3]: 'a b c' is not two tokens with a blank between them");
  file = file_of("bert_left");
  file["post_processor"]["special_tokens"].erase("[CLS]");
  expect_refused(file, "Tokenizer::from_json: post_processor.special_tokens: has no \"[CLS]\"");
}

// Tables of a model are read element by element: what is wrong in them is told as elsewhere.
TEST(Tokenizer, NamesThePlaceOfWhatIsWrongInATable) {
  const auto expect_refused_model = [](const std::string& model, const std::string& message) {
    EXPECT_MESSAGE(FormatError, "Tokenizer::from_json: " + message,
                   Tokenizer::from_json("{\"model\": {" + model + "}}"));
  };
  const std::string words = R"("type": "WordLevel", "unk_token": "a", )",
                    bpe = R"("type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, )";
  expect_refused_model(words + R"("vocab": {"a": 0, "b": 1, "a": 2})",
                       "model.vocab: the token 'a' has two ids, 0 and 2");
  expect_refused_model(words + R"("vocab": {"a": 0, "b": 1, "a": 0})",
                       "model.vocab: the token 'a' is there twice, with the id 0");
  expect_refused_model(words + R"("vocab": {"a": 0}, "vocab": {"b": 1})",
                       "the key 'vocab' is there twice");
  expect_refused_model(words + R"("vocab": {"a": 9007199254740992})",
                       "model.vocab: the id of 'a' is above 9007199254740991");
  expect_refused_model(words + R"("vocab": {"a": 0, "b": 1.5, "c": "d"})",
                       "model.vocab: the id of 'b' is not an integer");
  expect_refused_model(words + R"("vocab": [["a", 0]])",
                       "model.vocab: is array, not an object of tokens and their ids");
  expect_refused_model(bpe + R"("merges": [["a", "b"], ["a"]])",
                       "model.merges[1]: has 1 parts, not two");
  expect_refused_model(bpe + R"("merges": ["a b", ["a", 1]])",
                       "model.merges[1][1]: is number, not a string");
  expect_refused_model(bpe + R"("merges": {"a": "b"})", "model.merges: is object, not an array");
  expect_refused_model(bpe + R"("merges": ["b a"])",
                       "model: merge 0 is 'b a', but the vocabulary has no 'ba'");
  expect_refused_model(R"("type": "Unigram", "vocab": [["a", 0], 7])",
                       "model.vocab[1]: is number, not an array");
  EXPECT_MESSAGE(
      FormatError, "Tokenizer::from_json:2:3: not JSON",
      Tokenizer::from_json("{\"model\": {\"merges\": [1], \"vocab\": {\"a\": \"b\"\n, }}}"));
}
