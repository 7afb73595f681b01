#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/splitter.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/unicode.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/threads_guard.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

using Ids = std::vector<std::int64_t>;

const std::vector<std::pair<std::string, Splitter>> splitters{
    {"whitespace", Splitter::whitespace()},
    {"words", Splitter::words()},
    {"cased words", Splitter::words({.lowercase = false})},
    {"pattern", Splitter::pattern(R"([\w\p{M}]+|[^\w\p{M}\s])")},
    {"pattern with the rest", Splitter::pattern(R"(\w+)", {.keep_rest = true})},
    {"code points", Splitter::code_points()},
    {"graphemes", Splitter::graphemes()}};

// Of characters of one to four bytes, among them some that are white space, invisible, or combined
// with the one before; in every other text, bytes that are not UTF-8 too.
std::vector<std::string> some_texts() {
  const std::vector<std::string> characters{
      "a",      "B",      "'",          "-",          " ",      "\n",     "7",
      ",",      "\u00E9", "\u0301",     "\u4E2D",     "\u00AD", "\u200D", "\u3000",
      "\u2028", "\uFEFF", "\U0001F44D", "\U0001F3FD", "\u0E33", "\r\n",   "\u2019"};
  std::mt19937 random(3);
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) {
    std::string text;
    for (std::size_t n = random() % 25; n > 0; --n) {
      text += i % 2 == 1 && random() % 5 == 0 ? std::string(1, static_cast<char>(random() % 256))
                                              : characters[random() % characters.size()];
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

Vocabulary vocabulary_of(const std::vector<std::string>& words) {
  return Vocabulary::from_words(words);
}

#define EXPECT_MESSAGE(type, text, expression) \
  EXPECT_EQ(message_of<type>([&] { static_cast<void>(expression); }), text)

class SplitterFiles : public FolderTest {};

TEST(Splitter, SplitsAtWhiteSpaceOfUnicode) {
  EXPECT_THAT(Splitter::whitespace().split(" It's\tthe\u3000sea.\n\u00A0"),
              ElementsAre("It's", "the", "sea."));
  EXPECT_THAT(Splitter::whitespace().split("a\u200Bb"), ElementsAre("a\u200Bb"));
  EXPECT_THAT(Splitter::whitespace().split(""), IsEmpty());
}

TEST(Splitter, SplitsIntoWordsAsTokenizeDoes) {
  for (const std::string& text : some_texts()) {
    EXPECT_EQ(Splitter::words().split(text), tokenize(text));
    EXPECT_EQ(Splitter::words({.lowercase = false}).split(text),
              tokenize(text, {.lowercase = false}));
  }
}

TEST(Splitter, FindsTheMatchesOfAPattern) {
  EXPECT_THAT(Splitter::pattern(R"(\d+|\w+)").split("na\u00EFve: 3.14!"),
              ElementsAre("na\u00EFve", "3", "14"));
  EXPECT_THAT(Splitter::pattern(R"(\d+)", {.keep_rest = true}).split("a: 3.14!"),
              ElementsAre("a: ", "3", ".", "14", "!"));
  EXPECT_THAT(Splitter::pattern("x*").split("axxb"), ElementsAre("xx"));
  EXPECT_THAT(Splitter::pattern("a").split(""), IsEmpty());
}

TEST(Splitter, RefusesAPatternThatIsNone) {
  EXPECT_MESSAGE(ValueError, "regular expression 'a(': missing closing parenthesis",
                 Splitter::pattern("a("));
}

TEST(Splitter, StopsAPatternThatTakesTooManySteps) {
  const Splitter splitter = Splitter::pattern("(a+)+[bc]");
  const std::string text = std::string(5000, 'a') + "d";
  const std::string message =
      "regular expression '(a+)+[bc]': match limit exceeded: there are too many ways to match a "
      "part "
      "of the text. Write it without a repetition within a repetition, or make the inner one "
      "possessive, as in (?:a++)+";
  EXPECT_MESSAGE(ValueError, message, splitter.split(text));
  EXPECT_MESSAGE(ValueError, message, splitter.count(std::vector<std::string>{"aab", text}));
  EXPECT_MESSAGE(ValueError, message, Tokenizer(splitter, vocabulary_of({"<unk>"})).encode(text));
  EXPECT_THAT(splitter.split("aab"), ElementsAre("aab"));
}

TEST(Splitter, SplitsIntoCharactersAndClusters) {
  const std::string text = "ne\u0301 \U0001F44D\U0001F3FD\r\n\xFF\xC3";
  EXPECT_THAT(
      Splitter::code_points().split(text),
      ElementsAre("n", "e", "\u0301", " ", "\U0001F44D", "\U0001F3FD", "\r", "\n", "\xFF", "\xC3"));
  EXPECT_THAT(Splitter::graphemes().split(text),
              ElementsAre("n", "e\u0301", " ", "\U0001F44D\U0001F3FD", "\r\n", "\xFF", "\xC3"));
  for (const std::string& each : some_texts()) {
    EXPECT_EQ(Splitter::code_points().split(each), code_points(each));
    EXPECT_EQ(Splitter::graphemes().split(each), grapheme_clusters(each));
  }
}

TEST(Splitter, CountsThePiecesOfAllTexts) {
  const std::vector<std::string> texts{"the sea the", "", "The sky"};
  const WordCounter counter = Splitter::whitespace().count(texts);
  EXPECT_THAT(counter.words(), ElementsAre("the", "sea", "The", "sky"));
  EXPECT_THAT(counter.counts(), ElementsAre(2, 1, 1, 1));
}

TEST(SplitterTokenizer, KnowsEveryPieceThatWasCounted) {
  const std::vector<std::string> texts = some_texts();
  for (const auto& [name, splitter] : splitters) {
    const Vocabulary vocabulary(splitter.count(texts), {.padding = "", .unknown = ""});
    EXPECT_GT(vocabulary.size(), 15) << name;
    const Tokenizer tokenizer(splitter, vocabulary);
    EXPECT_EQ(tokenizer.size(), vocabulary.size());
    const bool keeps_all = name == "code points" || name == "graphemes" || name.ends_with("rest");
    for (const std::string& text : texts) {
      const Ids ids = tokenizer.encode(text).ids;
      EXPECT_EQ(ids, vocabulary.ids(splitter.split(text))) << name;
      if (keeps_all) {
        EXPECT_EQ(tokenizer.decode(ids), text) << name;
      }
    }
  }
}

TEST(SplitterTokenizer, GivesTheBytesThatAWordStandsFor) {
  const Tokenizer tokenizer(Splitter::words(), vocabulary_of({"<unk>", "don't", "sea", "\uFFFD"}));
  const Encoding encoding = tokenizer.encode("  DON'T s\u00ADe\u00ADa, \xFF");
  EXPECT_EQ(encoding.ids, (Ids{1, 2, 0, 3}));
  EXPECT_EQ(encoding.offsets, (std::vector<ByteSpan>{{2, 7}, {8, 15}, {15, 16}, {17, 18}}));
  EXPECT_EQ(encoding.word_ids, (Ids{0, 1, 2, 3}));
}

TEST(SplitterTokenizer, GivesTheWholeClusterAsThePlace) {
  const Tokenizer tokenizer(Splitter::graphemes(), vocabulary_of({"<unk>", "e\u0301", "a"}));
  const Encoding encoding = tokenizer.encode("ae\u0301\xFF");
  EXPECT_EQ(encoding.ids, (Ids{2, 1, 0}));
  EXPECT_EQ(encoding.offsets, (std::vector<ByteSpan>{{0, 1}, {1, 4}, {4, 5}}));
}

TEST(SplitterTokenizer, GivesUnknownWordsTheDefaultId) {
  const std::vector<std::string> words{"<unk>", "the", "sea"};
  const auto ids = [&](const VocabularyOptions& options, const std::string& text) {
    const Vocabulary vocabulary = Vocabulary::from_words(words, options);
    return Tokenizer(Splitter::whitespace(), vocabulary).encode(text).ids;
  };
  EXPECT_EQ(ids({}, "the whale"), (Ids{1, 0}));
  EXPECT_EQ(ids({.default_id = 2}, "the whale"), (Ids{1, 2}));
  EXPECT_EQ(ids({.unknown = ""}, "the <unk>"), (Ids{1, 0}));
  EXPECT_MESSAGE(IndexError,
                 "Tokenizer: 'whale\\x01' is not among the 3 words, and there is no word for "
                 "unknown ones: give the vocabulary one, or a default_id",
                 ids({.unknown = ""}, "the whale\x01 <unk>"));
}

TEST(SplitterTokenizer, TakesAVocabularyOfNoWords) {
  const Tokenizer tokenizer(Splitter::whitespace(), vocabulary_of({}));
  EXPECT_EQ(tokenizer.size(), 0);
  EXPECT_EQ(tokenizer.encode(" ").ids, Ids());
  EXPECT_MESSAGE(IndexError,
                 "Tokenizer: 'a' is not among the 0 words, and there is no word for unknown ones: "
                 "give the vocabulary one, or a default_id",
                 tokenizer.encode("a"));
}

TEST(SplitterTokenizer, FindsSpecialWordsBeforeItSplits) {
  const Tokenizer tokenizer(
      Splitter::words(),
      Vocabulary::from_words({"<pad>", "<unk>", "<eos>", "sea", "<"}, {.specials = {"<eos>"}}));
  EXPECT_EQ(tokenizer.encode("the sea<eos> < sea").ids, (Ids{1, 3, 2, 4, 3}));
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_FALSE(tokenizer.is_special(4));
  EXPECT_EQ(tokenizer.decode(Ids{1, 3, 2, 4, 3, 0}), "sea < sea");
  EXPECT_EQ(tokenizer.decode(Ids{3, 2}, {.skip_special_tokens = false}), "sea <eos>");
}

TEST(SplitterTokenizer, DecodesWithBlanksWhereThePiecesHaveNone) {
  const std::string text = "the  sea e\u0301 \U0001F44D";
  for (const auto& [name, splitter] : splitters) {
    const Vocabulary vocabulary(splitter.count(std::vector<std::string>{text}));
    const Tokenizer tokenizer(splitter, vocabulary);
    const std::string decoded = tokenizer.decode(tokenizer.encode(text).ids);
    const bool keeps_all = name == "code points" || name == "graphemes" || name.ends_with("rest");
    EXPECT_EQ(decoded, keeps_all ? text : "the sea e\u0301 \U0001F44D") << name;
  }
}

TEST(SplitterTokenizer, TruncatesPadsAndStreams) {
  const Tokenizer tokenizer(Splitter::whitespace(), vocabulary_of({"<pad>", "<unk>", "a", "b"}));
  const std::vector<std::string> texts{"a b a b", "b"};
  const std::vector<Encoding> batch = tokenizer.encode_batch(
      texts, {.truncation = Truncation{.max_length = 3}, .padding = BatchPadding{.pad_id = 0}});
  EXPECT_EQ(batch[0].ids, (Ids{2, 3, 2}));
  EXPECT_EQ(batch[0].overflowing[0].ids, (Ids{3, 0, 0}));
  EXPECT_EQ(batch[1].ids, (Ids{3, 0, 0}));
  EXPECT_EQ(batch[1].attention_mask, (Ids{1, 0, 0}));
  EXPECT_EQ(tokenizer.encode("a b", "b").type_ids, (Ids{0, 0, 1}));
  DecodeStream stream(tokenizer);
  std::string text;
  for (const std::int64_t id : {2, 3, 2}) text += "|" + stream.step(id);
  EXPECT_EQ(text + stream.finish(), "|a| b| a");
}

TEST(SplitterTokenizer, EncodesABatchOnAnyNumberOfThreads) {
  std::vector<std::string> texts;
  for (int i = 0; i < 5; ++i) {
    const std::vector<std::string> more = some_texts();
    texts.insert(texts.end(), more.begin(), more.end());
  }
  const ThreadsGuard guard;
  for (const auto& [name, splitter] : splitters) {
    const Tokenizer tokenizer(splitter, Vocabulary(splitter.count(texts), {.min_count = 200}));
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      const std::vector<Encoding> batch = tokenizer.encode_batch(texts);
      for (std::size_t i = 0; i < texts.size(); i += 7)
        EXPECT_EQ(batch[i].ids, tokenizer.encode(texts[i]).ids) << name;
    }
  }
}

TEST_F(SplitterFiles, AreReadToTheSameIds) {
  for (const auto& [name, splitter] : splitters) {
    std::vector<std::string> texts = some_texts();
    std::vector<std::string> of_utf8;
    for (std::size_t i = 0; i < texts.size(); i += 2) of_utf8.push_back(texts[i]);
    const Tokenizer tokenizer(splitter, Vocabulary(splitter.count(of_utf8), {.min_count = 3}));
    tokenizer.save(file("tokenizer.json"));
    const Tokenizer again = Tokenizer::load(file("tokenizer.json"));
    EXPECT_EQ(again.json(), tokenizer.json());
    for (const std::string& text : texts) {
      const Encoding wanted = tokenizer.encode(text), found = again.encode(text);
      EXPECT_EQ(found.ids, wanted.ids) << name;
      EXPECT_EQ(found.offsets, wanted.offsets) << name;
      EXPECT_EQ(again.decode(found.ids), tokenizer.decode(found.ids)) << name;
    }
  }
}

TEST_F(SplitterFiles, KeepThatThereIsNoUnknownWord) {
  const Tokenizer tokenizer(Splitter::whitespace(),
                            Vocabulary::from_words({"<unk>", "a"}, {.unknown = ""}));
  EXPECT_EQ(message_of<IndexError>([&] { Tokenizer::from_json(tokenizer.json()).encode("b"); }),
            message_of<IndexError>([&] { tokenizer.encode("b"); }));
}

TEST_F(SplitterFiles, RefuseTokensThatAreNotUtf8) {
  const std::string reason =
      " is not UTF-8, which a tokenizer.json cannot hold: leave it out of "
      "the vocabulary";
  const Tokenizer words(Splitter::whitespace(), vocabulary_of({"a", "b\xFF"}));
  EXPECT_MESSAGE(ValueError, "Tokenizer: the token 'b\\xff' (id 1)" + reason,
                 words.save(file("tokenizer.json")));
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_MESSAGE(ValueError, "Tokenizer: the token '\\xc3' (id 256)" + reason,
                 Tokenizer::bytes({"\xC3"}).json());
}

// The files of the same tokenizers that Hugging Face's library writes.
TEST_F(SplitterFiles, AreThoseOfTheOriginal) {
  const std::vector<std::pair<std::string, Splitter>> given{
      {"whitespace", Splitter::whitespace()},
      {"pattern", Splitter::pattern(R"(\p{L}+|\d|[^\s\p{L}\d]+)")},
      {"pattern_rest", Splitter::pattern(R"(\p{L}+)", {.keep_rest = true})},
      {"code_points", Splitter::code_points()},
      {"graphemes", Splitter::graphemes()}};
  const auto golden = [](const std::string& name) {
    return json::parse(read_text("tests/golden/tokenizers/rule_" + name + ".json"));
  };
  for (const auto& [name, splitter] : given) {
    const json wanted = golden(name);
    std::vector<std::string> words(wanted["model"]["vocab"].size());
    for (const auto& [word, id] : wanted["model"]["vocab"].items()) words[id] = word;
    EXPECT_EQ(json::parse(Tokenizer(splitter, vocabulary_of(words)).json()), wanted) << name;
  }
  EXPECT_EQ(json::parse(Tokenizer::bytes({"<bos>", "<eos>"}).json()), golden("bytes"));
}

TEST(ByteTokenizer, GivesEachByteItsValue) {
  const Tokenizer tokenizer = Tokenizer::bytes();
  EXPECT_EQ(tokenizer.size(), 256);
  EXPECT_EQ(tokenizer.encode("A \u00E9\n\xFF").ids, (Ids{65, 32, 0xC3, 0xA9, 10, 0xFF}));
  std::string all;
  Ids ids;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
    ids.push_back(byte);
  }
  EXPECT_EQ(tokenizer.encode(all).ids, ids);
  EXPECT_EQ(tokenizer.decode(ids), all);
  EXPECT_EQ(tokenizer.encode("").ids, Ids());
}

TEST(ByteTokenizer, LosesNoByte) {
  const Tokenizer plain = Tokenizer::bytes(), special = Tokenizer::bytes({"<s>"});
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = i % 2 == 0 ? static_cast<char>(random() % 256) : "<s>"[random() % 3];
    EXPECT_EQ(plain.decode(plain.encode(text).ids), text);
    EXPECT_EQ(special.decode(special.encode(text).ids, {.skip_special_tokens = false}), text);
    const Tokenizer again = Tokenizer::from_json(special.json());
    EXPECT_EQ(again.encode(text).ids, special.encode(text).ids);
  }
}

TEST(ByteTokenizer, GivesTheWholeCharacterAsThePlace) {
  const Encoding encoding = Tokenizer::bytes().encode("a\u00E9\xC3");
  EXPECT_EQ(encoding.offsets, (std::vector<ByteSpan>{{0, 1}, {1, 3}, {1, 3}, {3, 4}}));
  EXPECT_EQ(encoding.word_ids, (Ids{0, 1, 1, 2}));
}

TEST(ByteTokenizer, HasSpecialTokensBehindTheBytes) {
  const Tokenizer tokenizer = Tokenizer::bytes({"<bos>", "<eos>"});
  EXPECT_EQ(tokenizer.size(), 258);
  EXPECT_EQ(tokenizer.id("<eos>"), 257);
  EXPECT_EQ(tokenizer.encode("<bos>a<").ids, (Ids{256, 97, 60}));
  EXPECT_EQ(tokenizer.decode(Ids{256, 97, 257}), "a");
  DecodeStream stream(tokenizer);
  EXPECT_EQ(stream.step(0xC3), "");
  EXPECT_EQ(stream.step(0xA9), "\u00E9");
}

TEST(ByteTokenizer, RefusesSpecialTokensThatAreNone) {
  EXPECT_MESSAGE(ValueError, "Tokenizer::bytes: the special token '' is empty",
                 Tokenizer::bytes({"<s>", ""}));
  EXPECT_MESSAGE(ValueError, "Tokenizer::bytes: the special token '<s>' is there twice",
                 Tokenizer::bytes({"<s>", "<s>"}));
  EXPECT_MESSAGE(ValueError,
                 "Tokenizer::bytes: the special token 'a' is that of a byte: give it a longer name",
                 Tokenizer::bytes({"a"}));
}

}  // namespace
}  // namespace gradus
