#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/word_vectors.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "file_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WordVectorFile : public FolderTest {
 protected:
  std::string error_for(const std::string& content) const {
    write_text(path_, content);
    return message_of<FormatError>([&] { load_word_vectors(path_); });
  }

  const std::filesystem::path path_ = file("v.txt");
};

TEST_F(WordVectorFile, ReadsBackTheSameBits) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const WordVectors vectors{{"the", "k\xC3\xB6nig", "\xff"},
                            tensor({0.1f, -0.0f, 1e38f, tiny, 3.0f, -1.0f / 3}, {3, 2})};
  save_word_vectors(vectors, path_);
  const WordVectors back = load_word_vectors(path_);
  EXPECT_EQ(back.words, vectors.words);
  EXPECT_EQ(std::memcmp(back.matrix.data<float>(), vectors.matrix.data<float>(), 24), 0);
  std::ifstream in(path_);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "3 2");
  std::getline(in, line);
  EXPECT_EQ(line, "the 0.1 -0");
}

TEST_F(WordVectorFile, WritesEveryDigit) {
  save_word_vectors({{"a"}, tensor({0.1, 1.0 + 0x1p-52}, {1, 2})}, path_);
  EXPECT_EQ(read_text(path_), "1 2\na 0.1 1.0000000000000002\n");
  EXPECT_EQ(load_word_vectors(path_).matrix.data<float>()[0], 0.1F);
  save_word_vectors({{"a"}, tensor({(std::int64_t{1} << 53) + 1, std::int64_t{16777217}}, {1, 2})},
                    path_);
  EXPECT_EQ(read_text(path_), "1 2\na 9007199254740993 16777217\n");
  save_word_vectors({{"a"}, tensor({true, false}, {1, 2})}, path_);
  EXPECT_EQ(read_text(path_), "1 2\na 1 0\n");
}

TEST_F(WordVectorFile, RefusesWhatItsLoaderWouldNotRead) {
  write_text(path_, "before");
  EXPECT_EQ(
      message_of<ValueError>([&] {
        save_word_vectors(
            {{"a", "b"},
             tensor({0.1, -std::numeric_limits<double>::infinity(), 3e38, 1e39}, {2, 2})},
            path_);
      }),
      "save_word_vectors: 1e+39 of 'b' is beyond float32, which load_word_vectors reads: scale "
      "the matrix");
  EXPECT_EQ(message_of<ShapeError>([&] {
              save_word_vectors({{"a", "b"}, zeros({2, 0})}, path_);
            }),
            "save_word_vectors: a matrix [2, 0] has no columns");
  EXPECT_EQ(read_text(path_), "before");
}

TEST_F(WordVectorFile, TakesTrailingBlanksCarriageReturnsAndNoFinalNewline) {
  EXPECT_EQ(error_for("2 2\r\na 1 2 \r\nb\t3\t4"), "nothing was thrown");
  const WordVectors back = load_word_vectors(path_);
  EXPECT_THAT(back.words, ElementsAre("a", "b"));
  EXPECT_THAT(back.matrix.span<float>(), ElementsAre(1, 2, 3, 4));
}

// The least float32 is 2^-149, 1.4e-45; numbers above half of it, 7.0065e-46, are nearer to it than
// to 0.
TEST_F(WordVectorFile, TakesNumbersBelowTheLeastFloatForTheNearest) {
  const std::string zeros(50, '0');
  EXPECT_EQ(error_for("9 1\na 1e-46\nb -1e-46\nc 1e-400\nd 7.1e-46\ne 1e-45\nf 0." + zeros +
                      "1\ng 1" + zeros + "e-96\nh 1e-99999999999\ni 0e9999"),
            "nothing was thrown");
  const WordVectors back = load_word_vectors(path_);
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(back.matrix.span<float>(), ElementsAre(0, 0, 0, tiny, tiny, 0, 0, 0, 0));
  EXPECT_TRUE(std::signbit(back.matrix.span<float>()[1]));
  EXPECT_FALSE(std::signbit(back.matrix.span<float>()[0]));
  for (const char* number : {"1e39", "-1e39", "1e400", "1e99999999999"}) {
    EXPECT_THAT(error_for("1 1\na " + std::string(number)),
                HasSubstr(":2: '" + std::string(number) + "' is too large"));
  }
}

TEST_F(WordVectorFile, TakesByteOrderMarksBlankLinesAndBlanksInARow) {
  EXPECT_EQ(error_for("\xEF\xBB\xBF"
                      "2 2\n\na  1 \t 2\n  \r\nb 3    4\n\n"),
            "nothing was thrown");
  const WordVectors back = load_word_vectors(path_);
  EXPECT_THAT(back.words, ElementsAre("a", "b"));
  EXPECT_THAT(back.matrix.span<float>(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(error_for(" 1 1\n\xEF\xBB\xBF"
                      "a 1"),
            "nothing was thrown");
  EXPECT_THAT(load_word_vectors(path_).words, ElementsAre("\xEF\xBB\xBF"
                                                          "a"));
}

TEST_F(WordVectorFile, SaysWhatTheFirstLineMustBe) {
  const std::string rule =
      ": the first line must be two integers, the number of words and the number of columns";
  const std::string hint =
      ": this looks like a GloVe file, which has no such line: put '<number of words> 3' before "
      "the "
      "others";
  const auto ends = [&](const std::string& content, const std::string& end) {
    EXPECT_THAT(error_for(content), testing::EndsWith("v.txt:1: " + end)) << content;
  };
  ends("the -0.04 1e-5 7\nof 1 2 3\n", "'the' is not an integer" + rule + hint);
  ends("1 -0.04 1e-5 7\nof 1 2 3\n", "'-0.04' is not an integer" + rule + hint);
  ends("1 2 3 4\n", "it has more than two fields" + rule + hint);
  ends("1 -0.15\n", "'-0.15' is not an integer" + rule);
  ends("1.5\n", "'1.5' is not an integer" + rule);
  ends("7\n", "it has one field" + rule);
  ends("1 2 x\n", "it has more than two fields" + rule);
  ends("two words, that is all\n", "'two' is not an integer" + rule);
  ends("99999999999999999999 3\n", "'99999999999999999999' is too large" + rule);
  ends("-1 3\n", "-1 words of 3 columns make no sense");
  ends("1 0\n", "1 words of 0 columns make no sense");
  ends("1 9223372036854775807\na 1\n", "1 x 9223372036854775807 numbers cannot fit in 26 bytes");
}

TEST_F(WordVectorFile, NamesOtherFormatsAndSendsNoBytesOfThemToTheTerminal) {
  const auto message = [&](const std::string& content) {
    std::string text = error_for(content);
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return ' ' <= c && c <= '~'; }));
    EXPECT_LT(text.size(), 400U);
    return text;
  };
  const std::string junk("\0\x1b[31m\x07\xff", 8), many(1000, 'x');
  EXPECT_THAT(message("\x1f\x8b\x08" + junk + many),
              HasSubstr("'\\x1f\\x8b\\x08\\x00\\x1b[31m\\x07\\xffxxx"));
  EXPECT_THAT(
      message("\x1f\x8b\x08" + junk + many),
      HasSubstr("...' is not an integer: the first line must be two integers, the number of "
                "words and the number of columns: it looks like a gzip file: unpack it"));
  EXPECT_THAT(message("\xba\x16\x4f\x2f\x0c" + junk),
              HasSubstr("it looks like a fastText model: its .vec file holds the vectors as text"));
  EXPECT_THAT(message("PK\x03\x04" + junk), HasSubstr("it looks like a zip archive"));
  EXPECT_THAT(message("\xff\xfe"
                      "1\0 \0"),
              HasSubstr("it looks like UTF-16 text"));
  EXPECT_THAT(message("2 1\na " + junk + "\n"),
              HasSubstr(":2: '\\x00\\x1b[31m\\x07\\xff' is not a number: the binary format of "
                        "word2vec cannot be read"));
  EXPECT_THAT(message("1 2\n" + junk + " 1\n"), HasSubstr("1 of 2 numbers for '\\x00\\x1b[31m"));
  EXPECT_THAT(message("1 1\na " + many), HasSubstr("xxx...' is not a number"));
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
  std::string content = "1000 2\n";
  for (int i = 0; i < 1000; ++i) {
    content += "w" + std::to_string(i) + " " + std::to_string(2 * i) + " " +
               std::to_string(2 * i + 1) + "\n";
  }
  through(content, [](const std::string& path) {
    const WordVectors back = load_word_vectors(path);
    ASSERT_EQ(back.words.size(), 1000U);
    EXPECT_EQ(back.words[999], "w999");
    ASSERT_EQ(back.matrix.shape(), (Shape{1000, 2}));
    for (std::int64_t i = 0; i < 2000; ++i) EXPECT_EQ(back.matrix.data<float>()[i], i);
  });
  through("0 3\n", [](const std::string& path) {
    EXPECT_EQ(load_word_vectors(path).matrix.shape(), (Shape{0, 3}));
  });
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  through("99999999999 300\na 1\n", [](const std::string& path) {
    EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path); }),
                HasSubstr(":2: 1 of 300 numbers for 'a'"));
  });
  through("99999999999 1\na 1\n", [](const std::string& path) {
    EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path); }),
                HasSubstr("the file ends after 1 of 99999999999 words"));
  });
  EXPECT_LT(memory_stats().peak - before, 1 << 20);
}

TEST_F(WordVectorFile, EndsAtALineThatIsTooLongForAText) {
  write_text(path_, "1 1\n");
  std::filesystem::resize_file(path_, std::uintmax_t{1} << 30U);  // zeros that take no room
  EXPECT_THAT(message_of<FormatError>([&] { load_word_vectors(path_); }),
              HasSubstr("v.txt', line 2, has more than 67108864 bytes, the most that "
                        "a line may have"));
}

TEST_F(WordVectorFile, ErrorsNameTheLine) {
  EXPECT_THAT(error_for(""), HasSubstr("v.txt:0: the file is empty"));
  EXPECT_THAT(error_for("\n\r\n \t\n"), HasSubstr("v.txt:3: the file is empty"));
  EXPECT_THAT(error_for("1 2\na 1\n"), HasSubstr(":2: 1 of 2 numbers for 'a'"));
  EXPECT_THAT(error_for("1 2\n 1 2\n"),
              HasSubstr(":2: the line begins with a blank: its word is missing"));
  EXPECT_THAT(error_for("1 2\na 1 2 3\n"), HasSubstr(":2: more than 2 numbers for 'a'"));
  EXPECT_THAT(error_for("1 2\na 1 x\n"), HasSubstr(":2: 'x' is not a number"));
  EXPECT_THAT(error_for("2 1\na 1\n"), HasSubstr("the file ends after 1 of 2 words"));
  EXPECT_THAT(error_for("1 1\na 1\nb 1\n"),
              HasSubstr(":3: there are more words than the 1 of the first line"));
  EXPECT_THAT(error_for("99999999999 300\na 1\n"), HasSubstr("cannot fit in"));
  EXPECT_EQ(message_of<Error>([&] { load_word_vectors(folder() / "missing"); }),
            "load_word_vectors: cannot read '" + (folder() / "missing").string() +
                "': No such file or directory");
  EXPECT_EQ(message_of<Error>([&] { load_word_vectors(folder()); }),
            "load_word_vectors: cannot read '" + folder().string() + "': Is a directory");
}

TEST_F(WordVectorFile, RefusesWordsThatTheFormatCannotHold) {
  EXPECT_THROW(save_word_vectors({{"a b"}, ones({1, 2})}, path_), ValueError);
  EXPECT_THROW(save_word_vectors({{""}, ones({1, 2})}, path_), ValueError);
  EXPECT_EQ(message_of<ValueError>([&] { save_word_vectors({}, path_); }),
            "save_word_vectors: the matrix is undefined");
  EXPECT_THROW(save_word_vectors({{"a"}, ones({2, 2})}, path_), ShapeError);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace gradus
