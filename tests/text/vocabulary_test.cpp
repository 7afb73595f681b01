#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/tests/support/message_of.h>

#include <string>
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

}  // namespace
}  // namespace gradus
