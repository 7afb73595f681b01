#include <gmock/gmock.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/data/labeled_text.h>
#include <gradus/framework/data/text_lines.h>
#include <gradus/framework/data/text_pair.h>
#include <gradus/framework/data/text_table.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/caught_warnings.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>

namespace gradus {
namespace {

// Files of pieces of all formats, in any order.
std::string random_text(Generator& generator) {
  using namespace std::string_view_literals;
  constexpr std::array pieces = {"\n"sv,
                                 "\n\n"sv,
                                 "\r\n"sv,
                                 "\t"sv,
                                 "\""sv,
                                 ","sv,
                                 "a"sv,
                                 "_"sv,
                                 "1"sv,
                                 "2"sv,
                                 "1-2"sv,
                                 "1.1"sv,
                                 "# c"sv,
                                 "\0"sv,
                                 "\xFF"sv,
                                 "\xC3\xA9"sv,
                                 "{\"a\":"sv,
                                 "}"sv,
                                 "{}"sv,
                                 "["sv,
                                 "]"sv,
                                 "__label__"sv,
                                 " "sv,
                                 "\xEF\xBB\xBF"sv,
                                 "1\ta\t_\t_\t_\t_\t0\t_\t_\t_\n"sv};
  std::string text;
  for (std::int64_t n = generator.below(30); n >= 0; --n) {
    text += pieces[static_cast<std::size_t>(generator.below(pieces.size()))];
  }
  return text;
}

using Reader = std::function<void(const std::string& path, BadLines bad_lines)>;

std::vector<Reader> readers() {
  return {[](auto& path, BadLines bad) { TextLines lines(path, {.bad_lines = bad}); },
          [](auto& path, BadLines bad) {
            for (const std::string& line : LineStream(path, {.buffer = 3, .bad_lines = bad})) {
              EXPECT_EQ(line.find('\n'), std::string::npos);
            }
          },
          [](auto& path, BadLines bad) { read_tsv(path, {.header = false, .bad_lines = bad}); },
          [](auto& path, BadLines bad) { read_csv(path, {.header = false, .bad_lines = bad}); },
          [](auto& path, BadLines bad) { read_json_lines(path, {.bad_lines = bad}); },
          [](auto& path, BadLines bad) { read_labeled_lines(path, {.bad_lines = bad}); },
          [](auto& path, BadLines bad) {
            read_multilabel_lines(path, {.prefix = "", .bad_lines = bad});
          },
          [](auto& path, BadLines bad) { read_parallel(path, path, {.bad_lines = bad}); },
          [](auto& path, BadLines bad) { read_conll(path, {.bad_lines = bad}); },
          [](auto& path, BadLines bad) { read_conll(path, {.separator = '\t', .bad_lines = bad}); },
          [](auto& path, BadLines bad) { read_conllu(path, {.bad_lines = bad}); }};
}

class Readers : public FolderTest {};

TEST_F(Readers, RefuseOrSkipAnyBytes) {
  const CaughtWarnings warnings;
  Generator generator(1);
  const std::string path = file("t").string();
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    write_text(path, random_text(generator));
    for (const Reader& read : readers()) {
      try {
        read(path, BadLines::refuse);
      } catch (const FormatError&) {
        ++refused;
      }
      EXPECT_NO_THROW(read(path, BadLines::skip)) << read_text(path);
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_EQ(std::ssize(warnings.messages()), refused);  // each file that is refused has bad lines
}

TEST_F(Readers, NameAFileThatCannotBeRead) {
  for (const Reader& read : readers()) {
    EXPECT_THAT(message_of<Error>([&] { read(file("none").string(), BadLines::skip); }),
                testing::HasSubstr("none': No such file or directory"));
    EXPECT_THAT(message_of<Error>([&] { read(folder().string(), BadLines::skip); }),
                testing::EndsWith("': Is a directory"));
    write_text(file("empty"), "");
    EXPECT_THAT(message_of<FormatError>([&] { read(file("empty").string(), BadLines::skip); }),
                testing::EndsWith("empty': it is empty"));
  }
}

TEST_F(Readers, RefuseAByteOrderMarkAloneAsEmpty) {
  write_text(file("mark"), "\xEF\xBB\xBF");
  for (const Reader& read : readers()) {
    EXPECT_THAT(message_of<FormatError>([&] { read(file("mark").string(), BadLines::skip); }),
                testing::EndsWith("mark': it is empty"));
  }
}

TEST_F(Readers, LeaveOutALineThatIsTooLong) {
  const std::string path = file("long").string();
  write_text(path, "1\ta\n");
  std::filesystem::resize_file(path, (1U << 26U) + 5);  // with a hole, which takes no room
  std::ofstream(path, std::ios::app) << "\n2\tb\n";
  EXPECT_THAT(message_of<FormatError>([&] { (void)read_tsv(path); }),
              testing::HasSubstr("long', line 2, has more than 67108864 bytes"));
  const CaughtWarnings warnings;
  std::int64_t skipped = 0;
  const TextTable table =
      read_tsv(path, {.header = false, .bad_lines = BadLines::skip, .skipped = &skipped});
  EXPECT_EQ(std::vector(table.begin(), table.end()),
            (std::vector<TextTable::Row>{{"1", "a"}, {"2", "b"}}));
  EXPECT_EQ(skipped, 1);
  const auto pairs = read_parallel(path, path, {.bad_lines = BadLines::skip});
  EXPECT_EQ(pairs.size(), 2U);
  EXPECT_THAT(warnings.messages(), testing::Each(testing::HasSubstr("longer than 64 MiB")));
}

}  // namespace
}  // namespace gradus
