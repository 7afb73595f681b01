#include <gradus/framework/io/word_tests.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::HasSubstr;

class WordTests : public FolderTest {
 protected:
  std::vector<WordPair> pairs(const std::string& text, const WordPairOptions& options = {}) const {
    write_text(file("tests"), text);
    return read_word_pairs(file("tests"), options);
  }
  std::vector<AnalogySection> analogies(const std::string& text) const {
    write_text(file("tests"), text);
    return read_analogies(file("tests"));
  }
  std::string pairs_error(const std::string& text) const {
    return message_of<FormatError>([&] { pairs(text); });
  }
  std::string analogies_error(const std::string& text) const {
    return message_of<FormatError>([&] { analogies(text); });
  }
  std::string where(const std::string& operation, const std::string& line) const {
    return operation + ": " + file("tests").string() + ":" + line + ": ";
  }
};

const std::vector<WordPair> expected = {{"love", "sex", 6.77}, {"tiger", "cat", 7.35}};

TEST_F(WordTests, ReadsTabsSpacesAndCommas) {
  EXPECT_EQ(pairs("love\tsex\t6.77\ntiger\tcat\t7.35\n"), expected);
  EXPECT_EQ(pairs("love sex 6.77\r\n\ntiger  cat 7.35 "), expected);
  EXPECT_EQ(pairs("love,sex,6.77\ntiger , cat,7.35\n"), expected);
  EXPECT_EQ(pairs("\xef\xbb\xbflove\tsex\t6.77\ntiger\tcat\t7.35"), expected);
  const std::vector<WordPair> phrase = {{"New York", "a,b", -1}};
  EXPECT_EQ(pairs("New York\ta,b\t-1\n"), phrase);
}

TEST_F(WordTests, IgnoresCommentsAndNamesOfColumns) {
  EXPECT_EQ(pairs("# of 2002\nWord 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n"),
            expected);
  EXPECT_EQ(pairs("word1\tword2\tPOS\tSimLex999\nlove\tsex\tN\t6.77\ntiger\tcat\tN\t7.35\n",
                  {.score_column = 3}),
            expected);
}

TEST_F(WordTests, RefusesBadPairs) {
  const std::string good = "love\tsex\t6.77\n";
  EXPECT_EQ(pairs_error(good + "tiger\tcat\n"),
            where("read_word_pairs", "2") +
                "'tiger\\x09cat' has 2 fields: two words and a score are in columns 0, 1 and 2");
  EXPECT_EQ(
      pairs_error(good + "tiger\tcat\t1\t2\n"),
      where("read_word_pairs", "2") + "'tiger\\x09cat\\x091\\x092' has 4 fields, the first line 3");
  EXPECT_EQ(pairs_error(good + "tiger\tcat\tlow\n"),
            where("read_word_pairs", "2") + "the score 'low' is not a finite number");
  EXPECT_THAT(pairs_error(good + "tiger\tcat\tnan\n"), HasSubstr("'nan' is not a finite number"));
  EXPECT_THAT(pairs_error(good + "tiger\tcat\t1e999\n"), HasSubstr("is not a finite number"));
  EXPECT_EQ(pairs_error(good + "\tcat\t1\n"), where("read_word_pairs", "2") + "a word is empty");
  EXPECT_THAT(pairs_error(std::string("PK\x03\x04\0\0", 6)), HasSubstr("zip"));
}

TEST_F(WordTests, RefusesAFileWithoutPairs) {
  const std::string text =
      "read_word_pairs: " + file("tests").string() + ": the file has no word pairs";
  EXPECT_EQ(pairs_error(""), text);
  EXPECT_EQ(pairs_error("# nothing\n\n"), text);
  EXPECT_EQ(pairs_error("word 1\tword 2\tscore\n"), text);
  EXPECT_EQ(message_of<ValueError>([&] { pairs("a b 1", {.score_column = 1}); }),
            "read_word_pairs: score_column is 1: columns 0 and 1 are the words");
  EXPECT_THAT(message_of<Error>([&] { read_word_pairs(file("nothing")); }), HasSubstr("nothing"));
}

TEST_F(WordTests, ReadsAnalogiesBySection) {
  const std::vector<AnalogySection> sections = {
      {"capitals",
       {{"Athens", "Greece", "Oslo", "Norway"}, {"Oslo", "Norway", "Bern", "Switzerland"}}},
      {"empty"},
      {"gram 1", {{"calm", "calmly", "free", "freely"}}}};
  EXPECT_EQ(analogies("// word2vec's\n: capitals\nAthens Greece Oslo Norway\r\n\n"
                      "Oslo\tNorway  Bern Switzerland\n: empty\n:gram 1 \ncalm calmly free freely"),
            sections);
  EXPECT_EQ(analogies("a b c d\n").at(0).name, "");
}

TEST_F(WordTests, RefusesBadAnalogies) {
  EXPECT_EQ(analogies_error(": x\na b c\n"),
            where("read_analogies", "2") + "'a b c' has 3 words: an analogy has 4");
  EXPECT_EQ(analogies_error(": x\na b c d e\n"),
            where("read_analogies", "2") + "'a b c d e' has 5 words: an analogy has 4");
  EXPECT_EQ(analogies_error(": x\n"),
            "read_analogies: " + file("tests").string() + ": the file has no analogies");
}

}  // namespace
}  // namespace gradus
