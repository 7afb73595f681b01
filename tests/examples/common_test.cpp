#include <gmock/gmock.h>
#include <gradus/examples/common/corpus.h>
#include <gradus/examples/common/interrupt.h>
#include <gradus/examples/common/progress.h>
#include <gradus/examples/common/table.h>
#include <gradus/framework/base/error.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::filesystem::path scratch_file() {
  return std::filesystem::path(testing::TempDir()) /
         testing::UnitTest::GetInstance()->current_test_info()->name();
}

Corpus numbered(int n) {
  Corpus corpus;
  for (int i = 0; i < n; ++i) corpus.push_back({i % 2 == 0 ? "even" : "odd", std::to_string(i)});
  return corpus;
}

std::string all_texts(const Corpus& corpus) {
  std::string texts;
  for (const LabelledText& line : corpus) texts += line.text + " ";
  return texts;
}

TEST(Corpus, ComesBackFromAFile) {
  const auto file = scratch_file();
  write_corpus({{"a", "one two"}, {"b c", "tab\tinside"}}, file);
  const Corpus corpus = read_corpus(file);
  ASSERT_THAT(corpus, SizeIs(2));
  EXPECT_EQ(corpus[0].label + "|" + corpus[0].text, "a|one two");
  EXPECT_EQ(corpus[1].label + "|" + corpus[1].text, "b c|tab\tinside");
}

TEST(Corpus, LeavesOutAByteOrderMarkAndShowsNoBytesOfOtherFiles) {
  const auto file = scratch_file();
  const auto corpus_of = [&](const std::string& content) {
    std::ofstream(file, std::ios::binary) << content;
    return read_corpus(file);
  };
  EXPECT_EQ(corpus_of("\xEF\xBB\xBFgood\tone")[0].label, "good");
  try {
    corpus_of(std::string("\x1f\x8b\x08\0\x1b[2J", 8));
    ADD_FAILURE() << "a gzip file was read";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 1: no tab in '\\x1f\\x8b\\x08\\x00\\x1b[2J': a line "
                                        "is label<TAB>text: it looks like a gzip file"));
  }
}

TEST(Corpus, IsSplitByTheSeed) {
  const Split split = split_corpus(numbered(100), 10, 1);
  EXPECT_THAT(split.test, SizeIs(10));
  EXPECT_THAT(split.train, SizeIs(90));
  std::multiset<std::string> texts;
  for (const Corpus* part : {&split.train, &split.test}) {
    for (const LabelledText& line : *part) texts.insert(line.text);
  }
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), 100U);  // each one once
  EXPECT_EQ(texts.size(), 100U);
  EXPECT_EQ(all_texts(split.test), all_texts(split_corpus(numbered(100), 10, 1).test));
  EXPECT_NE(all_texts(split.test), all_texts(split_corpus(numbered(100), 10, 2).test));
  EXPECT_THAT(split_corpus(numbered(3), 10, 1).test, SizeIs(1));
  EXPECT_THROW(split_corpus(numbered(1), 10, 1), ValueError);
}

TEST(Corpus, SetsTextsAsideByTheSeed) {
  Corpus train = numbered(100), again = numbered(100), other = numbered(100);
  const Corpus aside = set_aside(train, 10, 1);
  EXPECT_THAT(aside, SizeIs(10));
  EXPECT_THAT(train, SizeIs(90));
  std::set<std::string> texts;
  for (const Corpus& part : {train, aside}) {
    for (const LabelledText& line : part) texts.insert(line.text);
  }
  EXPECT_THAT(texts, SizeIs(100));  // each one once
  EXPECT_EQ(all_texts(aside), all_texts(set_aside(again, 10, 1)));
  EXPECT_NE(all_texts(aside), all_texts(set_aside(other, 10, 2)));
}

TEST(Corpus, SetsTheLastTextOfNoLabelAside) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Corpus train = {{"a", "1"}, {"b", "2"}, {"b", "3"}, {"c", "4"}};
    const Corpus aside = set_aside(train, 1, seed);  // all that may go
    ASSERT_THAT(aside, SizeIs(1));
    EXPECT_EQ(aside[0].label, "b");
    EXPECT_THAT(labels_of(train), testing::UnorderedElementsAre("a", "b", "c"));
  }
  Corpus single = {{"a", "1"}};
  EXPECT_THAT(set_aside(single, 10, 1), SizeIs(0));
  EXPECT_THAT(single, SizeIs(1));
}

TEST(Corpus, ListsLabelsInOrder) {
  EXPECT_THAT(labels_of({{"b", "1"}, {"a", "2"}, {"b", "3"}}), ElementsAre("b", "a"));
}

TEST(ProgressLine, SaysHowFarAndHowFast) {
  EXPECT_EQ(progress_line("job", "words", {250, 1000, 10.0, 2.5}),
            "job                       25%      25 words/s   loss 2.500   30 s left");
  EXPECT_EQ(progress_line("job", "words", {5'000'000, 20'000'000, 50.0, 0.1}),
            "job                       25%    100k words/s   loss 0.100   2:30 min left");
  EXPECT_EQ(progress_line("job", "words", {8'000'000, 8'000'000, 4.0, 0.0}),
            "job                      100%    2.0M words/s   loss 0.000   took 4.0 s");
}

TEST(Progress, WritesALineForEachTenthWhereThereIsNoTerminal) {
  const auto file = scratch_file();
  std::FILE* out = std::fopen(file.c_str(), "w+");
  ASSERT_NE(out, nullptr);
  {
    Progress progress("job", 40, "words", out);
    for (int i = 1; i <= 40; ++i) progress.update(i, i);
    progress.update(40, 0);  // after the end: nothing more
  }
  std::rewind(out);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), out));
  std::fclose(out);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
  EXPECT_THAT(text, HasSubstr(" 10% "));
  EXPECT_THAT(text, HasSubstr("loss 2.500 "));   // the mean of 1, 2, 3 and 4
  EXPECT_THAT(text, HasSubstr("loss 38.500 "));  // and of 37 to 40, at 100%
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(Table, AlignsColumns) {
  EXPECT_EQ(table_text({{"name", "n"}, {"é", "1"}, {"long name", "234"}}),
            "  name         n\n"
            "  --------------\n"
            "  é            1\n"
            "  long name  234\n");
}

TEST(Table, ShowsAConfusionMatrix) {
  EXPECT_EQ(confusion_text({"a", "b"}, {{3, 1}, {0, 0}}),
            "  true \\ predicted  (1)  (2)   right\n"
            "  ----------------------------------\n"
            "  (1) a               3    1  75.0 %\n"
            "  (2) b               0    0       -\n");
}

TEST(InterruptGuard, NotesTheFirstCtrlC) {
  const InterruptGuard guard;
  EXPECT_FALSE(interrupted());
  std::raise(SIGINT);
  EXPECT_TRUE(interrupted());
  const InterruptGuard again;
  EXPECT_FALSE(interrupted());
}

}  // namespace
}  // namespace gradus::examples
