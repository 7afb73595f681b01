#include <fcntl.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/detail/vector_rows.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "file_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using Format = WordVectorFormat;

class WordVectorFile : public FolderTest {
 protected:
  WordVectors read(const std::string& content, const WordVectorOptions& options = {}) const {
    write_text(path_, content);
    return load_word_vectors(path_, options);
  }
  // What is wrong with a file, without its name.
  std::string error_for(const std::string& content, const WordVectorOptions& options = {}) const {
    const std::string text = message_of<FormatError>([&] { read(content, options); });
    const std::string begin = "load_word_vectors: '" + path_.string() + "'";
    return text.starts_with(begin) ? text.substr(begin.size()) : text;
  }

  const std::filesystem::path path_ = file("v.txt");
};

constexpr WordVectorOptions with_header{.format = Format::word2vec_text};
constexpr WordVectorOptions glove{.format = Format::glove};
const std::string cure = ": correct the file, or take what is right in it with BadLines::skip";

TEST_F(WordVectorFile, IsRecognisedByItsContent) {
  const WordVectors plain = read("the 1 2 3\n, 4 5 6\n");
  EXPECT_EQ(plain.report.format, Format::glove);
  EXPECT_THAT(plain.words, ElementsAre("the", ","));
  EXPECT_THAT(plain.matrix.span<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_FALSE(plain.report.announced);
  const WordVectors announced = read("2 3\nthe 1 2 3\n, 4 5 6\n");
  EXPECT_EQ(announced.report.format, Format::word2vec_text);
  EXPECT_THAT(announced.words, ElementsAre("the", ","));
  EXPECT_EQ(announced.report.announced, 2);
  EXPECT_EQ(announced.report.words, 2);
}

TEST_F(WordVectorFile, TakesANumberForAWord) {
  const WordVectors vectors = read("1 0.5 0.25\n2 1 -1\n");
  EXPECT_EQ(vectors.report.format, Format::glove);
  EXPECT_THAT(vectors.words, ElementsAre("1", "2"));
  EXPECT_THAT(read("3 2\n1 5 6\n2 7 8\n3 9 10\n").words, ElementsAre("1", "2", "3"));
}

TEST_F(WordVectorFile, AsksWhetherTwoNumbersAreAHeader) {
  for (const char* content : {"10 5\n20 7\n", "2 1\na 1\nb 2\n"}) {
    EXPECT_EQ(error_for(content),
              std::string(", line 1: '") +
                  std::string(content).substr(0, std::string(content).find('\n')) +
                  "' may be the numbers of words and columns, or a word and its number: pass "
                  ".format, WordVectorFormat::word2vec_text or glove");
  }
  EXPECT_THAT(read("10 5\n20 7\n", glove).words, ElementsAre("10", "20"));
  EXPECT_THAT(read("10 5\n20 7\n", {.dim = 1}).matrix.span<float>(), ElementsAre(5, 7));
  EXPECT_THAT(read("2 1\na 1\nb 2\n", with_header).words, ElementsAre("a", "b"));
  EXPECT_THAT(read("a 0.5\nb 2\n").words, ElementsAre("a", "b"));
}

TEST_F(WordVectorFile, CountsNumbersFromTheRightWhereAWordHasBlanks) {
  const WordVectors vectors = read("the 1 2\n. . . 3 4\nat name@domain.com 5 6\nof 7 8\n");
  EXPECT_THAT(vectors.words, ElementsAre("the", ". . .", "at name@domain.com", "of"));
  EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(read(". . . 3 4\n", {.dim = 2}).words, ElementsAre(". . ."));
  EXPECT_THAT(read("a b 1 2\nx 1 2\ny 3 4\n").words, ElementsAre("a b", "x", "y"));
}

TEST_F(WordVectorFile, CutsOnlyAtSpacesAndTabs) {
  const std::string nbsp = "a\xC2\xA0z", next_line = "b\xC2\x85", separator = "\xE2\x80\xA8";
  const WordVectors vectors =
      read(nbsp + " 1 2\n" + next_line + "\t3\t4\n" + separator + " 5 6\n\x0b\x0c 7 8\n");
  EXPECT_THAT(vectors.words, ElementsAre(nbsp, next_line, separator, "\x0b\x0c"));
}

TEST_F(WordVectorFile, KeepsTheBytesOfWords) {
  EXPECT_THAT(read("caf\xe9 1 2\n\xff\xfe\x80 3 4\n</s> 5 6\n").words,
              ElementsAre("caf\xe9", "\xff\xfe\x80", "</s>"));
}

TEST_F(WordVectorFile, TakesTrailingBlanksCarriageReturnsAndNoFinalNewline) {
  for (const char* content : {"2 2\r\na 1 2 \r\nb\t3\t4", "a 1 2 \r\nb\t3\t4", "a 1 2 \nb 3 4 "}) {
    const WordVectors vectors = read(content);
    EXPECT_THAT(vectors.words, ElementsAre("a", "b"));
    EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(1, 2, 3, 4));
  }
}

TEST_F(WordVectorFile, TakesByteOrderMarksBlankLinesAndBlanksInARow) {
  const std::string mark = "\xEF\xBB\xBF";
  for (const std::string& header : {std::string("2 2\n"), std::string()}) {
    const WordVectors back = read(mark + header + "\na  1 \t 2\n  \r\nb 3    4\n\n");
    EXPECT_THAT(back.words, ElementsAre("a", "b"));
    EXPECT_THAT(back.matrix.span<float>(), ElementsAre(1, 2, 3, 4));
  }
  EXPECT_THAT(read(" 1 2\n" + mark + "a 1 2").words, ElementsAre(mark + "a"));
}

// The least float32 is 2^-149, 1.4e-45; numbers above half of it, 7.0065e-46, are nearer to it than
// to 0.
TEST_F(WordVectorFile, TakesNumbersBelowTheLeastFloatForTheNearest) {
  const std::string zeros(50, '0');
  const WordVectors back = read("9 1\na 1e-46\nb -1e-46\nc 1e-400\nd 7.1e-46\ne 1e-45\nf 0." +
                                    zeros + "1\ng 1" + zeros + "e-96\nh 1e-99999999999\ni 0e9999",
                                with_header);
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(back.matrix.span<float>(), ElementsAre(0, 0, 0, tiny, tiny, 0, 0, 0, 0));
  EXPECT_TRUE(std::signbit(back.matrix.span<float>()[1]));
  EXPECT_FALSE(std::signbit(back.matrix.span<float>()[0]));
}

// The doubles nearest to these numbers lie in the middle of two floats, the numbers beside it.
TEST_F(WordVectorFile, RoundsOnce) {
  const WordVectors back = read("a 4.000000715255737 4.000002145767212\nb 1 1\n");
  EXPECT_THAT(back.matrix.span<float>().first(2), ElementsAre(4 + 0x1p-21F, 4 + 5 * 0x1p-21F));
}

TEST_F(WordVectorFile, TakesExponentsAndALeadingPlus) {
  EXPECT_THAT(read("a +1 4.57e-5 -1E+2\nb .5 2. +0.25\n").matrix.span<float>(),
              ElementsAre(1, 4.57e-5F, -100, 0.5F, 2, 0.25F));
}

TEST_F(WordVectorFile, RefusesWhatIsNoFiniteDecimalNumber) {
  for (const char* bad :
       {"x", "0x10", "1,5", "+-1", "-+1", "++1", "1e", "1e+", "1.2.3", "--1", "."}) {
    EXPECT_EQ(error_for("a 1 2\nb 1 " + std::string(bad) + "\nc 1 2\n"),
              " has 1 bad line: not a number (line 2: '" + std::string(bad) + "' of 'b')" + cure);
  }
  for (const char* bad : {"1e39", "-1e39", "1e400", "1e99999999999"}) {
    EXPECT_THAT(error_for("a 1 2\nb 1 " + std::string(bad) + "\n"),
                HasSubstr("a number beyond float32 (line 2: '" + std::string(bad) + "' of 'b')"));
  }
  for (const char* bad : {"nan", "-nan", "inf", "-inf", "Infinity", "NaN"}) {
    const std::string content = "a 1 2\nb 1 " + std::string(bad) + "\n";
    EXPECT_THAT(error_for(content),
                HasSubstr("nan or infinity, which only allow_not_finite takes (line 2: '" +
                          std::string(bad) + "' of 'b')"));
    EXPECT_FALSE(std::isfinite(read(content, {.allow_not_finite = true}).matrix.data<float>()[3]));
  }
}

TEST_F(WordVectorFile, ListsAllBadLinesByKind) {
  const std::string content = "6 2\na 1 2\nb 1\nc 1 2 3\nd 1 x\ne 1 y\n 1 2\n";
  const std::string list =
      " has 5 bad lines: wrong number of numbers (2 times, first in line 3: 1 instead of 2 for "
      "'b'); not a number (2 times, first in line 5: 'x' of 'd'); no word before the numbers (line "
      "7)";
  EXPECT_EQ(error_for(content), list + cure);
  const CaughtWarnings caught;
  const WordVectors rest = read(content, {.bad_lines = BadLines::skip});
  EXPECT_THAT(rest.words, ElementsAre("a"));
  EXPECT_EQ(rest.report.bad_lines, 5);
  EXPECT_EQ(rest.report.words, 6);
  EXPECT_THAT(caught.messages(), ElementsAre(EndsWith(list)));
}

TEST_F(WordVectorFile, RefusesRaggedLines) {
  EXPECT_THAT(error_for("a 1 2 3\nb 1 2\nc 4 5 6\n"),
              HasSubstr("(line 2: 2 instead of 3 for 'b')"));
  EXPECT_THAT(error_for("a 1 2 3\nb 1 2 3 4\nc 4 5 6\n"),
              HasSubstr("(line 2: 4 instead of 3 for 'b')"));
  EXPECT_THAT(error_for("2 4\na 1 2 3\nb 4 5 6\n"),
              HasSubstr("has 2 bad lines: wrong number of numbers (2 times, first in line 2: 3 "
                        "instead of 4 for 'a')"));
  EXPECT_THAT(error_for("2 2\na 1 2 3\nb 4 5 6\n"), HasSubstr("3 instead of 2 for 'a'"));
}

TEST_F(WordVectorFile, MayHaveFarFewerWordsThanItsFirstLineSaysIfThatIsAskedFor) {
  const CaughtWarnings caught;
  EXPECT_THAT(read("99 2\na 1 2\nb 3 4\n", {.bad_lines = BadLines::skip}).words,
              ElementsAre("a", "b"));
  EXPECT_THAT(caught.messages(), ElementsAre(HasSubstr("has 2 words, not the 99 of its first")));
}

TEST_F(WordVectorFile, TellsAWrongCountOfWords) {
  EXPECT_EQ(
      error_for("99 2\na 1 2\nb 3 4\n"),
      ", line 1: 99 x 2 numbers cannot fit in 17 bytes: the line is wrong or the file is cut off: "
      "correct it, or take what is there with BadLines::skip");
  EXPECT_EQ(error_for("3 2\na 1 2\nb 3 4\n"), " has 2 words, not the 3 of its first line" + cure);
  EXPECT_EQ(error_for("1 2\na 1 2\nb 3 4\n"), " has 2 words, not the 1 of its first line" + cure);
  EXPECT_EQ(error_for("3 2\na 1 2\nb 3\n"),
            " has 1 bad line: wrong number of numbers (line 3: 1 instead of 2 for 'b'); it has 2 "
            "words, not the 3 of its first line" +
                cure);
  const CaughtWarnings caught;
  const WordVectors vectors = read("1 2\na 1 2\nb 3 4\n", {.bad_lines = BadLines::skip});
  EXPECT_THAT(vectors.words, ElementsAre("a", "b"));
  EXPECT_EQ(vectors.report.announced, 1);
  EXPECT_THAT(caught.messages(),
              ElementsAre(HasSubstr("has 2 words, not the 1 of its first line")));
}

TEST_F(WordVectorFile, KeepsTheFirstOfEqualWordsAndSaysSo) {
  const CaughtWarnings caught;
  const WordVectors vectors = read("the 1 2\na 3 4\nthe 5 6\nb 7 8\na 0 0\nthe 0 0\n");
  EXPECT_THAT(vectors.words, ElementsAre("the", "a", "b"));
  EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(1, 2, 3, 4, 7, 8));
  EXPECT_EQ(vectors.report.duplicates, 3);
  EXPECT_THAT(vectors.report.duplicate_words, ElementsAre("the", "a"));
  EXPECT_THAT(caught.messages(),
              ElementsAre(EndsWith("has vectors of words that came before, 3 in all: the first one "
                                   "counts ('the', 'a')")));
}

TEST_F(WordVectorFile, KeepsTheWordsOfAVocabularyInTheFilesOrder) {
  write_text(path_, "the 1 2\nat name 3 4\nat 5 6\nsea x y\nof 7 8\nland 9 10\n");
  const auto words = Vocabulary::from_words({"land", "at name", "none", "the"});
  const WordVectors vectors = load_word_vectors(path_, words);
  EXPECT_THAT(vectors.words, ElementsAre("the", "at name", "land"));
  EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(1, 2, 3, 4, 9, 10));
  EXPECT_EQ(vectors.report.words, 6);
  const WordVectors none = load_word_vectors(path_, Vocabulary::from_words({"none"}));
  EXPECT_EQ(none.matrix.shape(), (Shape{0, 2}));
  EXPECT_THAT(
      message_of<FormatError>([&] { load_word_vectors(path_, Vocabulary::from_words({"sea"})); }),
      HasSubstr("not a number (line 4: 'x' of 'sea')"));
}

// The word reaches to where the numbers begin, counted from the right; some of it may look like a
// number.
TEST_F(WordVectorFile, LooksUpWholeWordsThatHoldNumbers) {
  write_text(path_, "of 7 8\nthe 0.4 81- 1 2\nthe 3 4\n");
  const WordVectors one = load_word_vectors(path_, Vocabulary::from_words({"the"}));
  EXPECT_THAT(one.words, ElementsAre("the"));
  EXPECT_THAT(one.matrix.span<float>(), ElementsAre(3, 4));
  const WordVectors other = load_word_vectors(path_, Vocabulary::from_words({"the 0.4 81-"}));
  EXPECT_THAT(other.words, ElementsAre("the 0.4 81-"));
  EXPECT_THAT(other.matrix.span<float>(), ElementsAre(1, 2));
}

TEST_F(WordVectorFile, NotesDuplicatesInAVocabulary) {
  const CaughtWarnings caught;
  write_text(path_, "the 1 2\na 3 4\nthe 5 6\na 7 8\n");
  const WordVectors vectors = load_word_vectors(path_, Vocabulary::from_words({"the"}));
  EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(1, 2));
  EXPECT_EQ(vectors.report.duplicates, 1);
  EXPECT_THAT(vectors.report.duplicate_words, ElementsAre("the"));
}

// 20,000 vectors of which three are kept.
TEST_F(WordVectorFile, TakesNoMemoryForWordsThatAreNotKept) {
  std::string content = "20000 50\n";
  std::string numbers;
  for (int d = 0; d < 50; ++d) numbers += " 0.5";
  for (int i = 0; i < 20000; ++i) content += "w" + std::to_string(i) + numbers + "\n";
  write_text(path_, content);
  const auto words = Vocabulary::from_words({"w7", "w12345", "w19999"});
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  EXPECT_EQ(load_word_vectors(path_, words).matrix.shape(), (Shape{3, 50}));
  EXPECT_LT(memory_stats().peak - before, 1 << 17);
  reset_peak_memory();
  EXPECT_EQ(load_word_vectors(path_).matrix.shape(), (Shape{20000, 50}));
  EXPECT_GE(memory_stats().peak - before, 4'000'000);
}

// The vocabulary of 20,000 vectors takes no memory for the numbers.
TEST_F(WordVectorFile, GivesItsWordsAlone) {
  std::string content = "20000 50\n";
  std::string numbers;
  for (int d = 0; d < 50; ++d) numbers += " 0.5";
  for (int i = 0; i < 20000; ++i) content += "w" + std::to_string(i) + numbers + "\n";
  write_text(path_, content);
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  const Vocabulary words = load_word_vector_vocabulary(path_);
  EXPECT_LT(memory_stats().peak - before, 1 << 14);
  EXPECT_EQ(words.words(), load_word_vectors(path_).words);
  EXPECT_EQ(words.default_id(), std::nullopt);
}

TEST_F(WordVectorFile, GivesTheWordsOfEachFormat) {
  WordVectors vectors{{"the", "<unk>", "sea"}, randn({3, 4})};
  for (const Format format : {Format::glove, Format::word2vec_text, Format::word2vec_binary}) {
    save_word_vectors(vectors, path_, {.format = format});
    const Vocabulary words = load_word_vector_vocabulary(path_);
    EXPECT_EQ(words.words(), vectors.words);
    EXPECT_EQ(words.unknown_id(), 1);
    EXPECT_THAT(load_word_vector_vocabulary(path_, {.unknown = ""}).special_ids(), IsEmpty());
    EXPECT_THAT(load_word_vector_vocabulary(path_, {}, {.max_words = 1}).words(),
                ElementsAre("the"));
  }
}

TEST_F(WordVectorFile, ChecksTheNumbersOfWordsThatAreReadAlone) {
  write_text(path_, "the 1 2\nof 3 x\n 4 5\nsea 6 7\n");
  EXPECT_EQ(message_of<FormatError>([&] { (void)load_word_vector_vocabulary(path_); }),
            message_of<FormatError>([&] { (void)load_word_vectors(path_); }));
  const CaughtWarnings caught;
  EXPECT_THAT(load_word_vector_vocabulary(path_, {}, {.bad_lines = BadLines::skip}).words(),
              ElementsAre("the", "sea"));
  write_text(path_, "the 1 2\na 3 4\nthe 5 6\n");
  EXPECT_THAT(load_word_vector_vocabulary(path_).words(), ElementsAre("the", "a"));
  EXPECT_THAT(caught.messages().back(), HasSubstr("words that came before, 1 in all"));
}

TEST_F(WordVectorFile, JoinsTheWordsOfAText) {
  write_text(path_, "the 1 2\n<unk> 3 4\nsea 5 6\n");
  WordCounter counter;
  counter.add({"sea", "whale", "whale"});
  const Vocabulary all = merged(Vocabulary(counter), load_word_vector_vocabulary(path_));
  EXPECT_THAT(all.words(), ElementsAre("<pad>", "<unk>", "whale", "sea", "the"));
  EXPECT_THAT(all.counts(), ElementsAre(0, 0, 2, 1, 0));
}

TEST_F(WordVectorFile, StopsAfterSoManyWords) {
  const std::string content = "3 2\na 1 2\nb 3 4\nc x\n";
  EXPECT_THAT(read(content, {.max_words = 2}).words, ElementsAre("a", "b"));
  EXPECT_EQ(read(content, {.max_words = 0}).matrix.shape(), (Shape{0, 2}));
  EXPECT_THAT(read("a 1 2\nb 3 4\n", {.max_words = 9}).words, ElementsAre("a", "b"));
  EXPECT_THAT(error_for("3 2\na 1 2\nb 3 4\n", {.max_words = 9}),
              HasSubstr("has 2 words, not the 3 of its first line"));
  EXPECT_THAT(read("3 2\na 1 2\nb 3 4\n", {.max_words = 2}).words, ElementsAre("a", "b"));
  write_text(path_, content);
  const auto words = Vocabulary::from_words({"b", "c"});
  EXPECT_THAT(load_word_vectors(path_, words, {.max_words = 2}).words, ElementsAre("b"));
}

TEST_F(WordVectorFile, ChecksOptions) {
  write_text(path_, "2 2\na 1 2\nb 3 4\n");
  const auto message = [&](const WordVectorOptions& options) {
    return message_of<ValueError>([&] { load_word_vectors(path_, options); });
  };
  EXPECT_EQ(message({.dim = -1}), "load_word_vectors: dim -1 and max_words 0 must not be below 0");
  EXPECT_EQ(message({.max_words = -2}),
            "load_word_vectors: dim 0 and max_words -2 must not be below 0");
  EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path_, {.dim = 3}); }),
              EndsWith("line 1: it says 2 columns, but .dim is 3"));
}

TEST_F(WordVectorFile, SaysWhatTheFirstLineMustBe) {
  const std::string rule =
      ": the first line must be two integers, the numbers of words and of columns";
  EXPECT_EQ(error_for("the -0.04 1e-5 7\nof 1 2 3\n", with_header),
            ", line 1: 'the -0.04 1e-5 7'" + rule +
                ": this looks like GloVe's format, which has no such line: pass "
                "WordVectorFormat::glove");
  for (const char* line : {"1 -0.15", "1.5", "7", "99999999999999999999 3"}) {
    EXPECT_EQ(error_for(line, with_header), ", line 1: '" + std::string(line) + "'" + rule);
  }
  const auto ends = [&](const std::string& content, const std::string& end) {
    EXPECT_EQ(error_for(content, with_header), ", line 1: " + end) << content;
  };
  const std::string cut =
      ": the line is wrong or the file is cut off: correct it, or take what is there with "
      "BadLines::skip";
  ends("-1 3\n", "-1 words of 3 columns make no sense");
  ends("1 0\n", "1 words of 0 columns make no sense");
  ends("1 9223372036854775807\na 1\n",
       "1 x 9223372036854775807 numbers cannot fit in 26 bytes" + cut);
  ends("99999999999 300\na 1\n", "99999999999 x 300 numbers cannot fit in 20 bytes" + cut);
  EXPECT_EQ(error_for("\ntwo words, that is all\n"),
            ", line 2: 'two words, that is all' is neither the numbers of words and columns, nor a "
            "word and its numbers");
}

TEST_F(WordVectorFile, NamesOtherFormatsAndSendsNoBytesOfThemToTheTerminal) {
  const auto message = [&](const std::string& content, const WordVectorOptions& options = {}) {
    std::string text = error_for(content, options);
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return ' ' <= c && c <= '~'; }));
    EXPECT_LT(text.size(), 400U);
    return text;
  };
  const std::string junk("\0\x1b[31m\x07\xff", 8), many(1000, 'x');
  EXPECT_THAT(message("\xba\x16\x4f\x2f\x0c" + junk), HasSubstr("byte 4: the version is"));
  EXPECT_THAT(message("PK\x03\x04" + junk), HasSubstr("it looks like a zip archive"));
  EXPECT_THAT(message("\x80\x04\x95" + junk), HasSubstr("it looks like a Python pickle"));
  EXPECT_THAT(message("GGUF" + junk), HasSubstr("it looks like a GGUF file"));
  EXPECT_THAT(message("<!doctype html>\n<html>\n"), HasSubstr("it looks like a web page"));
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n"),
              HasSubstr("it looks like a Git LFS pointer"));
  EXPECT_THAT(message("\xff\xfe"
                      "1\0 \0"),
              HasSubstr("it looks like UTF-16 text"));
  EXPECT_THAT(message("2 1\na " + junk + "\n", with_header),
              HasSubstr("not a number (line 2: '\\x00\\x1b[31m\\x07\\xff' of 'a')"));
  EXPECT_THAT(message("1 2\n" + junk + " 1\n", with_header),
              HasSubstr("1 instead of 2 for '\\x00\\x1b[31m"));
  EXPECT_THAT(message("1 1\na " + many, with_header), HasSubstr("xxx...' of 'a'"));
}

// A pipe, of which the size is not known.
TEST_F(WordVectorFile, ReadsFromAPipe) {
  const auto through = [](const std::string& content, auto&& read) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(ends[1]);
    read("/proc/self/fd/" + std::to_string(ends[0]));
    close(ends[0]);
  };
  std::string rows;
  for (int i = 0; i < 1000; ++i) {
    rows += "w" + std::to_string(i) + " " + std::to_string(2 * i) + " " +
            std::to_string(2 * i + 1) + "\n";
  }
  for (const char* header : {"1000 2\n", ""}) {
    through(header + rows, [](const std::string& path) {
      const WordVectors back = load_word_vectors(path);
      ASSERT_EQ(back.words.size(), 1000U);
      EXPECT_EQ(back.words[999], "w999");
      ASSERT_EQ(back.matrix.shape(), (Shape{1000, 2}));
      for (std::int64_t i = 0; i < 2000; ++i) EXPECT_EQ(back.matrix.data<float>()[i], i);
    });
  }
  through("0 3\n", [](const std::string& path) {
    EXPECT_EQ(load_word_vectors(path).matrix.shape(), (Shape{0, 3}));
  });
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  through("99999999999 300\na 1 2\n", [](const std::string& path) {
    EXPECT_THAT(
        message_of<FormatError>([&] { load_word_vectors(path); }),
        HasSubstr("(line 2: 2 instead of 300 for 'a'); it has 1 words, not the 99999999999"));
  });
  through("9 99999999999\na 1 2\n", [](const std::string& path) {
    EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path); }),
                HasSubstr("99999999999 columns are more than 33554432, the most that a line can "
                          "have"));
  });
  through("9 30000000\na 1 2\n", [](const std::string& path) {
    EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path); }),
                HasSubstr("2 instead of 30000000 for 'a'"));
  });
  EXPECT_LT(memory_stats().peak - before, 1 << 20);
}

// In text, a word above ASCII would be taken for the bytes of numbers.
TEST_F(WordVectorFile, IsTextThoughItHasFewerColumnsThanItsFirstLineSays) {
  std::string content = "2 9\n";
  for (int i = 0; i < 9; ++i) content += "\xD1\x81\xD0\xBB" + std::to_string(i) + " 1 2 3\n";
  EXPECT_THAT(error_for(content, {.max_words = 2}),
              HasSubstr("wrong number of numbers (2 times, first in line 2: 3 instead of 9"));
}

TEST_F(WordVectorFile, TakesNoMemoryForWordsThatCannotBeInIt) {
  std::string long_line = "w";
  for (int i = 0; i < 15'000; ++i) long_line += " 1";
  std::string content = long_line + "\n" + long_line + "\n";
  for (int i = 0; i < 100'000; ++i) content += "x\n";
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  EXPECT_THAT(error_for(content), HasSubstr("has 100000 bad lines"));
  EXPECT_THAT(error_for("a 1\n", {.dim = 1'000'000}), HasSubstr("1 instead of 1000000 for 'a'"));
  EXPECT_THAT(error_for("a 1\n", {.dim = std::int64_t{9} << 59U}),
              HasSubstr("columns are more than 33554432"));
  EXPECT_LT(memory_stats().peak - before, 2 << 20U);
}

TEST_F(WordVectorFile, IsReadFromWhereStandardInputIs) {
  const std::string content = "a note\n2 2\na 1 2\nb 3 4\n";
  write_text(path_, content);
  const int file = open(path_.c_str(), O_RDONLY | O_CLOEXEC), before = dup(STDIN_FILENO);
  ASSERT_EQ(lseek(file, 7, SEEK_SET), 7);
  ASSERT_EQ(dup2(file, STDIN_FILENO), STDIN_FILENO);
  close(file);
  const WordVectors vectors = load_word_vectors("-");
  dup2(before, STDIN_FILENO);
  close(before);
  EXPECT_THAT(vectors.words, ElementsAre("a", "b"));
}

TEST(VectorRows, KeepNoWordThatIsNotOfTheVocabulary) {
  const Vocabulary vocabulary = Vocabulary::from_words({"a"});
  detail::VectorRows rows(1, &vocabulary, 0);
  for (const char* word : {"b", "a", "c", "a"}) {
    *rows.free_row() = word[0];
    rows.keep(word);
  }
  WordVectors kept;
  rows.finish(kept);
  EXPECT_THAT(kept.words, ElementsAre("a"));
  EXPECT_THAT(kept.matrix.span<float>(), ElementsAre('a'));
  EXPECT_THAT(kept.report.duplicate_words, ElementsAre("a"));
}

TEST_F(WordVectorFile, ReadsStandardInput) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string content = "a 1 2\nb 3\nc 4 5\n";
  ASSERT_EQ(write(ends[1], content.data(), content.size()), std::ssize(content));
  close(ends[1]);
  const int before = dup(STDIN_FILENO);
  ASSERT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  close(ends[0]);
  const std::string message = message_of<FormatError>([] { load_word_vectors("-"); });
  dup2(before, STDIN_FILENO);
  close(before);
  EXPECT_THAT(message, HasSubstr("'/dev/stdin' has 1 bad line: wrong number of numbers (line 2"));
}

TEST_F(WordVectorFile, EndsAtALineThatIsTooLongForAText) {
  write_text(path_, "1 1\n");
  std::filesystem::resize_file(path_, std::uintmax_t{1} << 27U);  // zeros that take no room
  EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path_, with_header); }),
              HasSubstr("v.txt', line 2, has more than 67108864 bytes, the most that "
                        "a line may have"));
}

TEST_F(WordVectorFile, ReadsLinesThatAreLongerThanABlock) {
  std::string numbers, sum;
  for (int d = 0; d < 200'000; ++d) numbers += d % 2 == 0 ? " 0.5" : " -1";
  const WordVectors vectors = read("a" + numbers + "\nb" + numbers + "\n");
  EXPECT_EQ(vectors.matrix.shape(), (Shape{2, 200'000}));
  EXPECT_EQ(vectors.matrix.data<float>()[399'999], -1);
}

TEST_F(WordVectorFile, SaysWhyAFileHasNoVectors) {
  EXPECT_EQ(error_for(""), ", line 0: it has no words");
  EXPECT_EQ(error_for("\n\r\n \t\n"), ", line 3: it has no words");
  EXPECT_EQ(message_of<Error>([&] { load_word_vectors(folder() / "missing"); }),
            "load_word_vectors: cannot read '" + (folder() / "missing").string() +
                "': No such file or directory");
  EXPECT_EQ(message_of<Error>([&] { load_word_vectors(folder()); }),
            "load_word_vectors: cannot read '" + folder().string() + "': Is a directory");
}

}  // namespace
}  // namespace gradus
