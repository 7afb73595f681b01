#include <gmock/gmock.h>
#include <gradus/framework/text/label_set.h>
#include <gradus/tests/io/file_testing.h>

namespace gradus {
namespace {

using testing::ElementsAre;
using Names = std::vector<std::string>;

TEST(LabelSet, NumbersNamesByFirstSight) {
  LabelSet labels;
  EXPECT_EQ(labels.add("spam"), 0);
  EXPECT_EQ(labels.add("ham"), 1);
  EXPECT_EQ(labels.add("spam"), 0);
  EXPECT_EQ(labels.size(), 2);
  EXPECT_EQ(labels.id("ham"), 1);
  EXPECT_EQ(labels.name(1), "ham");
  EXPECT_EQ(labels.find("eggs"), std::nullopt);
  EXPECT_TRUE(labels.contains("ham"));
  EXPECT_THAT(labels.ids(Names{"ham", "spam", "ham"}), ElementsAre(1, 0, 1));
}

TEST(LabelSet, TakesSeveralNames) {
  LabelSet labels;
  labels.add({"NOUN", "VERB"});
  labels.add({"ADJ"});
  labels.add(Names{"VERB", "X"});
  EXPECT_THAT(labels.names(), ElementsAre("NOUN", "VERB", "ADJ", "X"));
  EXPECT_THAT(labels.ids({"X", "NOUN"}), ElementsAre(3, 0));
}

TEST(LabelSet, IsSortedByBytesIfAsked) {
  const LabelSet labels = LabelSet({"b", "10", "2", "a"}).sorted();
  EXPECT_THAT(labels.names(), ElementsAre("10", "2", "a", "b"));
  EXPECT_EQ(labels.id("a"), 2);
}

TEST(LabelSet, NamesTheClosestOfAnUnknownLabel) {
  const LabelSet labels({"sports", "business", "science", "world"});
  EXPECT_EQ(message_of<IndexError>([&] { (void)labels.id("Sport"); }),
            "LabelSet: 'Sport' is not among the 4 labels: the closest are 'sports', 'world', "
            "'science'");
  EXPECT_EQ(message_of<IndexError>([&] {
              (void)labels.ids(Names{"world", "word"});
            }),
            "LabelSet: 'word' is not among the 4 labels: the closest are 'world', 'sports', "
            "'science'");
  EXPECT_EQ(message_of<IndexError>([] { (void)LabelSet().id("a"); }),
            "LabelSet: 'a' is not among the 0 labels: add() them first");
}

TEST(LabelSet, NamesWhatIsWrong) {
  EXPECT_EQ(message_of<IndexError>([] { (void)LabelSet().name(0); }),
            "LabelSet: id 0 is outside [0, 0)");
  EXPECT_EQ(message_of<ValueError>([] {
              LabelSet(Names{"a", "a"});
            }),
            "LabelSet: 'a' is listed twice, the second time with id 1");
}

class LabelSetFile : public FolderTest {};

TEST_F(LabelSetFile, ComesBackAsItWas) {
  const Names names = {"b", "a", "", "two\nlines", "a\\x", "# gradus", "\xFF\xC3\xA9"};
  const std::string path = file("labels.txt").string();
  save_labels(LabelSet(names), path);
  EXPECT_EQ(load_labels(path).names(), names);
  EXPECT_EQ(
      read_text(path),
      "# gradus labels 1: 7 words\n\nb\na\n\ntwo\\x0alines\na\\\\x\n# gradus\n\\xff\xC3\xA9\n");
  EXPECT_EQ(LabelSet::from_text(LabelSet(names).text()).names(), names);
  EXPECT_EQ(LabelSet::from_text(LabelSet().text()).size(), 0);
}

TEST_F(LabelSetFile, ErrorsNameTheFileAndTheLine) {
  const std::string path = file("labels.txt").string();
  write_text(path, "spam\nham\n");
  EXPECT_EQ(message_of<FormatError>([&] { (void)load_labels(path); }),
            "load_labels: '" + path +
                "': line 1: 'spam' where '# gradus labels 1: ... words' is expected");
  EXPECT_EQ(message_of<FormatError>(
                [] { (void)LabelSet::from_text("# gradus labels 1: 2 words\n\na\na\n"); }),
            "LabelSet::from_text: 'a' is listed twice");
}

}  // namespace
}  // namespace gradus
