#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/threads_guard.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

using namespace gradus;
using nlohmann::json;

namespace {

const std::string golden = "tests/golden/tokenizers/";

json file_of(const std::string& name) {
  std::ifstream file(golden + name + ".json");
  return json::parse(file);
}

std::vector<std::int64_t> ids(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text).ids;
}

class TokenizerFiles : public FolderTest {
 protected:
  std::string path(const std::string& name) const { return file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return path(name);
  }
  // GPT-2's two files, of the vocabulary of `roberta`.
  Tokenizer gpt2() const;
};
class DecodeStreams : public TokenizerFiles {};

#define EXPECT_MESSAGE(type, text, expression) \
  EXPECT_EQ(message_of<type>([&] { static_cast<void>(expression); }), text)

Tokenizer TokenizerFiles::gpt2() const {
  const json model = file_of("roberta")["model"];
  std::string merges = "#version: 0.2\n";
  for (const json& merge : model["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  return Tokenizer::load_gpt2(write("vocab.json", model["vocab"].dump()),
                              write("merges.txt", merges));
}

// A tokenizer of five words.
json small() {
  return json::parse(
      R"({"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "sea": 1, "##s": 2, "the": 3, "[X]": 4}},
    "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": {"type": "WordPiece"}, "added_tokens": [{"id": 4, "content": "[X]", "special": true}]})");
}

void expect_refused(const json& file, const std::string& message) {
  EXPECT_MESSAGE(FormatError, message, Tokenizer::from_json(file.dump()));
}

}  // namespace

TEST_F(TokenizerFiles, OfBytesLosesNoByte) {
  const Tokenizer tokenizer = gpt2();
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const std::string often = " aetE'\xC3\xA9\xFF";
    std::string text(random() % 60, ' ');
    for (char& c : text) {
      c = i % 2 == 0 ? static_cast<char>(random() % 256) : often[random() % often.size()];
    }
    EXPECT_EQ(tokenizer.decode(ids(tokenizer, text)), text);
    EXPECT_EQ(tokenizer.decode(
                  tokenizer.encode(text, {.add_special_tokens = false, .offsets = false}).ids),
              text);
  }
}

TEST_F(TokenizerFiles, GivesOffsetsThatCoverTheTextInOrder) {
  const Tokenizer tokenizer = gpt2();
  const std::string text = "It\u2019s the na\u00EFve \U0001F44D \xFF";
  std::int64_t end = 0;
  for (const ByteSpan& span : tokenizer.encode(text).offsets) {
    EXPECT_LE(span.begin, end);
    EXPECT_LT(span.begin, span.end);
    end = span.end;
  }
  EXPECT_EQ(end, std::ssize(text));
}

TEST_F(TokenizerFiles, GivesBytesThatAreNoCharacterTheirOwnPlace) {
  const std::vector<ByteSpan> spans{{0, 1}, {1, 2}, {2, 3}, {3, 5}, {3, 5}};
  EXPECT_EQ(gpt2().encode("a\xC3\xC3\xC2\xA1").offsets, spans);
  EXPECT_EQ(gpt2().encode("a\xA1\xA1\xC2\xA1").offsets, spans);
}

TEST(Tokenizer, GivesThePlaceOfAllThatBecameOneCharacter) {
  json file = small();
  file["model"]["vocab"]["\u00E9"] = 5;
  file["model"]["vocab"]["e"] = 6;
  file["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "NFC"}},
        {{"type", "Replace"}, {"pattern", {{"Regex", "x+"}}}, {"content", "e"}}}}};
  const Encoding encoding = Tokenizer::from_json(file.dump()).encode("e\u0301 xxx sea");
  EXPECT_EQ(encoding.ids, (std::vector<std::int64_t>{5, 6, 1}));
  EXPECT_EQ(encoding.offsets, (std::vector<ByteSpan>{{0, 3}, {4, 7}, {8, 11}}));
}

TEST(Tokenizer, LeavesOffsetsOut) {
  const Encoding encoding =
      Tokenizer::from_json(small().dump()).encode("the seas", {.offsets = false});
  EXPECT_EQ(encoding.ids, (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_TRUE(encoding.offsets.empty());
  EXPECT_TRUE(encoding.word_ids.empty());
  EXPECT_EQ(encoding.attention_mask, (std::vector<std::int64_t>{1, 1, 1}));
}

TEST(Tokenizer, EncodesABatchAsEachText) {
  const Tokenizer tokenizer = Tokenizer::load(golden + "llama3.json");
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(i % 7), ' ') + "the sea " +
                    std::to_string(i * 7919));
  const ThreadsGuard guard;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const std::vector<Encoding> all = tokenizer.encode_batch(texts);
    ASSERT_EQ(all.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); i += 13) {
      EXPECT_EQ(all[i].ids, ids(tokenizer, texts[i]));
      EXPECT_EQ(all[i].offsets, tokenizer.encode(texts[i]).offsets);
    }
  }
  EXPECT_TRUE(tokenizer.encode_batch({}).empty());
}

TEST(Tokenizer, PadsABatch) {
  const Tokenizer tokenizer = Tokenizer::from_json(small().dump());
  const std::vector<std::string> texts{"the", "the seas", ""};
  std::vector<Encoding> all = tokenizer.encode_batch(texts, {.padding = BatchPadding{.pad_id = 9}});
  EXPECT_EQ(all[0].ids, (std::vector<std::int64_t>{3, 9, 9}));
  EXPECT_EQ(all[0].attention_mask, (std::vector<std::int64_t>{1, 0, 0}));
  EXPECT_EQ(all[0].word_ids, (std::vector<std::int64_t>{0, -1, -1}));
  EXPECT_EQ(all[2].ids, (std::vector<std::int64_t>{9, 9, 9}));
  all = tokenizer.encode_batch(
      texts, {.padding = BatchPadding{.pad_to_multiple_of = 4,
                                      .direction = BatchPadding::Direction::left}});
  EXPECT_EQ(all[1].ids, (std::vector<std::int64_t>{0, 3, 1, 2}));
  EXPECT_EQ(tokenizer.encode("the", {.padding = BatchPadding{.length = 2, .pad_id = 7}}).ids,
            (std::vector<std::int64_t>{3, 7}));
}

TEST(Tokenizer, TruncatesAndKeepsTheRest) {
  const Tokenizer tokenizer = Tokenizer::from_json(small().dump());
  const Encoding encoding = tokenizer.encode(
      "the sea the seas", {.truncation = Truncation{.max_length = 3, .stride = 1}});
  EXPECT_EQ(encoding.ids, (std::vector<std::int64_t>{3, 1, 3}));
  ASSERT_EQ(encoding.overflowing.size(), 1U);
  EXPECT_EQ(encoding.overflowing[0].ids, (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_MESSAGE(ValueError,
                 "Tokenizer: a stride of 3 does not fit into 3 tokens of a text: lessen it, or "
                 "raise max_length",
                 tokenizer.encode("the sea the seas",
                                  {.truncation = Truncation{.max_length = 3, .stride = 3}}));
  EXPECT_MESSAGE(ValueError,
                 "Tokenizer: max_length is 1, but 2 tokens are added to each text: raise it, or "
                 "set add_special_tokens = false",
                 Tokenizer::load(golden + "bert.json")
                     .encode("a", {.truncation = Truncation{.max_length = 1}}));
  EXPECT_MESSAGE(
      ValueError, "Tokenizer: there is no second text, which is to be truncated",
      tokenizer.encode("the sea the seas",
                       {.truncation = Truncation{.max_length = 1,
                                                 .strategy = Truncation::Strategy::only_second}}));
}

TEST(Tokenizer, KnowsItsTokens) {
  const Tokenizer tokenizer = Tokenizer::from_json(small().dump());
  EXPECT_EQ(tokenizer.size(), 5);
  EXPECT_EQ(tokenizer.id("##s"), 2);
  EXPECT_EQ(tokenizer.id("whale"), std::nullopt);
  EXPECT_EQ(tokenizer.token(4), "[X]");
  EXPECT_TRUE(tokenizer.is_special(4));
  EXPECT_FALSE(tokenizer.is_special(3));
  EXPECT_MESSAGE(IndexError, "Tokenizer: id 5 has no token; there are ids up to 4",
                 tokenizer.token(5));
  EXPECT_MESSAGE(IndexError, "Tokenizer: id -1 has no token; there are ids up to 4",
                 tokenizer.token(-1));
}

TEST(Tokenizer, LeavesOutSpecialTokensAndUnknownIdsWhenItDecodes) {
  const Tokenizer tokenizer = Tokenizer::from_json(small().dump());
  const std::vector<std::int64_t> given{3, 4, 77, 1, 2, -5};
  EXPECT_EQ(tokenizer.decode(given), "the seas");
  EXPECT_EQ(tokenizer.decode(given, {.skip_special_tokens = false}), "the [X] seas");
  EXPECT_EQ(tokenizer.decode({}), "");
}

TEST(Tokenizer, TakesIdsWithGaps) {
  json file = small();
  file["model"]["vocab"]["the"] = 1'000'000'000'000;
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_EQ(ids(tokenizer, "the sea"), (std::vector<std::int64_t>{1'000'000'000'000, 1}));
  EXPECT_EQ(tokenizer.decode(ids(tokenizer, "the sea")), "the sea");
  EXPECT_EQ(tokenizer.size(), 1'000'000'000'001);
  EXPECT_MESSAGE(IndexError, "Tokenizer: id 3 has no token; there are ids up to 1000000000000",
                 tokenizer.token(3));
}

TEST_F(TokenizerFiles, ReadsBertsVocabulary) {
  const std::string vocabulary = write("vocab.txt", "[PAD]\r\n[UNK]\n[CLS]\n[SEP]\nsea\n##s\n,");
  const Tokenizer tokenizer = Tokenizer::load_bert(vocabulary);
  const Encoding encoding = tokenizer.encode("Seas, s\u00E9a", "SEA [SEP]");
  EXPECT_EQ(encoding.ids, (std::vector<std::int64_t>{2, 4, 5, 6, 4, 3, 4, 3, 3}));
  EXPECT_EQ(encoding.type_ids, (std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(encoding.text_ids, (std::vector<std::int64_t>{-1, 0, 0, 0, 0, -1, 1, 1, -1}));
  EXPECT_EQ(tokenizer.decode(encoding.ids), "seas, sea sea");
  EXPECT_EQ(Tokenizer::load_bert(vocabulary, false).encode("SEA").ids,
            (std::vector<std::int64_t>{2, 1, 3}));
  const std::string twice = write("twice.txt", "a\nb\na\n"),
                    none = write("no.txt", "[UNK]\n[CLS]\n");
  const std::string end = ": a vocab.txt of BERT has one token a line";
  EXPECT_MESSAGE(FormatError,
                 "Tokenizer::load_bert: " + twice + ": the token 'a' has two ids, 0 and 2" + end,
                 Tokenizer::load_bert(twice));
  EXPECT_MESSAGE(FormatError, "Tokenizer::load_bert: " + none + ": there is no token '[SEP]'" + end,
                 Tokenizer::load_bert(none));
}

TEST_F(TokenizerFiles, RefusesFilesOfGpt2ThatDoNotFit) {
  const std::string vocabulary = write("vocab.json", R"({"a": 0, "b": 1, "ab": 2})");
  EXPECT_EQ(ids(Tokenizer::load_gpt2(vocabulary, write("merges.txt", "a b\n")), "abba"),
            (std::vector<std::int64_t>{2, 1, 0}));
  EXPECT_MESSAGE(FormatError,
                 "Tokenizer::load_gpt2: " + vocabulary + ", " + path("m2.txt") +
                     ": merge 0 is 'b a', but the vocabulary has no 'ba'",
                 Tokenizer::load_gpt2(vocabulary, write("m2.txt", "b a\n")));
  EXPECT_MESSAGE(FormatError,
                 "Tokenizer::load_gpt2: " + path("m3.txt") +
                     ":2: 'a b c' is not two tokens with a blank between them: GPT-2's file of "
                     "merges (merges.txt, vocab.bpe) was expected",
                 Tokenizer::load_gpt2(vocabulary, write("m3.txt", "#version: 0.2\na b c\n")));
  EXPECT_MESSAGE(
      FormatError,
      "Tokenizer::load_gpt2: " + path("v2.json") + ": is not an object of tokens and their ids",
      Tokenizer::load_gpt2(write("v2.json", "[1]"), path("merges.txt")));
}

TEST_F(TokenizerFiles, RefusesAFileOfGpt2WithoutMergesThatTokensNeed) {
  const std::string vocabulary =
      write("v.json", R"({"a": 0, "b": 1, "<|endoftext|>": 2, "\u0120": 3, "ab": 4})");
  for (const std::string text : {"", "#version: 0.2\n", "\n"}) {
    EXPECT_MESSAGE(FormatError,
                   "Tokenizer::load_gpt2: " + path("merges.txt") +
                       ": has no merges, but the vocabulary has tokens that need them, such as "
                       "'ab': give the file of merges (merges.txt, vocab.bpe) that came with it",
                   Tokenizer::load_gpt2(vocabulary, write("merges.txt", text)));
  }
  const std::string bytes = write("b.json", R"({"a": 0, "b": 1, "<|endoftext|>": 2, "\u0120": 3})");
  EXPECT_EQ(ids(Tokenizer::load_gpt2(bytes, write("merges.txt", "")), "a b"),
            (std::vector<std::int64_t>{0, 3, 1}));
}

TEST_F(TokenizerFiles, SavesAFileThatIsLoaded) {
  const Tokenizer tokenizer = Tokenizer::load(golden + "bert.json");
  tokenizer.save(path("again.json"));
  EXPECT_EQ(Tokenizer::load(path("again.json")).json(), tokenizer.json());
}

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

// As Hugging Face's tokenizers 0.23.3 do it.
TEST(Tokenizer, LooksAWordUpWithoutItsSuffixIfItIgnoresMerges) {
  const json vocabulary = {{".", 0}, {".</w>", 1}, {"ab", 2}, {"a", 3}, {"b</w>", 4}};
  json file = {{"model",
                {{"type", "BPE"},
                 {"vocab", vocabulary},
                 {"merges", json::array()},
                 {"end_of_word_suffix", "</w>"},
                 {"ignore_merges", true}}},
               {"pre_tokenizer", {{"type", "WhitespaceSplit"}}}};
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(ids(Tokenizer::from_json(file.dump()), ". ab a. b"), (Ids{0, 2, 3, 1, 4}));
  file["model"]["ignore_merges"] = false;
  EXPECT_EQ(ids(Tokenizer::from_json(file.dump()), ". ab a. b"), (Ids{1, 3, 4, 3, 1, 4}));
}

// As in Hugging Face's library, which gives [0, 4].
TEST(Tokenizer, TakesTheLastOfTwoEqualMerges) {
  const auto ids_of = [](const std::string& merges) {
    return ids(
        Tokenizer::from_json(
            R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4}, "merges": )" +
            merges + "}}"),
        "abc");
  };
  EXPECT_EQ(ids_of(R"(["a b", "b c"])"), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(ids_of(R"(["a b", "b c", "a b"])"), (std::vector<std::int64_t>{0, 4}));
}

TEST(Tokenizer, MergesTokensWhoseIdsHaveGaps) {
  const Tokenizer tokenizer = Tokenizer::from_json(
      R"({"model": {"type": "BPE", "vocab": {"ab": 5, "a": 70, "b": 1000000000000}, "merges": ["a b"]}})");
  EXPECT_EQ(ids(tokenizer, "abba"), (std::vector<std::int64_t>{5, 1'000'000'000'000, 70}));
  EXPECT_EQ(ids(Tokenizer::from_json(tokenizer.json()), "bab"),
            (std::vector<std::int64_t>{1'000'000'000'000, 5}));
}

TEST(Tokenizer, SaysWhichWordAModelOfWordsLacks) {
  const Tokenizer tokenizer = Tokenizer::from_json(
      R"({"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"the": 0}}, "pre_tokenizer": {"type": "WhitespaceSplit"}})");
  EXPECT_EQ(ids(tokenizer, "the the"), (std::vector<std::int64_t>{0, 0}));
  EXPECT_MESSAGE(ValueError,
                 "the word 'whale' is not in the vocabulary, and neither is the unknown token '?': "
                 "add '?'",
                 tokenizer.encode("the whale"));
}

// The ids are those of Hugging Face's library.
TEST(Tokenizer, MarksTheWordAtTheBeginningOfTheTextAlone) {
  const json file = json::parse(
      R"({"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"a": 0, "\u2581a": 1, "?": 2}},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
      {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": true}]}})");
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_EQ(tokenizer.encode("a a").ids, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(tokenizer.encode(" a a").ids, (std::vector<std::int64_t>{0, 0}));
}

TEST(Tokenizer, StopsAnExpressionThatTakesTooManySteps) {
  json file = small();
  file["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(?:a|a)+[bc]"}}}, {"behavior", "Isolated"}};
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_MESSAGE(ValueError,
                 "regular expression '(?:a|a)+[bc]': match limit exceeded: there are too many ways "
                 "to match a part of the text. Write it without a repetition within a repetition, "
                 "or make the inner one possessive, as in (?:a++)+",
                 tokenizer.encode(std::string(100, 'a')));
  file["pre_tokenizer"]["pattern"]["Regex"] = "(a+)+b";
  EXPECT_MESSAGE(ValueError,
                 "regular expression '(a+)+b': match limit exceeded: there are too many ways to "
                 "match a part of the text. Write it without a repetition within a repetition, or "
                 "make the inner one possessive, as in (?:a++)+",
                 Tokenizer::from_json(file.dump()).encode(std::string(100, 'a') + "cb"));
  file["pre_tokenizer"]["pattern"]["Regex"] = "(";
  expect_refused(file,
                 "Tokenizer::from_json: pre_tokenizer.pattern.Regex: regular expression '(': "
                 "missing closing parenthesis");
}

TEST(Tokenizer, ReadsExpressionsAsOnigurumaDoes) {
  const auto parts = [](const std::string& expression, const std::string& text) {
    json file = small();
    file["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}};
    std::vector<std::string> result;
    for (const ByteSpan& span : Tokenizer::from_json(file.dump()).encode(text).offsets)
      result.push_back(text.substr(static_cast<std::size_t>(span.begin),
                                   static_cast<std::size_t>(span.end - span.begin)));
    return result;
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts("\\s", "x\u180Ey z"), (Parts{"x\u180Ey", " ", "z"}));  // U+180E is no blank
  EXPECT_EQ(parts("[\\S]+", "x\u180Ey z"), (Parts{"x\u180Ey", " ", "z"}));
  EXPECT_EQ(parts("\\h+", "xa9y"), (Parts{"x", "a9", "y"}));
  EXPECT_EQ(parts("[\\h]+|\\H", "a9yz"), (Parts{"a9", "y", "z"}));
  EXPECT_EQ(parts(" ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+", "hi you, (all)"),
            (Parts{"hi", " you", ", (", "all", ")"}));  // of BLOOM
  EXPECT_EQ(parts("[[:digit:]x]+|[]y]", "1x]z"), (Parts{"1x", "]", "z"}));
  json file = small();
  file["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "[a[^b]]"}}}, {"behavior", "Isolated"}};
  expect_refused(file,
                 "Tokenizer::from_json: pre_tokenizer.pattern.Regex: regular expression "
                 "'[a[^b]]': '[^' within a class is not supported: write the class without");
}

// The parts are those of Hugging Face's tokenizers 0.23.3, as are those of the next test.
TEST(Tokenizer, SplitsAtEmptyMatches) {
  const auto parts = [](const std::string& expression, const std::string& behavior,
                        const std::string& text) {
    json file = small();
    file["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", behavior}};
    std::string result;
    for (const ByteSpan& span : Tokenizer::from_json(file.dump()).encode(text).offsets)
      result += text.substr(static_cast<std::size_t>(span.begin),
                            static_cast<std::size_t>(span.end - span.begin)) +
                "|";
    return result;
  };
  EXPECT_EQ(parts("", "Isolated", "aB b\u00E9"), "a|B| |b|\u00E9|");
  EXPECT_EQ(parts("", "Removed", "abC"), "a|b|C|");
  EXPECT_EQ(parts("(?!^)(?!$)", "Isolated", ".\nb"), ".\nb|");  // ^ and $ are those of lines
  EXPECT_EQ(parts("(?=[A-Z])", "Isolated", "aB bCd"), "a|B b|Cd|");
  EXPECT_EQ(parts("(?=[A-Z])", "MergedWithNext", "A bbC"), "A bb|C|");
  EXPECT_EQ(parts("(?=[A-Z])", "Contiguous", "A bbC"), "A bb|C|");
  EXPECT_EQ(parts("(?<=[a-z])(?=[A-Z])", "MergedWithPrevious", "abC"), "ab|C|");
  EXPECT_EQ(parts("\\s*", "Removed", "A bbC"), "A|b|b|C|");
  EXPECT_EQ(parts("b*", "Isolated", "A bbC"), "A| |bb|C|");
}

TEST(Tokenizer, ReplacesEmptyMatches) {
  const auto replaced = [](const std::string& expression, const std::string& text) {
    const json vocabulary = {{"2", 0}, {"a", 1}, {"b", 2}, {"c", 3}, {"\u00E9", 4}};
    const json file = {
        {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}}},
        {"normalizer",
         {{"type", "Replace"}, {"pattern", {{"Regex", expression}}}, {"content", "2"}}},
        {"decoder", {{"type", "Fuse"}}}};
    const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
    return tokenizer.decode(tokenizer.encode(text).ids);
  };
  EXPECT_EQ(replaced("", "\u00E9b"), "2\u00E92b2");
  EXPECT_EQ(replaced("^", "abc"), "2abc");
  EXPECT_EQ(replaced("$", "abc"), "abc2");
  EXPECT_EQ(replaced("(?=b)", "bb"), "2b2b");
  EXPECT_EQ(replaced("b*", "abc"), "2a2c2");
  EXPECT_EQ(replaced("b*", "bb"), "2");
  EXPECT_EQ(replaced("a|", "abc"), "2b2c2");
  EXPECT_EQ(replaced("", ""), "");
}

// With all pairs compared in each step, this would take hours.
TEST_F(TokenizerFiles, ReadsALongTextWithoutABlank) {
  const Tokenizer tokenizer = gpt2();
  std::string text;
  while (text.size() < 1'000'000) text += "thebeginning";
  const Encoding encoding = tokenizer.encode(text, {.offsets = false});
  EXPECT_EQ(tokenizer.decode(encoding.ids), text);
  EXPECT_LT(encoding.size(), 700'000);
}

// A queue of pairs, for long words, finds the same as looking for the best pair each time.
TEST_F(TokenizerFiles, MergesLongWordsAsShortOnes) {
  const Tokenizer tokenizer = Tokenizer::load_gpt2(
      write("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "aa": 3, "abab": 4, "aaa": 5})"),
      write("merges.txt", "a b\na a\nab ab\naa a\n"));
  std::string text;
  std::vector<std::int64_t> wanted;
  for (int i = 0; i < 60; ++i) {
    text += "aaab";  // aa, ab
    wanted.insert(wanted.end(), {3, 2});
  }
  EXPECT_EQ(ids(tokenizer, "aaabaaab"), (std::vector<std::int64_t>{3, 2, 3, 2}));
  EXPECT_EQ(ids(tokenizer, text), wanted);
}

TEST_F(DecodeStreams, HoldsACharacterBackUntilItIsComplete) {
  const Tokenizer tokenizer = gpt2();
  const std::vector<std::int64_t> thumb = ids(tokenizer, "\U0001F44D");
  ASSERT_GT(thumb.size(), 1U);
  DecodeStream stream(tokenizer);
  EXPECT_EQ(stream.step(ids(tokenizer, "a")[0]), "a");
  for (std::size_t i = 0; i + 1 < thumb.size(); ++i) EXPECT_EQ(stream.step(thumb[i]), "");
  EXPECT_EQ(stream.step(thumb.back()), "\U0001F44D");
  EXPECT_EQ(stream.finish(), "");
  DecodeStream cut(tokenizer);
  EXPECT_EQ(cut.step(thumb[0]), "");
  EXPECT_EQ(cut.finish(), tokenizer.decode({thumb.data(), 1}));
}
