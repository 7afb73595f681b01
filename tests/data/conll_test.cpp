#include <gmock/gmock.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/caught_warnings.h>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

class ReadConll : public FolderTest {
 protected:
  std::string written(const std::string& text) const {
    write_text(file("t"), text);
    return file("t").string();
  }
  std::string path() const { return file("t").string(); }
};

const char* const ner =
    "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n# NN B-NP O\n";

TEST_F(ReadConll, ReadsWordsAndTheLastColumn) {
  const auto sentences = read_conll(written(ner));
  EXPECT_THAT(sentences, ElementsAre(TaggedSentence{{"EU", "rejects"}, {"B-ORG", "O"}},
                                     TaggedSentence{{"#"}, {"O"}}));
  static_assert(DataSet<decltype(read_conll(""))>);
}

TEST_F(ReadConll, ChoosesColumns) {
  const auto sentences =
      read_conll(written(ner), {.word_column = 1, .tag_column = -2, .further_columns = {0, 3}});
  EXPECT_EQ(
      sentences[0],
      (TaggedSentence{{"NNP", "VBZ"}, {"B-NP", "B-VP"}, {{"EU", "rejects"}, {"B-ORG", "O"}}}));
  EXPECT_EQ(message_of<IndexError>([&] { (void)read_conll(path(), {.tag_column = 4}); }),
            "read_conll: '" + path() + "': there is no column 4: line 3 has 4 columns");
  EXPECT_EQ(message_of<IndexError>([&] { (void)read_conll(path(), {.word_column = -5}); }),
            "read_conll: '" + path() + "': there is no column -5: line 3 has 4 columns");
}

TEST_F(ReadConll, RefusesWordsAndTagsInOneColumn) {
  EXPECT_THAT(message_of<FormatError>([&] { (void)read_conll(written("EU\nrejects\n")); }),
              testing::HasSubstr("' has 2 bad lines: words and tags in one column (2 times, first "
                                 "in line 1: column 0 of 1): "));
  EXPECT_THROW((void)read_conll(written(ner), {.word_column = 3}), FormatError);
  const CaughtWarnings warnings;
  EXPECT_THAT(read_conll(written("EU\n\na X\n"), {.bad_lines = BadLines::skip}),
              ElementsAre(TaggedSentence{{"a"}, {"X"}}));
}

TEST_F(ReadConll, RefusesAnEmptyField) {
  const ConllOptions options{.separator = '\t'};
  EXPECT_THAT(message_of<FormatError>([&] { (void)read_conll(written("a\tX\nb\t\n"), options); }),
              testing::HasSubstr("' has 1 bad line: an empty field (line 2: column 1): "));
  EXPECT_EQ(read_conll(written("a\t\tX\n"), options)[0].tags, Words{"X"});  // not read
}

TEST_F(ReadConll, EndsASentenceWhereADocumentStarts) {
  const std::vector<TaggedSentence> expected = {{{"a"}, {"X"}}, {{"b"}, {"Y"}}};
  EXPECT_EQ(read_conll(written("a X\n-DOCSTART- O\nb Y\n")), expected);
  EXPECT_EQ(read_conll(written("a\tX\n-DOCSTART- -X- O\nb\tY\n"), {.separator = '\t'}), expected);
  EXPECT_EQ(read_conll(written("-DOCSTART-x X\n"))[0].words, Words{"-DOCSTART-x"});
}

TEST_F(ReadConll, SuggestsTheReaderForConllu) {
  const std::string text = "# text = a\n1\ta\ta\tX\t_\t_\t0\tr\t_\t_\n\n";
  const std::string cure = ": it looks like CoNLL-U: use read_conllu(), or document_start = \"#\"";
  EXPECT_THAT(message_of<FormatError>([&] { (void)read_conll(written(text)); }),
              testing::EndsWith(cure));
  ConllOptions options{.word_column = 1, .tag_column = 3, .separator = '\t'};
  EXPECT_EQ(message_of<IndexError>([&] { (void)read_conll(path(), options); }),
            "read_conll: '" + path() + "': there is no column 1: line 1 has 1 column" + cure);
  options.document_start = "#";
  EXPECT_THAT(read_conll(path(), options), ElementsAre(TaggedSentence{{"a"}, {"X"}}));
}

TEST_F(ReadConll, RefusesAnotherSeparator) {
  EXPECT_EQ(message_of<ValueError>([&] { (void)read_conll("none", {.separator = ','}); }),
            "read_conll: separator ',': it must be ' ', for runs of spaces and tabs, or '\\t'");
}

TEST_F(ReadConll, SeparatesByBlanksOrTabs) {
  EXPECT_THAT(read_conll(written("New  York\t B\n")).size(), 1U);
  EXPECT_THAT(read_conll(written("New York\tB\nis\tO"), {.separator = '\t'}),
              ElementsAre(TaggedSentence{{"New York", "is"}, {"B", "O"}}));
}

TEST_F(ReadConll, EndsSentencesAtBlankLinesAndTheEnd) {
  const std::vector<TaggedSentence> expected = {{{"a"}, {"X"}}, {{"b"}, {"Y"}}};
  for (const char* text :
       {"a X\n\nb Y\n\n", "a X\n\nb Y\n", "a X\n\nb Y", "\n\na X\n \t\n\nb Y", "a X\r\n\r\nb Y\r\n",
        "\xEF\xBB\xBF"
        "a X\n\nb Y"}) {
    EXPECT_EQ(read_conll(written(text)), expected) << text;
  }
  EXPECT_THAT(read_conll(written("\n")), IsEmpty());
}

TEST_F(ReadConll, LeavesOutSentencesWithBadLines) {
  const std::string text = "a X\nb\n\nc Y\n\nd Z\n\xFF Z\n\ne Z\n";
  const std::string list = "wrong number of fields (line 2: 1 instead of 2); not UTF-8 (line 7)";
  EXPECT_EQ(
      message_of<FormatError>([&] { (void)read_conll(written(text)); }),
      "read_conll: '" + path() + "' has 2 bad lines: " + list +
          ": correct the file, pass TextEncoding::latin1 if it is Latin-1, or leave such lines "
          "out with BadLines::skip");
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  EXPECT_THAT(read_conll(path(), {.bad_lines = BadLines::skip, .skipped = &skipped}),
              ElementsAre(TaggedSentence{{"c"}, {"Y"}}, TaggedSentence{{"e"}, {"Z"}}));
  EXPECT_EQ(skipped, 2);
  EXPECT_THAT(warnings.messages(),
              ElementsAre("read_conll: '" + path() + "': left out 2 bad lines: " + list));
}

TEST_F(ReadConll, RefusesEmptyAndAbsentFiles) {
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_conll(written("")); }),
            "read_conll: '" + path() + "': it is empty");
  EXPECT_EQ(message_of<Error>([&] { (void)read_conll(folder().string()); }),
            "read_conll: cannot read '" + folder().string() + "': Is a directory");
}

class ReadConllu : public ReadConll {
 protected:
  // What is wrong with a sentence of these lines, without the name of the file.
  std::string refused(const std::string& text) const {
    const std::string begin = "read_conllu: '" + path() + "' has 1 bad line: ";
    const std::string end = ": correct the file, or leave such lines out with BadLines::skip";
    std::string message = message_of<FormatError>([&] { (void)read_conllu(written(text)); });
    if (!message.starts_with(begin) || !message.ends_with(end)) return message;
    return message.substr(begin.size(), message.size() - begin.size() - end.size());
  }
};

// A line with an id, a form, a head.
std::string line(const std::string& id, const std::string& form, const std::string& head) {
  return id + "\t" + form + "\t_\tX\t_\t_\t" + head + "\tdep\t_\t_\n";
}

// The English Web Treebank, sentence weblog-blogspot.com_nominations_20041117172713_ENG_
// 20041117_172713-0001 of its development part (CC BY-SA 4.0), shortened.
const char* const ap =
    "# sent_id = nominations-0001\n# text = From the AP\n"
    "1\tFrom\tfrom\tADP\tIN\t_\t3\tcase\t3:case\t_\n"
    "2\tthe\tthe\tDET\tDT\tDefinite=Def|PronType=Art\t3\tdet\t3:det\t_\n"
    "3\tAP\tAP\tPROPN\tNNP\tNumber=Sing\t0\troot\t0:root\tSpaceAfter=No\n\n";

TEST_F(ReadConllu, ReadsTenFieldsAndComments) {
  const auto sentences = read_conllu(written(ap));
  ASSERT_EQ(sentences.size(), 1U);
  const ConlluSentence& sentence = sentences[0];
  EXPECT_THAT(sentence.comments, ElementsAre("sent_id = nominations-0001", "text = From the AP"));
  EXPECT_EQ(sentence.comment("text"), "From the AP");
  EXPECT_EQ(sentence.comment("sent_id"), "nominations-0001");
  ASSERT_EQ(sentence.words.size(), 3U);
  EXPECT_EQ(sentence.words[1], (ConlluToken{"2", "the", "the", "DET", "DT",
                                            "Definite=Def|PronType=Art", 3, "det", "3:det", "_"}));
  EXPECT_EQ(sentence.words[2].head, 0);
  EXPECT_EQ(sentence.words[2].misc, "SpaceAfter=No");
  EXPECT_EQ(upos_tagged(sentence),
            (TaggedSentence{{"From", "the", "AP"}, {"ADP", "DET", "PROPN"}}));
}

TEST_F(ReadConllu, TellsACommentWithoutValueFromNone) {
  const auto sentences = read_conllu(written("# newpar\n#k=\n# n = a = b\n" + line("1", "a", "0")));
  ASSERT_EQ(sentences.size(), 1U);
  EXPECT_EQ(sentences[0].comment("newpar"), "");
  EXPECT_EQ(sentences[0].comment("k"), "");
  EXPECT_EQ(sentences[0].comment("n"), "a = b");
  EXPECT_EQ(sentences[0].comment("newdoc"), std::nullopt);
}

// The examples of universaldependencies.org/format.html.
TEST_F(ReadConllu, KeepsMultiwordTokensAndEmptyNodesApart) {
  const auto sentences = read_conllu(
      written("1-2\tv\xC3\xA1monos\t_\t_\t_\t_\t_\t_\t_\t_\n" + line("1", "vamos", "0") +
              line("2", "nos", "1") + "3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_\n" + line("3", "a", "5") +
              line("4", "el", "5") + line("5", "mar", "1") + "\n" + line("0.1", "pro", "_") +
              line("1", "Sue", "2") + line("2", "likes", "0") + line("2.1", "x", "_") +
              line("2.2", "y", "_") + line("3", "coffee", "2")));
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_EQ(upos_tagged(sentences[0]).words, (Words{"vamos", "nos", "a", "el", "mar"}));
  ASSERT_EQ(sentences[0].multiword.size(), 2U);
  EXPECT_EQ(sentences[0].multiword[1].id, "3-4");
  EXPECT_EQ(sentences[0].multiword[1].form, "al");
  EXPECT_EQ(sentences[0].multiword[1].head, -1);
  EXPECT_EQ(upos_tagged(sentences[1]).words, (Words{"Sue", "likes", "coffee"}));
  ASSERT_EQ(sentences[1].empty_nodes.size(), 3U);
  EXPECT_EQ(sentences[1].empty_nodes[0].id, "0.1");
  EXPECT_EQ(sentences[1].empty_nodes[2].id, "2.2");
}

TEST_F(ReadConllu, TakesBlanksInFormsAndMissingHeads) {
  const auto sentences =
      read_conllu(written("1\t10 000\t10 000\tNUM\t_\t_\t_\t_\t_\tGloss=ten thousand"));
  ASSERT_EQ(sentences.size(), 1U);
  EXPECT_EQ(sentences[0].words[0].form, "10 000");
  EXPECT_EQ(sentences[0].words[0].head, -1);
}

TEST_F(ReadConllu, RefusesWhatTheFormatDoes) {
  EXPECT_EQ(refused("1\ta\tb\n"), "not ten fields separated by tabs (line 1: 3)");
  EXPECT_EQ(refused("1\t\t_\tX\t_\t_\t0\tdep\t_\t_\n"), "an empty field (line 1: FORM)");
  EXPECT_EQ(refused("1\ta\t_\tX Y\t_\t_\t0\tdep\t_\t_\n"),
            "a blank in a field that may have none (line 1: UPOS)");
  EXPECT_EQ(refused(line("1", "a", "0") + "# late\n"), "a comment after the first token (line 2)");
  const std::string order = "an id that is wrong or out of order ";
  EXPECT_EQ(refused(line("2", "a", "0")), order + "(line 1: '2')");
  EXPECT_EQ(refused(line("x", "a", "0")), order + "(line 1: 'x')");
  EXPECT_EQ(refused(line("01", "a", "0")), order + "(line 1: '01')");
  EXPECT_EQ(refused(line("1", "a", "0") + line("1", "a", "0")), order + "(line 2: '1')");
  EXPECT_EQ(refused(line("2-3", "a", "_")), order + "(line 1: '2-3')");
  EXPECT_EQ(refused(line("1-1", "a", "_")), order + "(line 1: '1-1')");
  EXPECT_EQ(refused(line("1-2", "a", "_") + line("1", "b", "0") + line("2-3", "c", "_")),
            order + "(line 3: '2-3')");
  EXPECT_EQ(refused(line("1.1", "a", "_")), order + "(line 1: '1.1')");
  EXPECT_EQ(refused(line("1", "a", "0") + line("1.2", "a", "_")), order + "(line 2: '1.2')");
  const std::string head = "a head that is no other word of the sentence ";
  EXPECT_EQ(refused(line("1", "a", "2")), head + "(line 1: '2')");
  EXPECT_EQ(refused(line("1", "a", "0") + line("2", "b", "2")), head + "(line 2: '2')");
  EXPECT_EQ(refused(line("1", "a", "-1")), head + "(line 1: '-1')");
  EXPECT_EQ(refused(line("1-2", "a", "_") + line("1", "b", "0")),
            "a multiword token beyond the sentence (line 1)");
  EXPECT_EQ(refused(line("1-2", "a", "0")), "a multiword token with a head (line 1)");
  EXPECT_EQ(refused(line("0.1", "a", "0")), "an empty node with a head (line 1)");
  EXPECT_THAT(refused("1\t\xFF\t_\tX\t_\t_\t0\tdep\t_\t_\n"),
              testing::HasSubstr("bad line: not UTF-8 (line 1)"));
}

TEST_F(ReadConllu, LeavesOutSentencesWithBadLines) {
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  const auto sentences = read_conllu(written(line("1", "a", "9") + "\n" + ap + line("1", "b", "0") +
                                             "2\tx\n" + line("3", "c", "1")),
                                     {.bad_lines = BadLines::skip, .skipped = &skipped});
  ASSERT_EQ(sentences.size(), 1U);
  EXPECT_EQ(sentences[0].comment("text"), "From the AP");
  EXPECT_EQ(skipped, 2);
  EXPECT_THAT(warnings.messages(),
              ElementsAre("read_conllu: '" + path() +
                          "': left out 2 bad lines: a head that is no other word of the sentence "
                          "(line 1: '9'); not ten fields separated by tabs (line 10: 2)"));
}

TEST_F(ReadConllu, TakesAnyLineEnd) {
  const auto expected = read_conllu(written(ap));
  std::string text = ap;
  EXPECT_EQ(read_conllu(written(text.substr(0, text.size() - 1))), expected);
  EXPECT_EQ(read_conllu(written(text.substr(0, text.size() - 2))), expected);
  for (std::size_t i = 0; (i = text.find('\n', i)) != std::string::npos; i += 2) {
    text.replace(i, 1, "\r\n");
  }
  EXPECT_EQ(read_conllu(written(text)), expected);
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_conllu(written("")); }),
            "read_conllu: '" + path() + "': it is empty");
}

}  // namespace
}  // namespace gradus
