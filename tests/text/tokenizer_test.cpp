#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/splitter.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/tokenizer_training.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/threads_guard.h>
#include <gradus/tests/text/tokenizer_testing.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace gradus;
using nlohmann::json;

namespace {

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

Tokenizer TokenizerFiles::gpt2() const {
  const json model = file_of("roberta")["model"];
  std::string merges = "#version: 0.2\n";
  for (const json& merge : model["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  return Tokenizer::load_gpt2(write("vocab.json", model["vocab"].dump()),
                              write("merges.txt", merges));
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
  const Tokenizer tokenizer = Tokenizer::load(golden_tokenizers + "llama3.json");
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
                 Tokenizer::load(golden_tokenizers + "bert.json")
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

TEST(Tokenizer, FindsASingleWordOnlyWhereItIsOne) {
  json file = small();
  file["added_tokens"].push_back({{"id", 5}, {"content", "he"}, {"single_word", true}});
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_EQ(ids(tokenizer, "the sea"), (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(ids(tokenizer, "he sea"), (std::vector<std::int64_t>{5, 1}));
  EXPECT_EQ(ids(tokenizer, "sea-he"), (std::vector<std::int64_t>{0, 5}));
}

TEST(Tokenizer, FindsLongTokensOfWordPiece) {
  const std::string a(70, 'a'), b(63, 'b'), c(64, 'c');
  json file = small();
  file["model"]["max_input_chars_per_word"] = 1000;
  file["model"]["vocab"] = {
      {"[UNK]", 0}, {a, 1}, {"##" + b, 2}, {"##" + c, 3}, {"##" + c + "c", 4}};
  file.erase("added_tokens");
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_EQ(ids(tokenizer, a + b + c), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(ids(tokenizer, a + c + "c" + b), (std::vector<std::int64_t>{1, 4, 2}));
  EXPECT_EQ(ids(tokenizer, a + c.substr(1)), std::vector<std::int64_t>{0});
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
  const Tokenizer tokenizer = Tokenizer::load(golden_tokenizers + "bert.json");
  tokenizer.save(path("again.json"));
  EXPECT_EQ(Tokenizer::load(path("again.json")).json(), tokenizer.json());
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

// As Hugging Face's library decodes these pieces: "a b".
TEST(Tokenizer, DecodesACharacterOfByteTokensAsThatCharacter) {
  const Tokenizer tokenizer = Tokenizer::from_json(R"({
    "model": {"type": "BPE", "vocab": {"a": 0, "<0xE2>": 1, "<0x96>": 2, "<0x81>": 3, "b": 4}, "merges": []},
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"},
      {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never"}]}})");
  EXPECT_EQ(tokenizer.decode(std::vector<std::int64_t>{0, 1, 2, 3, 4}), "a b");
  EXPECT_EQ(tokenizer.decode(std::vector<std::int64_t>{1, 2, 0, 3}),
            "\xE2\x96"
            "a\x81");
  DecodeStream stream(tokenizer);
  std::string streamed;
  for (const std::int64_t id : {0, 1, 2, 3, 4}) streamed += stream.step(id);
  EXPECT_EQ(streamed + stream.finish(), "a b");
}

TEST(DecodeStream, TakesTimeForTheNewIdsOnly) {
  const Tokenizer blanks = Tokenizer::from_json(R"({
    "model": {"type": "BPE", "vocab": {"a": 0, "\u2581": 1}, "merges": []},
    "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}})");
  const Tokenizer bytes = Tokenizer::bytes({"[PAD]"});
  const auto streamed = [](const Tokenizer& tokenizer, const std::vector<std::int64_t>& all) {
    DecodeStream stream(tokenizer);
    std::string text;
    for (const std::int64_t id : all) text += stream.step(id);
    return text + stream.finish();
  };
  // Were all of them decoded in each step, each of these would take hours.
  constexpr std::size_t n = 400'000;
  for (const std::int64_t id : {1, 7}) {  // a run of blanks; ids without a token
    std::vector<std::int64_t> all(n, id);
    all.push_back(0);
    EXPECT_EQ(streamed(blanks, all), blanks.decode(all)) << id;
  }
  for (const std::int64_t id : {0xE9, 256}) {  // the first byte of a character; a special token
    std::vector<std::int64_t> all(n, id);
    all.push_back('a');
    EXPECT_EQ(streamed(bytes, all), bytes.decode(all)) << id;
  }
}

// Expected values of Hugging Face's library, by character.
TEST(Tokenizer, GivesAllThatMarksWhichWereReorderedStandFor) {
  for (const char* const form : {"NFC", "NFD", "NFKC", "NFKD"}) {
    const json file = {
        {"model", {{"type", "WordLevel"}, {"vocab", {{"[UNK]", 0}}}, {"unk_token", "[UNK]"}}},
        {"normalizer", {{"type", form}}}};
    const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
    for (const std::string text : {"\u062B\u064F\u0645\u0651\u064E", "e\u0301\u0323",
                                   "\u0301\u0327", "\u05E9\u05BC\u05B8\u05C1"}) {
      EXPECT_EQ(tokenizer.encode(text).offsets, (std::vector<ByteSpan>{{0, std::ssize(text)}}))
          << form << " " << text;
    }
  }
}

// As in Hugging Face's library: a token with a blank that was added loses the character whose first
// byte it has.
TEST(Tokenizer, TrimsOffsetsByCharacters) {
  const json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}};
  json vocabulary = file_of("roberta")["model"]["vocab"];
  const std::int64_t blank = vocabulary["\u0120"];
  vocabulary["\u0120\u00E2"] = 100'000;
  const json file = {{"model",
                      {{"type", "BPE"},
                       {"vocab", vocabulary},
                       {"merges", json::array({json::array({"\u0120", "\u00E2"})})}}},
                     {"added_tokens", {{{"id", 100'001}, {"content", "</s>"}, {"special", true}}}},
                     {"pre_tokenizer", byte_level},
                     {"post_processor", byte_level}};
  const Encoding encoding = Tokenizer::from_json(file.dump()).encode("x</s>\u201Ca\u201D");
  EXPECT_EQ(encoding.ids[0], blank);
  EXPECT_EQ(
      encoding.offsets,
      (std::vector<ByteSpan>{
          {0, 0}, {0, 1}, {1, 5}, {8, 8}, {5, 8}, {5, 8}, {8, 9}, {9, 12}, {9, 12}, {9, 12}}));
}

TEST(Tokenizer, NamesTheClassOfWhatWasMovedFrom) {
  Tokenizer tokenizer = Tokenizer::bytes();
  DecodeStream stream(tokenizer);
  Splitter splitter = Splitter::words();
  TokenizerTrainer trainer(BpeTraining{.vocabulary_size = 300});
  const Tokenizer kept = std::move(tokenizer);
  const DecodeStream kept_stream = std::move(stream);
  const Splitter kept_splitter = std::move(splitter);
  const TokenizerTrainer kept_trainer = std::move(trainer);
  const std::string end = ": this object was moved from: use the one that it was moved to";
  const std::vector<std::string> texts{"a"};
  const std::vector<std::int64_t> id{97};
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.encode("a"));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.encode("a", "b"));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.encode_batch(texts));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.decode(id));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.size());
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.id("a"));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.token(1));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.is_special(1));
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.padding());
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.truncation());
  EXPECT_MESSAGE(Error, "Tokenizer" + end, tokenizer.json());
  EXPECT_MESSAGE(Error, "Tokenizer" + end, stream.step(97));
  EXPECT_MESSAGE(Error, "Splitter" + end, splitter.split("a"));
  EXPECT_MESSAGE(Error, "Splitter" + end, splitter.count(texts));
  EXPECT_MESSAGE(Error, "Splitter" + end, Tokenizer(splitter, Vocabulary(WordCounter())));
  EXPECT_MESSAGE(Error, "TokenizerTrainer" + end, trainer.add("a"));
  EXPECT_MESSAGE(Error, "TokenizerTrainer" + end, trainer.add(texts));
  EXPECT_MESSAGE(Error, "TokenizerTrainer" + end, trainer.add(WordCounter()));
  EXPECT_MESSAGE(Error, "TokenizerTrainer" + end, trainer.train());
  // NOLINTEND(bugprone-use-after-move)
  tokenizer = Tokenizer::bytes();
  EXPECT_EQ(tokenizer.encode("a").ids, id);
}
