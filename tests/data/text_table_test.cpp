#include <gmock/gmock.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/text_table.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/caught_warnings.h>

#include <array>
#include <nlohmann/json.hpp>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Rows = std::vector<TextTable::Row>;

Rows rows_of(const TextTable& table) { return {table.begin(), table.end()}; }

class TableTest : public FolderTest {
 protected:
  std::string written(const std::string& text) const {
    write_text(file("t"), text);
    return file("t").string();
  }
  std::string path() const { return file("t").string(); }
};

class ReadTsv : public TableTest {
 protected:
  TextTable tsv(const std::string& text, const TableOptions& options = {}) const {
    return read_tsv(written(text), options);
  }
  std::string refused(const std::string& text, const TableOptions& options = {}) const {
    const std::string begin = "read_tsv: '" + path() + "'";
    std::string message = message_of<FormatError>([&] { (void)tsv(text, options); });
    return message.starts_with(begin) ? message.substr(begin.size()) : message;
  }
};

TEST_F(ReadTsv, ReadsNamesAndRows) {
  const TextTable table = tsv("label\ttext\n1\tHow \"far\" , is\n0\t\n");
  EXPECT_THAT(table.names(), ElementsAre("label", "text"));
  EXPECT_EQ(rows_of(table), (Rows{{"1", "How \"far\" , is"}, {"0", ""}}));
  EXPECT_EQ(table.size(), 2);
  EXPECT_EQ(table[0][table.column("text")], "How \"far\" , is");
  EXPECT_EQ(table.column(1), 1U);
}

TEST_F(ReadTsv, NeedsNoHeader) {
  const TextTable table = tsv("1\ta\n0\tb\n", {.header = false});
  EXPECT_THAT(table.names(), IsEmpty());
  EXPECT_EQ(rows_of(table), (Rows{{"1", "a"}, {"0", "b"}}));
}

TEST_F(ReadTsv, ChoosesColumnsByNameOrPosition) {
  const std::string text = "id\tlabel\ttext\n7\tspam\twin\n8\tham\thello\n";
  const TextTable named = tsv(text, {.columns = {"text", "label"}});
  EXPECT_THAT(named.names(), ElementsAre("text", "label"));
  EXPECT_EQ(rows_of(named), (Rows{{"win", "spam"}, {"hello", "ham"}}));
  EXPECT_EQ(rows_of(tsv(text, {.columns = {0, "label"}})), (Rows{{"7", "spam"}, {"8", "ham"}}));
  EXPECT_EQ(rows_of(tsv("a\tb\n", {.header = false, .columns = {1}})), (Rows{{"b"}}));
}

TEST_F(ReadTsv, NamesTheColumnsWhereOneIsMissing) {
  const std::string begin = "read_tsv: '" + path() + "': there is no column ";
  EXPECT_EQ(message_of<IndexError>([&] { (void)tsv("a\tb\n1\t2\n", {.columns = {"c"}}); }),
            begin + "'c': the columns are a, b");
  EXPECT_EQ(message_of<IndexError>([&] { (void)tsv("a\tb\n", {.columns = {-1}}); }),
            begin + "-1: the columns are a, b");
  EXPECT_EQ(
      message_of<IndexError>([&] { (void)tsv("1\t2\n", {.header = false, .columns = {"text"}}); }),
      begin + "'text': there are 2, without names");
  EXPECT_EQ(message_of<IndexError>([&] { (void)tsv("1\n", {.header = false, .columns = {1}}); }),
            begin + "1: there is 1, without names");
  const TextTable table = tsv("a\tb\n1\t2\n");
  EXPECT_EQ(message_of<IndexError>([&] { (void)table.column(2); }),
            "TextTable: '" + path() + "': there is no column 2: the columns are a, b");
  EXPECT_EQ(message_of<IndexError>([] { (void)TextTable({"a"}, {}).column("z"); }),
            "TextTable: there is no column 'z': the columns are a");
  EXPECT_EQ(message_of<IndexError>([&] { (void)table[1]; }),
            "TextTable: index 1 is outside [0, 1)");
}

TEST_F(ReadTsv, TakesAnyLineEndAndByteOrderMark) {
  const Rows expected = {{"1", "2"}};
  for (const char* text : {"a\tb\n1\t2\n", "a\tb\n1\t2", "a\tb\r\n1\t2\r\n", "a\tb\r\n1\t2",
                           "\xEF\xBB\xBF"
                           "a\tb\n1\t2\n",
                           "\na\tb\n\n1\t2\n\n"}) {
    const TextTable table = tsv(text);
    EXPECT_THAT(table.names(), ElementsAre("a", "b")) << text;
    EXPECT_EQ(rows_of(table), expected) << text;
  }
}

TEST_F(ReadTsv, OneLineIsARowOrNamesAlone) {
  EXPECT_EQ(tsv("a\tb").size(), 0);
  EXPECT_EQ(rows_of(tsv("a\tb", {.header = false})), (Rows{{"a", "b"}}));
  EXPECT_EQ(rows_of(tsv("a", {.header = false})), (Rows{{"a"}}));
}

TEST_F(ReadTsv, ListsAllKindsOfBadLines) {
  const std::string bad =
      "a\tb\n1\t2\n1\n\xFF\t2\n3\t4\n1\t2\t3\nx\ty\rz\n1\t" + std::string(1, '\0') + "\n";
  EXPECT_EQ(refused(bad),
            " has 5 bad lines: wrong number of fields (2 times, first in line 3: 1 instead of 2); "
            "not UTF-8 (line 4); a carriage return inside a line (line 7); contains a NUL "
            "(line 8): correct the file, pass TextEncoding::latin1 if it is Latin-1, or leave such "
            "lines out with BadLines::skip");
  EXPECT_EQ(
      refused("a\tb\n1\n"),
      " has 1 bad line: wrong number of fields (line 2: 1 instead of 2): correct the file, or "
      "leave such lines out with BadLines::skip");
}

TEST_F(ReadTsv, LeavesBadLinesOutIfAsked) {
  std::int64_t skipped = -1;
  const CaughtWarnings warnings;
  const TableOptions options{.bad_lines = BadLines::skip, .skipped = &skipped};
  EXPECT_EQ(rows_of(tsv("a\tb\n1\t2\n1\n\xFF\t2\n3\t4\n", options)),
            (Rows{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(skipped, 2);
  EXPECT_THAT(warnings.messages(),
              ElementsAre("read_tsv: '" + path() +
                          "': left out 2 bad lines: wrong number of fields (line 3: 1 instead of "
                          "2); not UTF-8 (line 4)"));
  (void)tsv("a\tb\n1\t2\n", options);
  EXPECT_EQ(skipped, 0);
  EXPECT_EQ(warnings.messages().size(), 1U);
}

TEST_F(ReadTsv, RefusesABadHeaderEvenIfBadLinesAreSkipped) {
  const TableOptions options{.bad_lines = BadLines::skip};
  EXPECT_EQ(refused("\xFF\tb\n1\t2\n", options), ": the header, line 1: not UTF-8");
  EXPECT_EQ(refused("a\tb\ta\n", options),
            ": the header names column 'a' twice: choose columns, by position where a name is not "
            "enough, or pass header = false if the first line is none");
}

TEST_F(ReadTsv, MindsANameThatColumnsShareOnlyIfItIsAskedFor) {
  const std::string text = "x\tx\ty\n1\t2\t3\n";
  EXPECT_EQ(rows_of(tsv(text, {.columns = {"y"}})), (Rows{{"3"}}));
  EXPECT_EQ(rows_of(tsv(text, {.columns = {1, 2}})), (Rows{{"2", "3"}}));
  EXPECT_EQ(message_of<IndexError>([&] { (void)tsv(text, {.columns = {"x"}}); }),
            "read_tsv: '" + path() + "': several columns are named 'x': give a position");
  const TextTable both = tsv(text, {.columns = {0, 1}});
  EXPECT_EQ(both.column(1), 1U);
  EXPECT_EQ(message_of<IndexError>([&] { (void)both.column("x"); }),
            "TextTable: '" + path() + "': several columns are named 'x': give a position");
}

TEST_F(ReadTsv, SaysWhatAFileIsThatIsNoText) {
  EXPECT_EQ(refused(""), ": it is empty");
  EXPECT_EQ(refused("\xff\xfe"
                    "a"),
            ": the header, line 1: not UTF-8: it looks like UTF-16 text: "
            "convert it to UTF-8");
  EXPECT_EQ(refused("\x1f\x8b\x08", {.header = false}),
            " has 1 bad line: not UTF-8 (line 1): it looks like a gzip file: unpack it first");
  EXPECT_EQ(
      message_of<Error>([&] { (void)read_tsv((folder() / "none").string()); }),
      "read_tsv: cannot read '" + (folder() / "none").string() + "': No such file or directory");
  EXPECT_EQ(message_of<Error>([&] { (void)read_tsv(folder().string()); }),
            "read_tsv: cannot read '" + folder().string() + "': Is a directory");
}

TEST_F(ReadTsv, ConvertsLatin1) {
  const TextTable table =
      tsv("label\ttext\n4\tsister\xADg\xFC\n", {.encoding = TextEncoding::latin1});
  EXPECT_EQ(table[0][1], "sister\xC2\xADg\xC3\xBC");
}

TEST(TextTable, RefusesRowsOfDifferentSizes) {
  EXPECT_EQ(message_of<ShapeError>([] {
              TextTable({"a", "b"}, {{"1", "2"}, {"3"}});
            }),
            "TextTable: row 1 has 1 fields, but there are 2 columns");
  EXPECT_EQ(message_of<ShapeError>([] {
              TextTable({}, {{"1", "2"}, {"3"}});
            }),
            "TextTable: row 1 has 1 fields, but there are 2 columns");
  static_assert(DataSet<TextTable> && std::is_same_v<SampleOf<TextTable>, TextTable::Row>);
}

class ReadCsv : public TableTest {};

// Made by make_csv_cases.py from Python's csv module.
TEST_F(ReadCsv, AgreesWithPython) {
  std::ifstream in("tests/data/csv_cases.jsonl");
  int cases = 0, refused = 0;
  for (std::string line; std::getline(in, line); ++cases) {
    const auto known = nlohmann::json::parse(line);
    const std::string csv = written(known["text"].get<std::string>());
    if (known["rows"].is_null()) {
      ++refused;
      EXPECT_THROW((void)read_csv(csv, {.header = false}), FormatError) << line;
    } else {
      EXPECT_EQ(rows_of(read_csv(csv, {.header = false})), known["rows"].get<Rows>()) << line;
    }
  }
  EXPECT_EQ(cases, 400);
  EXPECT_GT(refused, 20);
}

TEST_F(ReadCsv, ReadsQuotesOverLines) {
  const TextTable table =
      read_csv(written("\xEF\xBB\xBF\"the \"\"text\"\"\",label\r\n\"one,\r\ntwo\",x\r\nplain,y"));
  EXPECT_THAT(table.names(), ElementsAre("the \"text\"", "label"));
  EXPECT_EQ(rows_of(table), (Rows{{"one,\r\ntwo", "x"}, {"plain", "y"}}));
}

TEST_F(ReadCsv, TakesAnotherSeparatorAndColumns) {
  const TextTable table =
      read_csv(written("a\tb\n\"1\t2\"\tx\n"), {.separator = '\t', .columns = {"b", "a"}});
  EXPECT_EQ(rows_of(table), (Rows{{"x", "1\t2"}}));
  for (const char separator : {'"', '\n', '\r', '\0', '\xFF'}) {
    EXPECT_THAT(
        message_of<ValueError>([&] { (void)read_csv("none", {.separator = separator}); }),
        testing::EndsWith("': it must be an ASCII character, and no quote, line end or NUL"));
  }
}

TEST_F(ReadCsv, CountsAndNamesAllLinesOfABadRecord) {
  const std::string text = "a,b\n1,2\n\"x\ny\"z,3\n\"\xFF\n\",4\n5\n6,\r7\n8,9\n\"open,1\n2,3\n";
  const std::string list =
      "text after a closing quote (lines 3 to 4); not UTF-8 (lines 5 to 6); wrong number of fields "
      "(line 7: 1 instead of 2); a carriage return inside a line (line 8); a quote is never closed "
      "(lines 10 to 11)";
  EXPECT_EQ(
      message_of<FormatError>([&] { (void)read_csv(written(text)); }),
      "read_csv: '" + path() + "' has 8 bad lines: " + list +
          ": correct the file, pass TextEncoding::latin1 if it is Latin-1, or leave such lines "
          "out with BadLines::skip");
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  EXPECT_EQ(rows_of(read_csv(path(), {.bad_lines = BadLines::skip, .skipped = &skipped})),
            (Rows{{"1", "2"}, {"8", "9"}}));
  EXPECT_EQ(skipped, 8);
  EXPECT_THAT(warnings.messages(),
              ElementsAre("read_csv: '" + path() + "': left out 8 bad lines: " + list));
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_csv(written("\"a\nb\nc,d\n")); }),
            "read_csv: '" + path() + "': the header, lines 1 to 3: a quote is never closed");
}

// Rows 1 to 999, in which two stray quotes enclose the lines between them.
std::string with_quotes(int first, int last) {
  std::string text = "a,b\n";
  for (int row = 1; row < 1000; ++row) {
    text += row == first ? "a,\"Hamlet he said\n" : row == last ? "a,5\"\n" : "a,b\n";
  }
  return text;
}

TEST_F(ReadCsv, WarnsOfARecordOfMoreThanAHundredLines) {
  const CaughtWarnings warnings;
  EXPECT_EQ(read_csv(written(with_quotes(10, 109))).size(), 900);  // a hundred
  EXPECT_TRUE(warnings.messages().empty());
  EXPECT_EQ(read_csv(written(with_quotes(10, 990))).size(), 19);
  const std::string record = "read_csv: '" + path() + "': a record of more than 100 lines ";
  EXPECT_THAT(warnings.messages(),
              ElementsAre(record + "(lines 11 to 991): is a quote missing there?"));
}

TEST_F(ReadCsv, RefusesEmptyFiles) {
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_csv(written("")); }),
            "read_csv: '" + path() + "': it is empty");
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_csv(written("\xEF\xBB\xBF")); }),
            "read_csv: '" + path() + "': it is empty");
  EXPECT_EQ(read_csv(written("a,b")).size(), 0);
}

class ReadJsonLines : public TableTest {};

TEST_F(ReadJsonLines, ReadsTheFieldsAskedFor) {
  const std::string text =
      "{\"label\": \"spam\", \"text\": \"win \\u00fc \\\"now\\\"\\n\", \"id\": 7}\n\n"
      "{\"text\": \"hello\", \"label\": \"ham\"}";
  const TextTable table = read_json_lines(written(text), {.fields = {"text", "label"}});
  EXPECT_THAT(table.names(), ElementsAre("text", "label"));
  EXPECT_EQ(rows_of(table), (Rows{{"win \xC3\xBC \"now\"\n", "spam"}, {"hello", "ham"}}));
}

TEST_F(ReadJsonLines, TakesTheFieldsOfTheFirstLineInTheirOrder) {
  const TextTable table = read_json_lines(
      written("{\"z\": 1, \"a\": true, \"n\": -2.5, \"l\": [1, \"x\"], \"o\": {\"k\": null}}\r\n"));
  EXPECT_THAT(table.names(), ElementsAre("z", "a", "n", "l", "o"));
  EXPECT_EQ(rows_of(table), (Rows{{"1", "true", "-2.5", "[1, \"x\"]", "{\"k\": null}"}}));
}

TEST_F(ReadJsonLines, KeepsNumbersAsTheyAreWritten) {
  for (const std::string number :
       {"123456789012345678901234567890", "-0", "1e5", "1.50", "1E+400", "-9223372036854775809",
        "9007199254740993", "0.1000000000000000055", "0", "[1.50, -0]"}) {
    const TextTable table = read_json_lines(written("{\"a\" : " + number + " }"));
    EXPECT_EQ(rows_of(table), (Rows{{number}}));
  }
}

TEST_F(ReadJsonLines, IgnoresFieldsThatAreNotAskedFor) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  for (const std::string& other :
       {std::string("1e999"), std::string("1, \"b\": 2"), std::string("null"), deep}) {
    const TextTable table =
        read_json_lines(written("{\"a\": 1, \"b\": " + other + "}\n"), {.fields = {"a"}});
    EXPECT_EQ(rows_of(table), (Rows{{"1"}})) << other.substr(0, 20);
  }
}

TEST_F(ReadJsonLines, TakesExactlyWhatJsonIs) {
  for (const std::string value :
       {"{}", "[]", "[[], {}, [{}]]", "{\"k\": {\"l\": [1, 2]}, \"m\": false}", "true", "0.5e-7",
        "10", "[\"\\\"]\", \"\\u00e9\\/\"]"}) {
    EXPECT_TRUE(nlohmann::json::accept(value)) << value;
    EXPECT_EQ(rows_of(read_json_lines(written("{\"a\":" + value + "}"))), (Rows{{value}}));
  }
  for (const std::string value :
       {"",         "01",          "-",      "+1",   "1.",    ".5",        "1e",    "1e+",
        "tru",      "NaN",         "'x'",    "[1,]", "[1 2]", "[",         "[}",    "{\"k\"}",
        "{\"k\":}", "{\"k\":1,}",  "{1:2}",  "{]",   "1}",    "1]",        "1,",    "\"x",
        "\"\\q\"",  "\"\\u12g4\"", "\"\t\"", "0x1",  "[1}",   "{\"k\":1]", "nullx", "1 1"}) {
    EXPECT_FALSE(nlohmann::json::accept("{\"a\":" + value + "}")) << value;
    EXPECT_THAT(
        message_of<FormatError>([&] { (void)read_json_lines(written("{\"a\":" + value + "}")); }),
        testing::HasSubstr("has 1 bad line: not JSON (line 1: at byte "))
        << value;
  }
}

TEST_F(ReadJsonLines, AgreesWithAnotherParserOnAnyText) {
  constexpr std::array pieces = {"{",  "}",  "[", "]",      ",",    ":",       "\"k\"",    "\"",
                                 "\\", "1",  "-", "0",      ".5",   "e3",      " ",        "true",
                                 "{}", "[]", "n", "\"k\":", "null", "\\u00e9", "\"x\\n\"", "2"};
  Generator generator(1);
  std::string text;
  Rows expected;
  for (int i = 0; i < 5000; ++i) {
    std::string line = "{\"z\":" + std::to_string(i) + ",\"a\":";
    for (std::int64_t n = generator.below(6); n >= 0; --n) {
      line += pieces[static_cast<std::size_t>(generator.below(std::ssize(pieces)))];
    }
    line += "}";
    if (nlohmann::json::accept(line)) expected.push_back({std::to_string(i)});
    text += line + "\n";
  }
  const CaughtWarnings warnings;
  EXPECT_EQ(rows_of(read_json_lines(written(text), {.fields = {"z"}, .bad_lines = BadLines::skip})),
            expected);
  EXPECT_GT(expected.size(), 100U);
}

TEST_F(ReadJsonLines, AsksForOneObjectALine) {
  const std::string cure = ": it looks like one JSON document: write one object a line";
  for (const char* text : {"[{\"a\": 1},\n{\"a\": 2}]\n", "{\r\n  \"a\": 1\r\n}\r\n"}) {
    EXPECT_THAT(message_of<FormatError>([&] { (void)read_json_lines(written(text)); }),
                testing::EndsWith(cure));
  }
}

TEST_F(ReadJsonLines, ListsAllKindsOfBadLines) {
  const std::string text =
      "{\"a\": \"1\"}\n{\"a\": \n[1]\n{\"b\": 1}\n{\"a\": null}\n{\"a\": 1, \"a\": 2}\n"
      "{\"a\": \"\\u0000\"}\n{\"a\": 1e999}\n{\"a\": \"\xFF\"}\n{\"a\": " +
      std::string(200, '[') + "\n{\"a\": {\"x\": 1, \"y\": {\"a\": 1}}}\n{\"a\": \"\\ud800\"}\n";
  const std::string message =
      message_of<FormatError>([&] { (void)read_json_lines(written(text), {.fields = {"a"}}); });
  EXPECT_EQ(message,
            "read_json_lines: '" + path() +
                "' has 9 bad lines: not JSON (2 times, first in line 2: at byte 7); not a JSON "
                "object (line 3); no field 'a' (line 4); 'a' is null (line 5); a field twice (line "
                "6: 'a'); 'a' contains a NUL (line 7); not UTF-8 (line 9); half a surrogate pair "
                "(line 12): correct the file, pass TextEncoding::latin1 if it is Latin-1, or leave "
                "such lines out with BadLines::skip");
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  const TextTable table =
      read_json_lines(path(), {.fields = {"a"}, .bad_lines = BadLines::skip, .skipped = &skipped});
  EXPECT_EQ(rows_of(table), (Rows{{"1"}, {"1e999"}, {"{\"x\": 1, \"y\": {\"a\": 1}}"}}));
  EXPECT_EQ(skipped, 9);
  EXPECT_EQ(warnings.messages().size(), 1U);
}

TEST_F(ReadJsonLines, NeedsFieldsInTheFirstLine) {
  EXPECT_THAT(message_of<FormatError>([&] { (void)read_json_lines(written("{}\n{\"a\": 1}\n")); }),
              testing::HasSubstr("has 1 bad line: an object without fields (line 1): "));
}

TEST_F(ReadJsonLines, RefusesEmptyFiles) {
  EXPECT_EQ(message_of<FormatError>([&] { (void)read_json_lines(written("")); }),
            "read_json_lines: '" + path() + "': it is empty");
}

}  // namespace
}  // namespace gradus
