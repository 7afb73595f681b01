// Vocabularies that are merged and cut.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenize.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Vocabulary vocabulary_of(std::string_view text, const VocabularyOptions& options = {}) {
  WordCounter counter;
  counter.add(tokenize(text));
  return Vocabulary(counter, options);
}

constexpr const char* cure = ": make both with the same special words, by their VocabularyOptions";

TEST(MergedVocabulary, KeepsTheIdsOfTheFirstAndAddsCounts) {
  const Vocabulary a = vocabulary_of("sea sea land", {.specials = {"<bos>"}});
  const Vocabulary b = vocabulary_of("sea sky land land land ice", {.min_count = 1});
  const Vocabulary both = merged(a, b);
  EXPECT_THAT(both.words(), ElementsAre("<pad>", "<unk>", "<bos>", "sea", "land", "ice", "sky"));
  EXPECT_THAT(both.counts(), ElementsAre(0, 0, 0, 3, 4, 1, 1));
  EXPECT_EQ(both.padding_id(), 0);
  EXPECT_EQ(both.unknown_id(), 1);
  EXPECT_EQ(both.default_id(), 1);
  EXPECT_THAT(both.special_ids(), ElementsAre(0, 1, 2));
  EXPECT_EQ(both.id("sky"), 6);
  EXPECT_EQ(Vocabulary::from_text(both.text()).words(), both.words());
}

TEST(MergedVocabulary, AddsTheCountsOfWordsLeftOutAndStaysAtTheGreatest) {
  const Vocabulary rare = vocabulary_of("sea sea land ice", {.min_count = 2});
  EXPECT_THAT(merged(rare, rare).counts(), ElementsAre(0, 4, 4));
  WordCounter counter;
  counter.add("sea", std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(merged(Vocabulary(counter), rare).counts()[2],
            std::numeric_limits<std::int64_t>::max());
}

TEST(MergedVocabulary, TakesSpecialWordsThatOneOfThemLacks) {
  const Vocabulary plain = Vocabulary::from_words({"sea", "sky"});
  const Vocabulary text = vocabulary_of("sea land", {.specials = {"<eos>"}});
  const Vocabulary both = merged(plain, text);
  EXPECT_THAT(both.words(), ElementsAre("sea", "sky", "<pad>", "<unk>", "<eos>", "land"));
  EXPECT_EQ(both.padding_id(), 2);
  EXPECT_EQ(both.unknown_id(), 3);
  EXPECT_EQ(both.default_id(), 3);
  EXPECT_THAT(both.special_ids(), ElementsAre(2, 3, 4));
  EXPECT_THAT(merged(text, plain).words(),
              ElementsAre("<pad>", "<unk>", "<eos>", "land", "sea", "sky"));
}

TEST(MergedVocabulary, TakesTheDefaultWord) {
  const Vocabulary plain = Vocabulary::from_words({"sea", "sky"});
  const Vocabulary other = Vocabulary::from_words({"ice", "sky"}, {.default_id = 1});
  EXPECT_EQ(merged(plain, other).default_id(), 1);
  EXPECT_EQ(merged(other, plain).id("unheard"), 1);
  const Vocabulary land = Vocabulary::from_words({"land", "ice"}, {.default_id = 1});
  EXPECT_EQ(message_of<ValueError>([&] { (void)merged(other, land); }),
            std::string("merged: the default word is 'sky' in the first vocabulary and 'ice' in "
                        "the second") +
                cure);
}

TEST(MergedVocabulary, RefusesSpecialWordsThatDiffer) {
  const Vocabulary a = vocabulary_of("sea");
  EXPECT_EQ(
      message_of<ValueError>([&] { (void)merged(a, vocabulary_of("sea", {.padding = "[PAD]"})); }),
      std::string("merged: the padding word is '<pad>' in the first vocabulary and '[PAD]' "
                  "in the second") +
          cure);
  EXPECT_EQ(
      message_of<ValueError>([&] { (void)merged(a, vocabulary_of("sea", {.unknown = "[UNK]"})); }),
      std::string("merged: the unknown word is '<unk>' in the first vocabulary and '[UNK]' "
                  "in the second") +
          cure);
  EXPECT_EQ(message_of<ValueError>([&] {
              (void)merged(a, Vocabulary::from_words({"the", "<unk>"}, {.unknown = ""}));
            }),
            std::string("merged: '<unk>' is a special word in the first vocabulary alone") + cure);
  EXPECT_EQ(
      message_of<ValueError>([&] { (void)merged(a, vocabulary_of("", {.specials = {"sea"}})); }),
      std::string("merged: 'sea' is a special word in the second vocabulary alone") + cure);
}

TEST(MergedVocabulary, OfNothingIsTheOther) {
  const Vocabulary none = Vocabulary::from_words({});
  const Vocabulary a = vocabulary_of("sea sea sky");
  EXPECT_EQ(merged(none, a).text(), a.text());
  EXPECT_EQ(merged(a, none).text(), a.text());
  EXPECT_EQ(merged(none, none).size(), 0);
}

TEST(CutVocabulary, KeepsTheMostFrequentInTheirOrder) {
  // After a merge, words are not sorted by count.
  const Vocabulary both = merged(vocabulary_of("a a a b c c"), vocabulary_of("d d d d e c f f"));
  EXPECT_THAT(both.words(), ElementsAre("<pad>", "<unk>", "a", "c", "b", "d", "f", "e"));
  const Vocabulary less = cut(both, {.max_size = 5});
  EXPECT_THAT(less.words(), ElementsAre("<pad>", "<unk>", "a", "c", "d"));
  EXPECT_THAT(less.counts(), ElementsAre(0, 4, 3, 3, 4));  // b, f and e are unknown now
  EXPECT_EQ(less.padding_id(), 0);
  EXPECT_EQ(less.unknown_id(), 1);
  EXPECT_EQ(less.id("b"), 1);
  EXPECT_THAT(cut(both, {.max_size = 4}).words(), ElementsAre("<pad>", "<unk>", "a", "d"));
}

TEST(CutVocabulary, LeavesOutRareWords) {
  const Vocabulary all = vocabulary_of("a a a b b c", {.specials = {"<eos>"}});
  EXPECT_THAT(cut(all, {.min_count = 2}).words(), ElementsAre("<pad>", "<unk>", "<eos>", "a", "b"));
  EXPECT_THAT(cut(all, {.min_count = 2, .max_size = 4}).words(),
              ElementsAre("<pad>", "<unk>", "<eos>", "a"));
  EXPECT_THAT(cut(all, {.min_count = 9}).words(), ElementsAre("<pad>", "<unk>", "<eos>"));
  EXPECT_EQ(cut(all, {}).text(), all.text());
  EXPECT_EQ(cut(all, {.max_size = 1000}).text(), all.text());
}

TEST(CutVocabulary, KeepsSpecialWordsAndTheDefaultWhereverTheyAre) {
  const Vocabulary words =
      Vocabulary::from_words({"the", "of", "sea", "<unk>", "<pad>", "sky"}, {.default_id = 2});
  const Vocabulary less = cut(words, {.max_size = 4});  // all counts are 0: the first stay
  EXPECT_THAT(less.words(), ElementsAre("the", "sea", "<unk>", "<pad>"));
  EXPECT_EQ(less.default_id(), 1);
  EXPECT_EQ(less.unknown_id(), 2);
  EXPECT_EQ(less.padding_id(), 3);
  EXPECT_THAT(less.special_ids(), ElementsAre(2, 3));
  EXPECT_EQ(message_of<ValueError>([&] { (void)cut(words, {.max_size = 2}); }),
            "cut: max_size is 2, but 3 words must stay: the special ones and that of default_id");
  EXPECT_THROW((void)cut(Vocabulary::from_words({"a"}), {.max_size = -1}), ValueError);
  EXPECT_EQ(cut(Vocabulary::from_words({"a"}), {.max_size = 0}).size(), 0);
}

TEST(RowSources, SayWhichRowAWordHad) {
  const Vocabulary a = vocabulary_of("a a b"), both = merged(a, vocabulary_of("c b b b"));
  EXPECT_THAT(row_sources(a, both), ElementsAre(0, 1, 2, 3, -1));
  EXPECT_THAT(row_sources(both, cut(both, {.max_size = 4})), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(row_sources(both, cut(both, {.min_count = 3})), ElementsAre(0, 1, 3));
  EXPECT_THAT(row_sources(a, Vocabulary::from_words({})), IsEmpty());
}

}  // namespace
}  // namespace gradus
