#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/word_tests.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

namespace gradus {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (line = trimmed(line); !line.empty(); line = trimmed(line)) {
    words.push_back(line.substr(0, line.find_first_of(blanks)));
    line.remove_prefix(words.back().size());
  }
  return words;
}

/// The fields of a line; runs of blanks for a space.
std::vector<std::string_view> fields_of(std::string_view line, char separator) {
  if (separator == ' ') return words_of(line);
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0;; ++begin) {
    const std::size_t end = std::min(line.find(separator, begin), line.size());
    fields.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end;
    if (end == line.size()) return fields;
  }
}

/// The lines of a file that are not blank and begin with none of the marks of a comment.
class Lines {
 public:
  Lines(const char* operation, const std::string& path, std::string_view comment)
      : reader_(operation, path), comment_(comment) {}

  bool next() {
    do {
      if (!reader_.next(line_)) return false;
    } while (trimmed(line_).empty() || line_.starts_with(comment_));
    return true;
  }
  std::string_view line() const { return line_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(fmt::format("{}: {}:{}: {}{}", reader_.file().operation(),
                                  reader_.file().path(), reader_.number(), what,
                                  reader_.number() == 1 ? detail::looks_like(line_) : ""));
  }
  [[noreturn]] void fail_empty(const char* wanted) const {
    throw FormatError(fmt::format("{}: {}: the file has no {}", reader_.file().operation(),
                                  reader_.file().path(), wanted));
  }

 private:
  detail::LineReader reader_;
  std::string line_;
  std::string_view comment_;
};

bool read_score(std::string_view text, double& score) {
  return detail::parse_number(text, score) == detail::NumberText::number && std::isfinite(score);
}

WordPair pair_of(const Lines& lines, const std::vector<std::string_view>& fields,
                 std::size_t score_column) {
  WordPair pair{std::string(fields[0]), std::string(fields[1])};
  if (pair.first.empty() || pair.second.empty()) lines.fail("a word is empty");
  if (!read_score(fields[score_column], pair.score)) {
    lines.fail(fmt::format("the score '{}' is not a finite number",
                           detail::printable(fields[score_column])));
  }
  return pair;
}

}  // namespace

std::vector<WordPair> read_word_pairs(const std::string& path, const WordPairOptions& options) {
  if (options.score_column < 2) {
    throw ValueError(
        fmt::format("read_word_pairs: score_column is {}: columns 0 and 1 are the words",
                    options.score_column));
  }
  const auto column = static_cast<std::size_t>(options.score_column);
  std::vector<WordPair> pairs;
  Lines lines("read_word_pairs", path, "#");
  char separator = '\0';
  std::size_t columns = 0;
  while (lines.next()) {
    const bool first = separator == '\0';
    if (first) {
      const auto has = [&](char c) { return lines.line().find(c) != std::string_view::npos; };
      separator = has('\t') ? '\t' : has(',') ? ',' : ' ';
    }
    const auto fields = fields_of(lines.line(), separator);
    if (first) columns = fields.size();
    if (fields.size() <= column) {
      lines.fail(fmt::format("'{}' has {} fields: two words and a score are in columns 0, 1 and {}",
                             detail::printable(lines.line()), fields.size(), column));
    }
    if (fields.size() != columns) {
      lines.fail(fmt::format("'{}' has {} fields, the first line {}",
                             detail::printable(lines.line()), fields.size(), columns));
    }
    double score = 0;
    if (first && !read_score(fields[column], score)) continue;  // the names of columns
    pairs.push_back(pair_of(lines, fields, column));
  }
  if (pairs.empty()) lines.fail_empty("word pairs");
  return pairs;
}

std::vector<AnalogySection> read_analogies(const std::string& path) {
  std::vector<AnalogySection> sections;
  Lines lines("read_analogies", path, "//");
  bool any = false;
  while (lines.next()) {
    if (lines.line().front() == ':') {
      sections.push_back({std::string(trimmed(lines.line().substr(1)))});
      continue;
    }
    const auto words = words_of(lines.line());
    if (words.size() != 4) {
      lines.fail(fmt::format("'{}' has {} words: an analogy has 4", detail::printable(lines.line()),
                             words.size()));
    }
    if (sections.empty()) sections.push_back({""});
    auto& analogy = sections.back().analogies.emplace_back();
    std::copy(words.begin(), words.end(), analogy.begin());
    any = true;
  }
  if (!any) lines.fail_empty("analogies");
  return sections;
}

}  // namespace gradus
