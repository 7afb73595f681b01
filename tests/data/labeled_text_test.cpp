#include <gmock/gmock.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/data/labeled_text.h>
#include <gradus/framework/data/text_pair.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/caught_warnings.h>

namespace gradus {
namespace {

using testing::ElementsAre;

class LabeledLines : public FolderTest {
 protected:
  std::string written(const std::string& text, const std::string& name = "t") const {
    write_text(file(name), text);
    return file(name).string();
  }
  std::string path() const { return file("t").string(); }
};

TEST_F(LabeledLines, ReadLabelAndText) {
  const auto samples = read_labeled_lines(
      written("__label__spam win  now !\n\n__label__ham\thello\r\n  __label__ham good bye  "));
  EXPECT_THAT(samples, ElementsAre(LabeledText{"win  now !", "spam"}, LabeledText{"hello", "ham"},
                                   LabeledText{"good bye", "ham"}));
  static_assert(DataSet<decltype(read_labeled_lines(""))>);
}

TEST_F(LabeledLines, FindLabelsAnywhereAsFastTextDoes) {
  const std::string text =
      "__label__a __label__b one two\nthree __label__c four\nfive __label__d\n";
  EXPECT_THAT(read_multilabel_lines(written(text)),
              ElementsAre(MultilabelText{"one two", {"a", "b"}},
                          MultilabelText{"three four", {"c"}}, MultilabelText{"five", {"d"}}));
}

TEST_F(LabeledLines, TakeAnotherPrefixOrTheFirstWord) {
  EXPECT_THAT(read_labeled_lines(written("#x a __label__y\n"), {.prefix = "#"}),
              ElementsAre(LabeledText{"a __label__y", "x"}));
  EXPECT_THAT(read_labeled_lines(written("0 How far is\n1 Who ?\n"), {.prefix = ""}),
              ElementsAre(LabeledText{"How far is", "0"}, LabeledText{"Who ?", "1"}));
  EXPECT_THAT(read_labeled_lines(written("4 sister\xAD"
                                         "city\n"),
                                 {.prefix = "", .encoding = TextEncoding::latin1}),
              ElementsAre(LabeledText{"sister\xC2\xAD"
                                      "city",
                                      "4"}));
}

TEST_F(LabeledLines, LastLineNeedsNoEnd) {
  EXPECT_EQ(read_labeled_lines(written("__label__a x\n__label__b y")),
            read_labeled_lines(written("__label__a x\n__label__b y\n")));
  EXPECT_EQ(read_labeled_lines(written("__label__a x")).size(), 1U);
}

TEST_F(LabeledLines, ListAllKindsOfBadLines) {
  const std::string text =
      "no label here\n__label__a __label__b two\n__label__a\n__label__ x\n__label__a \xFF\n"
      "__label__a fine\nneither\n";
  const std::string list =
      "no label (2 times, first in line 1); several labels, which read_multilabel_lines() reads "
      "(line 2: 2); no text (line 3); a label without a name (line 4); not UTF-8 (line 5)";
  EXPECT_EQ(
      message_of<FormatError>([&] { (void)read_labeled_lines(written(text)); }),
      "read_labeled_lines: '" + path() + "' has 6 bad lines: " + list +
          ": correct the file, pass TextEncoding::latin1 if it is Latin-1, or leave such lines "
          "out with BadLines::skip");
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  EXPECT_THAT(read_labeled_lines(path(), {.bad_lines = BadLines::skip, .skipped = &skipped}),
              ElementsAre(LabeledText{"fine", "a"}));
  EXPECT_EQ(skipped, 6);
  EXPECT_THAT(warnings.messages(),
              ElementsAre("read_labeled_lines: '" + path() + "': left out 6 bad lines: " + list));
}

TEST_F(LabeledLines, RefuseEmptyAndAbsentFiles) {
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_labeled_lines(written("")); }),
            "read_labeled_lines: '" + path() + "': it is empty");
  EXPECT_EQ(message_of<Error>([&] { (void)read_multilabel_lines(folder().string()); }),
            "read_multilabel_lines: cannot read '" + folder().string() + "': Is a directory");
}

using ReadParallel = LabeledLines;

TEST_F(ReadParallel, PairsLinesByNumber) {
  const std::string source = written("one\ntwo  \n", "en"), target = written("eins\r\nzwei", "de");
  EXPECT_THAT(read_parallel(source, target),
              ElementsAre(TextPair{"one", "eins"}, TextPair{"two  ", "zwei"}));
}

TEST_F(ReadParallel, RefusesFilesOfDifferentLength) {
  const std::string source = written("a\nb\nc\n", "en"), target = written("d\n", "de");
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_parallel(source, target); }),
            "read_parallel: '" + source + "': it has 3 lines, but '" + target +
                "' has 1: line i of both must belong together");
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_parallel(target, source); }),
            "read_parallel: '" + target + "': it has 1 lines, but '" + source +
                "' has 3: line i of both must belong together");
}

TEST_F(ReadParallel, ListsBadPairsOrLeavesThemOut) {
  const std::string source = written("a\n\nc\nd\n\n", "en");
  const std::string target = written("A\nB\n\xFF\nD\n\n", "de");
  EXPECT_EQ(
      message_of<FormatError>([&] { (void)read_parallel(source, target); }),
      "read_parallel: '" + source +
          "' has 3 bad lines: blank in the source (2 times, first in line 2); not UTF-8 in "
          "the target (line 3): correct the file, pass TextEncoding::latin1 if it is Latin-1, or "
          "leave such lines out with "
          "BadLines::skip");
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  EXPECT_THAT(read_parallel(source, target, {.bad_lines = BadLines::skip, .skipped = &skipped}),
              ElementsAre(TextPair{"a", "A"}, TextPair{"d", "D"}));
  EXPECT_EQ(skipped, 3);
  EXPECT_EQ(warnings.messages().size(), 1U);
}

TEST_F(ReadParallel, RefusesEmptyAndAbsentFiles) {
  const std::string none = written("", "none");
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_parallel(none, none); }),
            "read_parallel: '" + none + "': it is empty");
  EXPECT_THROW((void)read_parallel(none, file("absent").string()), Error);
}

class LabeledTexts : public LabeledLines {
 protected:
  const std::vector<LabeledText> samples = {{"buy, now", "spam"}, {"see you", "ham"}};
};

TEST_F(LabeledTexts, FindTheFormatByTheEndOfTheName) {
  EXPECT_EQ(read_labeled_texts(written("spam\tbuy, now\nham\tsee you\n", "t.tsv")), samples);
  EXPECT_EQ(read_labeled_texts(written("spam,\"buy, now\"\nham,see you\n", "t.csv")), samples);
  EXPECT_EQ(read_labeled_texts(written("{\"text\": \"buy, now\", \"label\": \"spam\"}\n"
                                       "{\"label\": \"ham\", \"n\": 1, \"text\": \"see you\"}\n",
                                       "t.jsonl")),
            samples);
}

TEST_F(LabeledTexts, FindTheFormatByTheFirstLine) {
  EXPECT_EQ(read_labeled_texts(written("\n__label__spam buy, now\nsee you __label__ham\n")),
            samples);
  EXPECT_EQ(read_labeled_texts(written("spam buy, now\nham see you\n")), samples);
  EXPECT_EQ(read_labeled_texts(written("spam\tbuy, now\nham\tsee you\n")), samples);
  EXPECT_EQ(read_labeled_texts(written(" {\"label\": \"spam\", \"text\": \"buy, now\"}\n"
                                       "{\"label\": \"ham\", \"text\": \"see you\"}\n")),
            samples);
  EXPECT_EQ(read_labeled_texts(written("spam my__label__x\n")),
            (std::vector<LabeledText>{{"my__label__x", "spam"}}));
}

TEST_F(LabeledTexts, TakeAnotherFormatIfAsked) {
  EXPECT_EQ(read_labeled_texts(written("spam buy, now\nham see you\n", "t.csv"),
                               {.format = TextFormat::label_first}),
            samples);
  EXPECT_EQ(read_labeled_texts(written("4 sister\xADs\n"), {.encoding = TextEncoding::latin1}),
            (std::vector<LabeledText>{{"sister\u00ads", "4"}}));
}

TEST_F(LabeledTexts, TakeColumnsByNameOrPosition) {
  const std::string table = "text\tid\tlabel\nbuy, now\t1\tspam\nsee you\t2\tham\n";
  EXPECT_EQ(read_labeled_texts(written(table, "t.tsv")), samples);
  const std::string other = "kind\tbody\nspam\tbuy, now\nham\tsee you\n";
  EXPECT_EQ(read_labeled_texts(written(other, "t.tsv"), {.label = "kind", .text = "body"}),
            samples);
  EXPECT_EQ(read_labeled_texts(written("1,\"buy, now\",spam\n2,see you,ham\n", "t.csv"),
                               {.label = 2, .text = 1}),
            samples);
  EXPECT_EQ(read_labeled_texts(written("{\"a\": \"spam\", \"b\": \"buy, now\"}\n"
                                       "{\"a\": \"ham\", \"b\": \"see you\"}\n",
                                       "t.jsonl"),
                               {.label = "a", .text = "b"}),
            samples);
}

TEST_F(LabeledTexts, AreNotGuessedFromOtherColumns) {
  const auto message = [&](const std::string& text, const LabeledTextOptions& options) {
    return message_of<FormatError>(
        [&] { (void)read_labeled_texts(written(text, "t.tsv"), options); });
  };
  const std::string begin = "read_labeled_texts: '" + file("t.tsv").string() +
                            "': the first line does not name the columns ";
  const std::string end = ": name two of these, or give positions";
  EXPECT_EQ(message("1\tspam\tbuy\n", {}), begin + "'label' and 'text', it has 1, spam, buy" + end);
  EXPECT_EQ(message("label\tbody\nspam\tbuy\n", {}),
            begin + "'label' and 'text', it has label, body" + end);
  EXPECT_EQ(message("spam\tbuy\n", {.label = "kind"}),
            begin + "'kind' and 'text', it has spam, buy" + end);
  EXPECT_THROW((void)read_labeled_texts(written("spam\tbuy\n", "t.tsv"), {.label = 0, .text = 2}),
               IndexError);
}

TEST_F(LabeledTexts, NeedLabelAndText) {
  const std::string table = written("label\ttext\nspam\tbuy\n\tsee\nham\t \n", "t.tsv");
  const std::string fault =
      "read_labeled_texts: '" + table + "': rows without label or text: 2, the first is 3";
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_labeled_texts(table); }), fault);
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  EXPECT_THAT(read_labeled_texts(table, {.bad_lines = BadLines::skip, .skipped = &skipped}),
              ElementsAre(LabeledText{"buy", "spam"}));
  EXPECT_EQ(skipped, 2);
  EXPECT_THAT(warnings.messages(), ElementsAre(fault + "; they were left out"));
}

TEST_F(LabeledTexts, RefuseFilesWithoutTexts) {
  for (const char* name : {"t", "t.tsv", "t.csv", "t.jsonl"}) {
    EXPECT_THROW((void)read_labeled_texts(written("", name)), FormatError) << name;
    EXPECT_EQ(message_of<FormatError>([&] { (void)read_labeled_texts(written("\n\n", name)); }),
              "read_labeled_texts: '" + file(name).string() + "': no texts");
  }
  EXPECT_THROW((void)read_labeled_texts(written("label\ttext\n", "t.tsv")), FormatError);
  EXPECT_THROW((void)read_labeled_texts(file("absent").string()), Error);
}

}  // namespace
}  // namespace gradus
