#include <fmt/format.h>
#include <gradus/examples/kjv/bible.h>
#include <gradus/framework/base/error.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): popen is POSIX
#include <sys/wait.h>

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {
namespace {

constexpr std::size_t verses = 31102;

/// A part of the Bible and the abbreviation of its first book.
struct Part {
  const char* label;
  const char* first_book;
};

std::vector<Part> parts_of(BibleLabels labels) {
  if (labels == BibleLabels::testaments) return {{"old", "Ge"}, {"new", "Mat"}};
  return {{"law", "Ge"},
          {"history", "Josh"},
          {"poetry", "Job"},
          {"major prophets", "Isa"},
          {"minor prophets", "Hos"},
          {"gospels and acts", "Mat"},
          {"letters of Paul", "Rom"},
          {"other letters", "Heb"},
          {"revelation", "Rev"}};
}

/// What a program printed, and its exit status.
struct Output {
  std::string text;
  int status;
};

Output run(const char* command) {
  std::FILE* pipe = popen(command, "r");
  if (pipe == nullptr) throw Error(fmt::format("bible: cannot run '{}'", command));
  Output output;
  char buffer[1 << 16];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) {
    output.text.append(buffer, n);
  }
  const int status = pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

/// "1Sm" of "1Sm12:3".
std::string_view book_of(std::string_view place) {
  std::size_t end = place.find(':');
  if (end == std::string_view::npos) return {};
  while (end > 0 && std::isdigit(static_cast<unsigned char>(place[end - 1])) != 0) --end;
  return place.substr(0, end);
}

}  // namespace

Corpus read_bible(BibleLabels labels) {
  const Output output = run("bible -f gen1:1-rev22:21 </dev/null 2>/dev/null");
  if (output.status == 127) {
    throw Error(
        "bible: the program 'bible' is not installed: run `apt-get install bible-kjv`, or pass "
        "texts of your own with --corpus FILE");
  }
  const std::vector<Part> parts = parts_of(labels);
  std::size_t next = 0;
  Corpus corpus;
  const std::string_view text = output.text;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);  // "Ge1:1 In the beginning ..."
    const std::size_t space = line.find(' ');
    const std::string_view book = book_of(line.substr(0, space));
    if (book.empty() || space == std::string_view::npos) continue;
    if (next < parts.size() && book == parts[next].first_book) ++next;
    if (next > 0) corpus.push_back({parts[next - 1].label, std::string(line.substr(space + 1))});
  }
  if (corpus.size() != verses || next != parts.size()) {
    throw Error(
        fmt::format("bible: the program 'bible' printed {} verses in {} of {} parts, not {}: "
                    "reinstall the package bible-kjv, or pass --corpus FILE",
                    corpus.size(), next, parts.size(), verses));
  }
  return corpus;
}

}  // namespace gradus::examples
