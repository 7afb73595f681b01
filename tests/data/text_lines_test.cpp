#include <gmock/gmock.h>
#include <gradus/framework/data/text_lines.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/caught_warnings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace gradus {
namespace {

using testing::ElementsAre;
using Lines = std::vector<std::string>;

class TextLinesTest : public FolderTest {
 protected:
  std::string written(const std::string& text) const {
    write_text(file("t"), text);
    return file("t").string();
  }
  std::string path() const { return file("t").string(); }
};

template <class S>
Lines all(S&& lines) {
  Lines result;
  for (const std::string& line : lines) result.push_back(line);
  return result;
}

TEST_F(TextLinesTest, ReadsLinesByIndex) {
  const TextLines lines(written("one\n\ntwo\xC3\xBC\n three \n"));
  EXPECT_EQ(lines.size(), 4);
  EXPECT_EQ(lines[2], "two\xC3\xBC");
  EXPECT_THAT(all(lines), ElementsAre("one", "", "two\xC3\xBC", " three "));
  EXPECT_EQ(lines[0], "one");
  EXPECT_EQ(message_of<IndexError>([&] { (void)lines[4]; }),
            "TextLines: index 4 is outside [0, 4)");
  static_assert(DataSet<TextLines>);
}

TEST_F(TextLinesTest, TakesAnyLineEndAndByteOrderMark) {
  for (const char* text : {"a\nb\n", "a\nb", "a\r\nb\r\n", "a\r\nb",
                           "\xEF\xBB\xBF"
                           "a\nb\n"}) {
    EXPECT_THAT(all(TextLines(written(text))), ElementsAre("a", "b")) << text;
    EXPECT_THAT(all(LineStream(path())), ElementsAre("a", "b")) << text;
  }
  EXPECT_THAT(all(TextLines(written("one"))), ElementsAre("one"));
  EXPECT_THAT(all(LineStream(path())), ElementsAre("one"));
  EXPECT_THAT(all(TextLines(written("\n"))), ElementsAre(""));
  EXPECT_THAT(all(LineStream(path())), ElementsAre(""));
}

TEST_F(TextLinesTest, IsShuffledExactlyAndOutlivesItsName) {
  std::string text;
  Lines expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back("line " + std::to_string(i));
    text += expected.back() + "\n";
  }
  const auto order = shuffled(TextLines(written(text)), 1);
  std::filesystem::remove(path());
  Lines lines = all(order);
  EXPECT_NE(lines, expected);
  std::sort(lines.begin(), lines.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(lines, expected);
}

TEST_F(TextLinesTest, IsMovedWithItsFile) {
  TextLines first(written("a\nb\n"));
  const TextLines second = std::move(first);
  EXPECT_THAT(all(second), ElementsAre("a", "b"));
}

TEST_F(TextLinesTest, ListsBadLinesOrLeavesThemOut) {
  const std::string text = std::string("a\n\xC3\nb\n\0\n\xED\xA0\x80\nc", 13);
  const std::string list = "not UTF-8 (2 times, first in line 2); contains a NUL (line 4)";
  EXPECT_EQ(
      message_of<FormatError>([&] { TextLines lines(written(text)); }),
      "TextLines: '" + path() + "' has 3 bad lines: " + list +
          ": correct the file, pass TextEncoding::latin1 if it is Latin-1, or leave such lines "
          "out with BadLines::skip");
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  const TextLines lines(path(), {.bad_lines = BadLines::skip, .skipped = &skipped});
  EXPECT_THAT(all(lines), ElementsAre("a", "b", "c"));
  EXPECT_EQ(skipped, 3);
  EXPECT_THAT(warnings.messages(),
              ElementsAre("TextLines: '" + path() + "': left out 3 bad lines: " + list));
}

TEST_F(TextLinesTest, ConvertsLatin1) {
  const std::string name = written("caf\xE9\nna\xEFve\n");
  EXPECT_THAT(all(TextLines(name, {.encoding = TextEncoding::latin1})),
              ElementsAre("caf\xC3\xA9", "na\xC3\xAFve"));
  EXPECT_THAT(all(LineStream(name, {.encoding = TextEncoding::latin1})),
              ElementsAre("caf\xC3\xA9", "na\xC3\xAFve"));
}

TEST_F(TextLinesTest, SaysWhatCannotBeRead) {
  EXPECT_EQ(message_of<FormatError>([&] { TextLines lines(written("")); }),
            "TextLines: '" + path() + "': it is empty");
  const std::string none = file("none").string();
  EXPECT_EQ(message_of<Error>([&] { TextLines lines(none); }),
            "TextLines: cannot read '" + none + "': No such file or directory");
  EXPECT_EQ(message_of<Error>([&] { TextLines lines(folder().string()); }),
            "TextLines: cannot read '" + folder().string() + "': Is a directory");
  EXPECT_EQ(
      message_of<Error>([&] { TextLines lines("/dev/null"); }),
      "TextLines: cannot read '/dev/null': it is a pipe or a device, which has no size: write "
      "it to a file first");
}

TEST_F(TextLinesTest, StreamReadsAPipe) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  std::thread writer([&] { write_text(file("t"), "a\nb\nc"); });
  EXPECT_THAT(all(LineStream(path())), ElementsAre("a", "b", "c"));
  writer.join();
}

TEST_F(TextLinesTest, StreamShufflesWithinItsBuffer) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "\n";
  const std::string name = written(text);
  const Lines order = all(LineStream(name, {.buffer = 10, .seed = 1}));
  EXPECT_EQ(order, all(LineStream(name, {.buffer = 10, .seed = 1})));
  EXPECT_NE(order, all(LineStream(name, {.buffer = 10, .seed = 2})));
  std::vector<int> numbers;
  for (const std::string& line : order) numbers.push_back(std::stoi(line));
  for (int i = 0; i < 1000; ++i) EXPECT_LT(numbers[static_cast<std::size_t>(i)], i + 10);
  EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
  std::sort(numbers.begin(), numbers.end());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(all(LineStream(name, {.buffer = 5000})).size(), 1000U);
}

TEST_F(TextLinesTest, StreamStopsAtABadLineOrLeavesItOut) {
  LineStream stream(written("a\n\xFF\nb\n"));
  std::string line;
  EXPECT_TRUE(stream.next(line));
  EXPECT_EQ(line, "a");
  EXPECT_EQ(
      message_of<FormatError>([&] { stream.next(line); }),
      "LineStream: '" + path() +
          "' has 1 bad line: not UTF-8 (line 2): correct the file, pass TextEncoding::latin1 if "
          "it is Latin-1, or leave such lines out "
          "with BadLines::skip");
  EXPECT_FALSE(stream.next(line));
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  LineStream rest(path(), {.buffer = 2, .bad_lines = BadLines::skip, .skipped = &skipped});
  Lines lines = all(rest);
  std::sort(lines.begin(), lines.end());
  EXPECT_THAT(lines, ElementsAre("a", "b"));
  EXPECT_FALSE(rest.next(line));
  EXPECT_EQ(skipped, 1);
  EXPECT_EQ(warnings.messages().size(), 1U);
}

TEST_F(TextLinesTest, StreamRefusesEmptyFilesAndBuffers) {
  LineStream stream(written(""));
  std::string line;
  EXPECT_EQ(message_of<FormatError>([&] { stream.next(line); }),
            "LineStream: '" + path() + "': it is empty");
  EXPECT_EQ(message_of<ValueError>([&] { LineStream(path(), {.buffer = 0}); }),
            "LineStream: buffer is 0: it must be at least 1");
}

TEST_F(TextLinesTest, StreamMayBeEmpty) {
  std::string line;
  EXPECT_FALSE(LineStream(written(""), {.may_be_empty = true}).next(line));
  EXPECT_TRUE(LineStream(written("\n"), {.may_be_empty = true}).next(line));
  LineStream bad(written("\xFF\n"), {.may_be_empty = true});
  EXPECT_THROW(bad.next(line), FormatError);
}

// Whoever writes a line into a pipe may wait for the answer to it.
TEST_F(TextLinesTest, StreamHandsOutTheLinesOfAPipeAsTheyCome) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  LineStream stream("/dev/fd/" + std::to_string(ends[0]));
  std::string line;
  for (const std::string text : {"one", "two"}) {
    ASSERT_EQ(write(ends[1], (text + "\n").c_str(), 4), 4);
    ASSERT_TRUE(stream.next(line));
    EXPECT_EQ(line, text);
  }
  close(ends[1]);
  EXPECT_FALSE(stream.next(line));
  close(ends[0]);
}

}  // namespace
}  // namespace gradus
