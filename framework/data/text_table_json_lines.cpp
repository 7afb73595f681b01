#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/data/detail/sample_reader.h>
#include <gradus/framework/data/text_table.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace gradus {
namespace {

using detail::printable;

// What is wrong with a line, and an example.
struct Fault {
  std::string kind, example = {};
};

// Goes through a line of JSON (RFC 8259), without recursion. Throws Fault where it is none.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view line) : line_(line) {}

  // Skips blanks, and takes c if it comes next.
  bool take(char c) {
    skip_blanks();
    return accept(c);
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  void expect_end() {
    skip_blanks();
    if (at_ < line_.size()) fail();
  }

  // The string that comes next, with its quotes and escapes.
  std::string_view string() {
    expect('"');
    const std::size_t begin = at_ - 1;
    for (char c = next(); c != '"'; c = next()) {
      if (static_cast<unsigned char>(c) < 0x20) fail_before();
      if (c == '\\') escape();
    }
    return line_.substr(begin, at_ - begin);
  }

  // The text of the value that comes next.
  std::string_view value() {
    skip_blanks();
    const std::size_t begin = at_;
    std::string open;  // what closes the lists and objects around this place
    do {
      if (take('[')) {
        open += ']';
        if (!take(']')) continue;
        open.pop_back();
      } else if (take('{')) {
        open += '}';
        if (!take('}')) {
          key();
          continue;
        }
        open.pop_back();
      } else {
        scalar();
      }
      while (!open.empty() && !take(',')) {
        expect(open.back());
        open.pop_back();
      }
      if (!open.empty() && open.back() == '}') key();
    } while (!open.empty());
    return line_.substr(begin, at_ - begin);
  }

 private:
  static bool is_digit(char c) { return '0' <= c && c <= '9'; }

  void skip_blanks() {
    while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t' || line_[at_] == '\r')) {
      ++at_;
    }
  }
  bool accept(char c) {
    const bool found = at_ < line_.size() && line_[at_] == c;
    at_ += found ? 1 : 0;
    return found;
  }
  char next() {
    if (at_ == line_.size()) fail();
    return line_[at_++];
  }
  void key() {
    string();
    expect(':');
  }
  void scalar() {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!line_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return;
    }
    if (at_ < line_.size() && line_[at_] == '"') {
      string();
    } else {
      number();
    }
  }
  void number() {
    accept('-');
    if (!accept('0')) digits();
    if (accept('.')) digits();
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      digits();
    }
  }
  void digits() {
    if (!is_digit(next())) fail_before();
    while (at_ < line_.size() && is_digit(line_[at_])) ++at_;
  }
  void escape() {
    const char c = next();
    if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) return;
    if (c != 'u') fail_before();
    for (int k = 0; k < 4; ++k) {
      const char digit = next(), lower = static_cast<char>(digit | 0x20);
      if (!is_digit(digit) && !('a' <= lower && lower <= 'f')) fail_before();
    }
  }
  [[noreturn]] void fail() const { throw Fault{"not JSON", fmt::format("at byte {}", at_ + 1)}; }
  [[noreturn]] void fail_before() {
    --at_;
    fail();
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

// The text of a string that a scanner found; throws Fault.
std::string text_of_string(std::string_view string) {
  if (string.find('\\') == std::string_view::npos) {
    return std::string(string.substr(1, string.size() - 2));
  }
  try {
    return nlohmann::json::parse(string).get<std::string>();
  } catch (const nlohmann::json::parse_error&) {
    throw Fault{"half a surrogate pair"};
  }
}

struct Member {
  std::string name;
  std::string_view value;  // as JSON
};

// The object of a line; throws Fault.
std::vector<Member> members_of(std::string_view line) {
  JsonScanner scanner(line);
  std::vector<Member> members;
  if (!scanner.take('{')) throw Fault{"not a JSON object"};
  if (!scanner.take('}')) {
    do {
      std::string name = text_of_string(scanner.string());
      scanner.expect(':');
      members.push_back({std::move(name), scanner.value()});
    } while (scanner.take(','));
    scanner.expect('}');
  }
  scanner.expect_end();
  return members;
}

Fault twice(std::string_view field) {
  return {"a field twice", fmt::format("'{}'", printable(field))};
}

std::vector<std::string> names_of(const std::vector<Member>& members) {
  std::vector<std::string> names;
  for (const Member& member : members) {
    if (std::find(names.begin(), names.end(), member.name) != names.end()) {
      throw twice(member.name);
    }
    names.push_back(member.name);
  }
  if (names.empty()) throw Fault{"an object without fields"};
  return names;
}

// The text of a field; throws Fault.
std::string text_of(const std::vector<Member>& members, const std::string& field) {
  const auto is_field = [&](const Member& member) { return member.name == field; };
  const auto found = std::find_if(members.begin(), members.end(), is_field);
  if (found == members.end()) throw Fault{fmt::format("no field '{}'", printable(field))};
  if (std::any_of(found + 1, members.end(), is_field)) throw twice(field);
  if (found->value == "null") throw Fault{fmt::format("'{}' is null", printable(field))};
  if (!found->value.starts_with('"')) return std::string(found->value);
  std::string text = text_of_string(found->value);
  if (detail::fault_of_text(text) != nullptr) {
    throw Fault{fmt::format("'{}' contains a NUL", printable(field))};
  }
  return text;
}

// The cure for a file that is one list, or an object over several lines.
std::string document_cure(std::string_view head) {
  head = head.substr(0, head.find_last_not_of(" \t\r") + 1);
  if (!head.starts_with('[') && head != "{") return "";
  return ": it looks like one JSON document: write one object a line";
}

}  // namespace

TextTable read_json_lines(const std::string& path, const JsonLinesOptions& options) {
  detail::SampleReader reader("read_json_lines", path,
                              {options.bad_lines, options.encoding, options.skipped});
  std::vector<std::string> fields = options.fields;
  std::vector<TextTable::Row> rows;
  while (reader.next()) {
    if (reader.line().find_first_not_of(" \t") == std::string::npos || !reader.is_text()) continue;
    try {
      const std::vector<Member> members = members_of(reader.line());
      if (fields.empty()) fields = names_of(members);
      TextTable::Row row;
      for (const std::string& field : fields) row.push_back(text_of(members, field));
      rows.push_back(std::move(row));
    } catch (const Fault& fault) {
      reader.bad(fault.kind, fault.example);
    }
  }
  reader.finish(document_cure(reader.head()));
  return {std::move(fields), std::move(rows), path};
}

}  // namespace gradus
