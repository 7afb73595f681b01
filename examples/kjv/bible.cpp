#include <fmt/format.h>
#include <gradus/examples/kjv/bible.h>
#include <gradus/gradus.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): popen is POSIX
#include <sys/wait.h>

#include <cstddef>
#include <sstream>
#include <string>

namespace gradus::examples {
namespace {

constexpr std::size_t verses = 31102;
constexpr const char* command = "bible -f gen1:1-rev22:21 </dev/null 2>/dev/null";

/// A part of the Bible and its first book.
struct Part {
  const char *label, *first_book;
};
const std::vector<Part> parts = {{"law", "Ge"},
                                 {"history", "Josh"},
                                 {"poetry", "Job"},
                                 {"major prophets", "Isa"},
                                 {"minor prophets", "Hos"},
                                 {"gospels and acts", "Mat"},
                                 {"letters of Paul", "Rom"},
                                 {"other letters", "Heb"},
                                 {"revelation", "Rev"}};

/// What the program printed: a line for each verse, "1Sm12:3 And he said ...".
std::string print_bible() {
  std::FILE* pipe = popen(command, "r");
  if (pipe == nullptr) throw Error(fmt::format("bible: cannot run '{}'", command));
  std::string text;
  char buffer[1 << 16];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    throw Error(
        "bible: the program 'bible' is not installed: run `apt-get install bible-kjv`, or pass "
        "texts of your own with --corpus FILE");
  }
  return text;
}

}  // namespace

std::vector<LabeledText> read_bible(bool testaments) {
  std::istringstream lines(print_bible());
  std::size_t next = 0;
  std::vector<LabeledText> texts;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':'), blank = line.find(' ');
    if (blank == std::string::npos || colon > blank) continue;
    const std::string book = line.substr(0, line.find_last_not_of("0123456789", colon - 1) + 1);
    if (next < parts.size() && book == parts[next].first_book) ++next;
    const char* testament = next <= 5 ? "old" : "new";
    texts.push_back({line.substr(blank + 1), testaments ? testament : parts.at(next - 1).label});
  }
  if (texts.size() != verses || next != parts.size()) {
    throw Error(
        fmt::format("bible: the program 'bible' printed {} verses in {} of {} parts, not {}: "
                    "reinstall the package bible-kjv, or pass --corpus FILE",
                    texts.size(), next, parts.size(), verses));
  }
  return texts;
}

}  // namespace gradus::examples
