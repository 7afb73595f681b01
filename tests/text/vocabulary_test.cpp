#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/text/tokenize.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

WordCounter counter_of(std::string_view text) {
  WordCounter counter;
  counter.add(tokenize(text));
  return counter;
}

TEST(WordCounter, CountsWords) {
  WordCounter counter = counter_of("a b a");
  counter.add("b", 5);
  EXPECT_EQ(counter.count("a"), 2);
  EXPECT_EQ(counter.count("b"), 6);
  EXPECT_EQ(counter.count("c"), 0);
  EXPECT_THAT(counter.words(), ElementsAre("a", "b"));
  EXPECT_THAT(counter.counts(), ElementsAre(2, 6));
  EXPECT_EQ(message_of<ValueError>([&] { counter.add("b", -1); }),
            "WordCounter: cannot add 'b' -1 times");
}

TEST(WordCounter, TakesSeveralWords) {
  WordCounter counter;
  counter.add({"a", "b"});
  counter.add({"b"});
  EXPECT_THAT(counter.words(), ElementsAre("a", "b"));
  EXPECT_THAT(counter.counts(), ElementsAre(1, 2));
  const Vocabulary vocabulary(counter);
  EXPECT_THAT(vocabulary.ids({"a", "who"}), ElementsAre(3, 1));
  EXPECT_THAT(vocabulary.known_ids({"a", "who"}), ElementsAre(3));
}

TEST(WordCounter, StaysAtTheGreatestCount) {
  constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
  WordCounter counter;
  counter.add("a", greatest);
  counter.add("a");
  counter.add("b", greatest);
  EXPECT_THAT(counter.counts(), ElementsAre(greatest, greatest));
  EXPECT_EQ(Vocabulary(counter, {.max_size = 2}).counts()[1], greatest);  // those left out
  counter.add("<unk>", 5);
  EXPECT_EQ(Vocabulary(counter, {.min_count = greatest, .max_size = 3}).counts()[1], greatest);
}

TEST(Vocabulary, OrdersByCountThenBytesAfterTheSpecialWords) {
  const Vocabulary vocabulary(counter_of("b c c a d d d"));
  EXPECT_THAT(vocabulary.words(), ElementsAre("<pad>", "<unk>", "d", "c", "a", "b"));
  EXPECT_THAT(vocabulary.counts(), ElementsAre(0, 0, 3, 2, 1, 1));
  EXPECT_EQ(vocabulary.padding_id(), 0);
  EXPECT_EQ(vocabulary.unknown_id(), 1);
  EXPECT_EQ(vocabulary.word(3), "c");
  EXPECT_EQ(vocabulary.find("b"), 5);
  EXPECT_EQ(vocabulary.find("z"), std::nullopt);
}

TEST(Vocabulary, CountsWhatItLeavesOutAsUnknown) {
  const Vocabulary rare(counter_of("b c c a d d d"), {.min_count = 2});
  EXPECT_THAT(rare.words(), ElementsAre("<pad>", "<unk>", "d", "c"));
  EXPECT_THAT(rare.counts(), ElementsAre(0, 2, 3, 2));
  const Vocabulary small(counter_of("b c c a d d d"), {.max_size = 3});
  EXPECT_THAT(small.words(), ElementsAre("<pad>", "<unk>", "d"));
  EXPECT_THAT(small.counts(), ElementsAre(0, 4, 3));
}

TEST(Vocabulary, MapsWordsToIds) {
  const Vocabulary vocabulary(counter_of("b b a"));
  const std::vector<std::string> words = {"a", "b", "who", "b"};
  EXPECT_THAT(vocabulary.ids(words), ElementsAre(3, 2, 1, 2));
  EXPECT_TRUE(vocabulary.contains("a"));
  EXPECT_FALSE(vocabulary.contains("who"));
}

TEST(Vocabulary, LeavesOutWordsThatItLacks) {
  const Vocabulary vocabulary = Vocabulary::from_words({"a", "b"}, {.default_id = 0});
  const std::vector<std::string> words = {"b", "c", "a", "b"};
  EXPECT_EQ(vocabulary.known_ids(words), (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_TRUE(vocabulary.known_ids({}).empty());
}

TEST(Vocabulary, DoesWithoutSpecialWords) {
  const Vocabulary vocabulary(counter_of("b b a"), {.padding = "", .unknown = ""});
  EXPECT_THAT(vocabulary.words(), ElementsAre("b", "a"));
  EXPECT_EQ(vocabulary.padding_id(), std::nullopt);
  EXPECT_EQ(vocabulary.unknown_id(), std::nullopt);
  EXPECT_EQ(message_of<IndexError>([&] { (void)vocabulary.id("who"); }),
            "Vocabulary: 'who' is not among the 2 words, and there is no word for unknown ones");
}

TEST(Vocabulary, TakesAnEmptyText) {
  const Vocabulary vocabulary{WordCounter()};
  EXPECT_THAT(vocabulary.words(), ElementsAre("<pad>", "<unk>"));
  EXPECT_EQ(vocabulary.id("who"), 1);
}

TEST(Vocabulary, MergesASpecialWordThatTheTextHolds) {
  WordCounter counter = counter_of("b b a");
  counter.add("<unk>", 7);
  counter.add("<pad>", 4);
  const Vocabulary vocabulary(counter, {.min_count = 2});
  EXPECT_THAT(vocabulary.words(), ElementsAre("<pad>", "<unk>", "b"));
  EXPECT_THAT(vocabulary.counts(), ElementsAre(4, 8, 2));
}

TEST(Vocabulary, ComesBackFromItsWords) {
  const Vocabulary vocabulary(counter_of("b b a"));
  const Vocabulary again = Vocabulary::from_words(vocabulary.words());
  EXPECT_EQ(again.words(), vocabulary.words());
  EXPECT_EQ(again.padding_id(), 0);
  EXPECT_EQ(again.unknown_id(), 1);
  EXPECT_EQ(again.id("a"), vocabulary.id("a"));
  const Vocabulary glove = Vocabulary::from_words({"the", "of", "<unk>"});
  EXPECT_EQ(glove.padding_id(), std::nullopt);
  EXPECT_EQ(glove.id("xyzzy"), 2);
}

TEST(Vocabulary, NamesWhatIsWrong) {
  const Vocabulary vocabulary(counter_of("a"));
  EXPECT_EQ(message_of<IndexError>([&] { (void)vocabulary.word(3); }),
            "Vocabulary: id 3 is outside [0, 3)");
  EXPECT_EQ(message_of<IndexError>([&] { (void)vocabulary.word(-1); }),
            "Vocabulary: id -1 is outside [0, 3)");
  EXPECT_EQ(message_of<ValueError>([] {
              (void)Vocabulary::from_words({"a", "b", "a"});
            }),
            "Vocabulary: 'a' is listed twice, the second time with id 2");
  EXPECT_EQ(message_of<ValueError>([] { Vocabulary(WordCounter(), {.unknown = "<pad>"}); }),
            "Vocabulary: '<pad>' is listed twice, the second time with id 1");
  EXPECT_EQ(message_of<ValueError>([] { Vocabulary(WordCounter(), {.max_size = 1}); }),
            "Vocabulary: max_size is 1, but there are 2 special words");
}

TEST(Vocabulary, HasFurtherSpecialWords) {
  WordCounter counter = counter_of("b b a");
  counter.add("<bos>", 5);
  const Vocabulary vocabulary(counter, {.max_size = 5, .specials = {"<bos>", "<eos>"}});
  EXPECT_THAT(vocabulary.words(), ElementsAre("<pad>", "<unk>", "<bos>", "<eos>", "b"));
  EXPECT_THAT(vocabulary.counts(), ElementsAre(0, 1, 5, 0, 2));
  EXPECT_THAT(vocabulary.special_ids(), ElementsAre(0, 1, 2, 3));
  const Vocabulary listed =
      Vocabulary::from_words({"a", "<eos>", "<unk>", "b"}, {.specials = {"<bos>", "<eos>"}});
  EXPECT_THAT(listed.special_ids(), ElementsAre(1, 2));
  EXPECT_EQ(message_of<ValueError>([] { Vocabulary(WordCounter(), {.specials = {"<unk>"}}); }),
            "Vocabulary: '<unk>' is listed twice, the second time with id 2");
  EXPECT_EQ(message_of<ValueError>(
                [] { Vocabulary(WordCounter(), {.max_size = 2, .specials = {"<bos>"}}); }),
            "Vocabulary: max_size is 2, but there are 3 special words");
}

TEST(Vocabulary, HasADefaultId) {
  EXPECT_EQ(Vocabulary(counter_of("a")).default_id(), 1);
  const Vocabulary glove = Vocabulary::from_words({"the", "of"}, {.default_id = 1});
  EXPECT_EQ(glove.id("xyzzy"), 1);
  EXPECT_EQ(glove.unknown_id(), std::nullopt);
  const Vocabulary padded(counter_of("a"), {.default_id = 0});
  EXPECT_EQ(padded.id("xyzzy"), 0);
  EXPECT_EQ(message_of<ValueError>([] { Vocabulary(counter_of("a"), {.default_id = 3}); }),
            "Vocabulary: default_id 3 is outside [0, 3)");
  EXPECT_EQ(message_of<ValueError>([] { (void)Vocabulary::from_words({"a"}, {.default_id = -1}); }),
            "Vocabulary: default_id -1 is outside [0, 1)");
}

void expect_same(const Vocabulary& a, const Vocabulary& b) {
  EXPECT_EQ(a.words(), b.words());
  EXPECT_EQ(a.counts(), b.counts());
  EXPECT_EQ(a.padding_id(), b.padding_id());
  EXPECT_EQ(a.unknown_id(), b.unknown_id());
  EXPECT_EQ(a.default_id(), b.default_id());
  EXPECT_EQ(a.special_ids(), b.special_ids());
}

class VocabularyFile : public FolderTest {
 protected:
  std::string path() const { return file("vocabulary.txt").string(); }
  // What is wrong with a file of this text, without its name.
  std::string refused(const std::string& text) const {
    write_text(path(), text);
    const std::string begin = "load_vocabulary: '" + path() + "': ";
    std::string message = message_of<FormatError>([&] { (void)load_vocabulary(path()); });
    return message.starts_with(begin) ? message.substr(begin.size()) : message;
  }
};

TEST_F(VocabularyFile, IsAWordAndACountALine) {
  save_vocabulary(Vocabulary(counter_of("b b a"), {.specials = {"<eos>"}, .default_id = 2}),
                  path());
  EXPECT_EQ(read_text(path()),
            "# gradus vocabulary 1: 5 words\n# padding\t0\n# unknown\t1\n# special\t2\n"
            "# default\t2\n\n<pad>\t0\n<unk>\t0\n<eos>\t0\nb\t2\na\t1\n");
}

TEST_F(VocabularyFile, ComesBackAsItWas) {
  WordCounter counter;
  std::int64_t times = 100;
  for (const std::string& word :
       {std::string(""), std::string("a\tb"), std::string("\n"), std::string("\r"),
        std::string("\\x41"), std::string("# padding\t0"), std::string("\xFF\xC3"),
        std::string("\0", 1), std::string(" "), std::string("\xE2\x80\xA8"),
        std::string("caf\xC3\xA9")}) {
    counter.add(word, times--);
  }
  for (const VocabularyOptions& options :
       std::vector<VocabularyOptions>{{},
                                      {.padding = "", .unknown = ""},
                                      {.unknown = "\\", .specials = {"<s>", "</s>"}},
                                      {.padding = "", .default_id = 3}}) {
    const Vocabulary vocabulary(counter, options);
    save_vocabulary(vocabulary, path());
    expect_same(load_vocabulary(path()), vocabulary);
    expect_same(Vocabulary::from_text(vocabulary.text()), vocabulary);
  }
  const Vocabulary both = Vocabulary::from_words({"a", "_"}, {.padding = "_", .unknown = "_"});
  EXPECT_THAT(both.special_ids(), ElementsAre(1));
  expect_same(Vocabulary::from_text(both.text()), both);
  const Vocabulary none(WordCounter(), {.padding = "", .unknown = ""});
  expect_same(Vocabulary::from_text(none.text()), none);
}

TEST_F(VocabularyFile, LiesInAModelsFile) {
  const Vocabulary vocabulary(counter_of("b b a \xC3\xA9"), {.specials = {"\xFF\n"}});
  StateDict state;
  state.set("weight", ones({2}));
  state.metadata["vocabulary"] = vocabulary.text();
  save(state, file("model.safetensors").string());
  const StateDict read = load(file("model.safetensors").string());
  expect_same(Vocabulary::from_text(read.metadata.at("vocabulary")), vocabulary);
}

TEST_F(VocabularyFile, MayHaveTheLineEndsOfWindowsAndNoLastOne) {
  const Vocabulary vocabulary(counter_of("b b a"));
  std::string text = vocabulary.text();
  text.pop_back();
  expect_same(Vocabulary::from_text(text), vocabulary);
  for (std::size_t i = 0; (i = text.find('\n', i)) != std::string::npos; i += 2) {
    text.replace(i, 1, "\r\n");
  }
  write_text(path(), "\xEF\xBB\xBF" + text);
  expect_same(load_vocabulary(path()), vocabulary);
}

TEST_F(VocabularyFile, ErrorsNameTheLine) {
  const std::string head = "# gradus vocabulary 1: 2 words\n";
  EXPECT_EQ(refused(""), "it is empty");
  EXPECT_EQ(refused("the\t7\n"),
            "line 1: 'the\\x097' where '# gradus vocabulary 1: ... words' is expected");
  EXPECT_EQ(refused("# gradus vocabulary 2: x\n"),
            "line 1: version '2': this gradus reads version 1");
  EXPECT_EQ(refused("# gradus vocabulary 1: two words\n"),
            "line 1: 'two words' where a number of words is expected");
  EXPECT_EQ(refused(head + "a\t1\n"),
            "line 2: 'a\\x091' is no mark of a word: a blank line has to end the marks");
  EXPECT_EQ(refused(head + "\na\t1\nb\n"), "line 4: 'b' lacks a tab and a count");
  EXPECT_EQ(refused(head + "\na\t1\nb\tx\n"), "line 4: 'x' is not an integer");
  EXPECT_EQ(refused(head + "\na\t1\nb\t-1\n"), "line 4: a count of -1");
  for (const std::string wrong : {"\\", "\\x", "\\x4", "\\xgg", "\\n", "\\x-1"}) {
    EXPECT_EQ(refused(head + "\n" + wrong + "\t1\n"),
              "line 3: '" + wrong + "' has a backslash that is neither \\\\ nor \\xNN");
  }
  EXPECT_EQ(refused(head + "\na\t1\n"), "it has 1 words, not the 2 of its first line");
  EXPECT_EQ(refused(head + "\na\t1\na\t1\n"), "'a' is listed twice, the second time with id 1");
  EXPECT_EQ(refused(head + "# padding\t2\n\na\t1\nb\t1\n"),
            "'padding' is id 2, which is outside [0, 2)");
  EXPECT_EQ(refused(head + "# mask\t0\n\na\t1\nb\t1\n"),
            "'mask' is not a mark: there are padding, unknown, special and default");
  EXPECT_EQ(message_of<Error>([&] { (void)load_vocabulary(folder().string()); }),
            "load_vocabulary: cannot read '" + folder().string() + "': Is a directory");
  EXPECT_EQ(message_of<FormatError>([] { (void)Vocabulary::from_text("x"); }),
            "Vocabulary::from_text: line 1: 'x' where '# gradus vocabulary 1: ... words' is "
            "expected");
}

TEST(Vocabulary, IsEmptyOnceItWasMovedFrom) {
  Vocabulary words = Vocabulary::from_words({"<pad>", "<unk>", "sea"});
  const std::string text = words.text();
  Vocabulary kept = std::move(words);
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_EQ(words.size(), 0);
  EXPECT_EQ(words.padding_id(), std::nullopt);
  EXPECT_EQ(words.default_id(), std::nullopt);
  EXPECT_TRUE(words.special_ids().empty());
  EXPECT_EQ(merged(words, kept).words(), kept.words());
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(kept.text(), text);
  words = std::move(kept);
  EXPECT_EQ(words.text(), text);
}

}  // namespace
}  // namespace gradus
