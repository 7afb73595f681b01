#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/word_list.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace gradus::detail {
namespace {

void append_escaped(std::string& out, std::string_view word) {
  for (std::size_t i = 0; i < word.size();) {
    const auto [code, length] = decode_utf8(word, i);
    if (code == '\\') {
      out += "\\\\";
    } else if (code < 0x20 || code == 0x7F || code == not_utf8) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(word[i]));
    } else {
      out += word.substr(i, length);
    }
    i += length;
  }
}

// The word that was escaped, or nullopt if a backslash begins no escape.
std::optional<std::string> unescaped(std::string_view text) {
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      word += text[i];
    } else if (text.substr(i + 1).starts_with('\\')) {
      word += text[++i];
    } else {
      unsigned byte = 0;
      const std::string_view digits =
          text.substr(i).starts_with("\\x") ? text.substr(i + 2, 2) : "";
      const char* end = digits.data() + digits.size();
      const auto [stop, problem] = std::from_chars(digits.data(), end, byte, 16);
      if (digits.size() != 2 || problem != std::errc() || stop != end) return std::nullopt;
      word += static_cast<char>(byte);
      i += 3;
    }
  }
  return word;
}

std::string title_of(const char* kind, std::size_t words) {
  return fmt::format("# gradus {} 1: {} words", kind, words);
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : rest_(text), where_(where) {}

  WordList parse(const char* kind, bool with_counts) {
    const std::size_t size = parse_title(kind);
    WordList list;
    while (next() && !line_.empty()) list.marks.push_back(parse_mark());
    while (next()) parse_word(list, with_counts);
    if (list.words.size() != size) {
      throw FormatError(fmt::format("{}: it has {} words, not the {} of its first line", where_,
                                    list.words.size(), size));
    }
    const auto n = static_cast<std::int64_t>(size);
    for (const WordMark& mark : list.marks) {
      if (mark.id >= 0 && mark.id < n) continue;
      throw FormatError(fmt::format("{}: '{}' is id {}, which is outside [0, {})", where_,
                                    printable(mark.name), mark.id, n));
    }
    return list;
  }

 private:
  bool next() {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    ++number_;
    return true;
  }

  std::size_t parse_title(const char* kind) {
    if (!next()) throw FormatError(fmt::format("{}: it is empty", where_));
    const std::string begin = fmt::format("# gradus {} ", kind);
    std::string_view title = line_;
    if (!title.starts_with(begin)) {
      fail(fmt::format("'{}' where '{}' is expected{}", printable(title),
                       title_of(kind, 0).replace(begin.size() + 3, 1, "..."), looks_like(title)));
    }
    title.remove_prefix(begin.size());
    if (!title.starts_with("1: ")) {
      fail(fmt::format("version '{}': this gradus reads version 1",
                       printable(title.substr(0, title.find(':')))));
    }
    title.remove_prefix(3);
    std::uint64_t size = 0;
    if (!title.ends_with(" words") ||
        parse_number(title.substr(0, title.size() - 6), size) != NumberText::number) {
      fail(fmt::format("'{}' where a number of words is expected", printable(title)));
    }
    return size;
  }

  WordMark parse_mark() const {
    const std::size_t tab = line_.rfind('\t');
    if (!line_.starts_with("# ") || tab == std::string_view::npos) {
      fail(fmt::format("'{}' is no mark of a word: a blank line has to end the marks",
                       printable(line_)));
    }
    return {std::string(line_.substr(2, tab - 2)), number(line_.substr(tab + 1))};
  }

  void parse_word(WordList& list, bool with_counts) const {
    std::string_view text = line_;
    if (with_counts) {
      const std::size_t tab = line_.rfind('\t');
      if (tab == std::string_view::npos) {
        fail(fmt::format("'{}' lacks a tab and a count", printable(line_)));
      }
      list.counts.push_back(number(line_.substr(tab + 1)));
      if (list.counts.back() < 0) fail(fmt::format("a count of {}", list.counts.back()));
      text = line_.substr(0, tab);
    }
    auto word = unescaped(text);
    if (!word) {
      fail(fmt::format("'{}' has a backslash that is neither \\\\ nor \\xNN", printable(text)));
    }
    list.words.push_back(std::move(*word));
  }

  std::int64_t number(std::string_view text) const {
    std::int64_t value = 0;
    if (parse_number(text, value) != NumberText::number) {
      fail(fmt::format("'{}' is not an integer", printable(text)));
    }
    return value;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(fmt::format("{}: line {}: {}", where_, number_, what));
  }

  std::string_view rest_, line_;
  const std::string& where_;
  std::int64_t number_ = 0;
};

}  // namespace

std::string word_list_text(const char* kind, const WordList& list) {
  std::string text = title_of(kind, list.words.size()) + "\n";
  for (const auto& [name, id] : list.marks) text += fmt::format("# {}\t{}\n", name, id);
  text += "\n";
  for (std::size_t i = 0; i < list.words.size(); ++i) {
    append_escaped(text, list.words[i]);
    if (!list.counts.empty()) text += fmt::format("\t{}", list.counts[i]);
    text += "\n";
  }
  return text;
}

WordList parse_word_list(const char* kind, bool with_counts, std::string_view text,
                         const std::string& where) {
  return Parser(text, where).parse(kind, with_counts);
}

std::string read_text_file(const char* operation, const std::string& path) {
  LineReader lines(operation, path);
  std::string text, line;
  while (lines.next(line)) {
    text += line;
    text += '\n';
  }
  return text;
}

void write_text_file(const char* operation, const std::string& path, std::string_view text) {
  AtomicFile file(path, operation);
  file.write(text);
  file.commit();
}

}  // namespace gradus::detail
