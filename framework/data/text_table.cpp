#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/data/detail/sample_reader.h>
#include <gradus/framework/data/text_table.h>

#include <algorithm>
#include <utility>

namespace gradus {

using detail::printable;

std::int64_t Column::position_in(const std::vector<std::string>& names, std::int64_t columns,
                                 const std::string& where) const {
  if (name_) {
    const auto found = std::find(names.begin(), names.end(), *name_);
    if (found != names.end() && std::find(found + 1, names.end(), *name_) != names.end()) {
      throw IndexError(fmt::format("{}: several columns are named '{}': give a position", where,
                                   printable(*name_)));
    }
    if (found != names.end()) return found - names.begin();
  } else if (0 <= position_ && position_ < columns) {
    return position_;
  }
  const std::string wanted =
      name_ ? fmt::format("'{}'", printable(*name_)) : std::to_string(position_);
  throw IndexError(fmt::format(
      "{}: there is no column {}: {}", where, wanted,
      names.empty()
          ? fmt::format("there {} {}, without names", columns == 1 ? "is" : "are", columns)
          : fmt::format("the columns are {}", detail::printable_names(names))));
}

TextTable::TextTable(std::vector<std::string> names, std::vector<Row> rows, const std::string& path)
    : names_(std::move(names)),
      rows_(std::move(rows)),
      where_(path.empty() ? "TextTable" : fmt::format("TextTable: '{}'", path)) {
  if (names_.empty() && rows_.empty()) return;
  const std::size_t columns = names_.empty() ? rows_.front().size() : names_.size();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].size() == columns) continue;
    throw ShapeError(fmt::format("TextTable: row {} has {} fields, but there are {} columns", i,
                                 rows_[i].size(), columns));
  }
}

const TextTable::Row& TextTable::operator[](std::int64_t i) const& {
  detail::check_sample_index("TextTable", i, size());
  return rows_[static_cast<std::size_t>(i)];
}

std::size_t TextTable::column(const Column& column) const {
  const std::size_t columns = !names_.empty() ? names_.size() : rows_.empty() ? 0 : rows_[0].size();
  return static_cast<std::size_t>(
      column.position_in(names_, static_cast<std::int64_t>(columns), where_));
}

namespace {

using Row = TextTable::Row;

constexpr std::int64_t long_record = 100;  // lines

// Collects the rows of a file: names first, if it has any, then those columns that are asked for.
class RowCollector {
 public:
  RowCollector(detail::SampleReader& reader, bool header, const std::vector<Column>& columns)
      : reader_(reader), wanted_(columns), header_(header) {}

  // A record from this line to the one last read.
  void add(Row row, std::int64_t line) {
    note_long(line);
    if (columns_ == 0) {
      begin(row);
      if (header_) return;
    }
    if (row.size() != columns_) {
      return reader_.bad_since(line, "wrong number of fields",
                               fmt::format("{} instead of {}", row.size(), columns_));
    }
    rows_.push_back(chosen(std::move(row)));
  }
  void bad(std::int64_t line, const char* fault) {
    if (header_ && columns_ == 0) {
      reader_.fail(fmt::format("the header, {}: {}", lines_since(line), fault));
    }
    reader_.bad_since(line, fault);
  }
  TextTable finish() {
    reader_.finish();
    if (long_records_ > 0) {
      detail::warn(fmt::format(
          "{}: {} of more than {} lines ({}{}): is a quote missing there?", reader_.file(),
          long_records_ == 1 ? "a record" : fmt::format("{} records", long_records_), long_record,
          long_records_ == 1 ? "" : "first in ", first_long_));
    }
    return {std::move(names_), std::move(rows_), reader_.path()};
  }

 private:
  std::string lines_since(std::int64_t line) const {
    return detail::line_range(line, reader_.number() - line + 1);
  }
  void note_long(std::int64_t line) {
    if (reader_.number() - line < long_record) return;
    if (++long_records_ == 1) first_long_ = lines_since(line);
  }
  void begin(const Row& first) {
    columns_ = first.size();
    const Row names = header_ ? first : Row{};
    if (wanted_.empty()) check_names(names);
    const auto columns = static_cast<std::int64_t>(columns_);
    for (const Column& column : wanted_) {
      positions_.push_back(
          static_cast<std::size_t>(column.position_in(names, columns, reader_.file())));
    }
    if (header_) names_ = chosen(names);
  }
  void check_names(const Row& names) const {
    for (auto name = names.begin(); name != names.end(); ++name) {
      if (std::find(names.begin(), name, *name) == name) continue;
      reader_.fail(fmt::format(
          "the header names column '{}' twice: choose columns, by position where a name is not "
          "enough, or pass header = false if the first line is none",
          printable(*name)));
    }
  }
  Row chosen(Row row) const {
    if (wanted_.empty()) return row;
    Row result;
    for (const std::size_t position : positions_) result.push_back(row[position]);
    return result;
  }

  detail::SampleReader& reader_;
  const std::vector<Column>& wanted_;
  bool header_;
  std::size_t columns_ = 0;  // of the file; 0 before its first line
  std::vector<std::size_t> positions_;
  std::vector<std::string> names_;
  std::vector<Row> rows_;
  std::int64_t long_records_ = 0;
  std::string first_long_;  // its lines
};

constexpr const char* mac_line = "a carriage return inside a line";

// Parses one record of a CSV file, line by line.
class CsvRecord {
 public:
  explicit CsvRecord(char separator) : separator_(separator) {}

  // Takes the next line, with its carriage return but without its line feed. False if the record
  // goes on in the next line, inside quotes.
  bool take(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool last = i + 1 == line.size();
      if (line[i] == '\r' && last && state_ != State::quoted) break;
      take(line[i]);
    }
    if (state_ == State::quoted) {
      field_ += '\n';
      return false;
    }
    end_field();
    return true;
  }

  Row& row() { return row_; }
  const char* fault() const { return fault_; }

 private:
  enum class State { begin, plain, quoted, after_quote };

  void take(char c) {
    if (state_ == State::quoted) {
      if (c == '"') {
        state_ = State::after_quote;
      } else {
        field_ += c;
      }
    } else if (c == separator_) {
      end_field();
    } else if (c == '"' && state_ == State::begin) {
      state_ = State::quoted;
    } else if (c == '"' && state_ == State::after_quote) {
      field_ += c;
      state_ = State::quoted;
    } else {
      if (state_ == State::after_quote) fault_ = "text after a closing quote";
      if (c == '\r') fault_ = mac_line;
      field_ += c;
      state_ = State::plain;
    }
  }
  void end_field() {
    row_.push_back(std::move(field_));
    field_.clear();
    state_ = State::begin;
  }

  char separator_;
  State state_ = State::begin;
  std::string field_;
  Row row_;
  const char* fault_ = nullptr;
};

bool may_separate(char c) {
  const bool ascii = static_cast<unsigned char>(c) < 0x80;
  return ascii && c != '\0' && c != '"' && c != '\n' && c != '\r';
}

bool is_blank(std::string_view line) { return line.empty() || line == "\r"; }

}  // namespace

TextTable read_tsv(const std::string& path, const TableOptions& options) {
  detail::SampleReader reader("read_tsv", path,
                              {options.bad_lines, options.encoding, options.skipped});
  RowCollector rows(reader, options.header, options.columns);
  std::vector<std::string_view> fields;
  while (reader.next()) {
    if (reader.line().empty()) continue;
    const char* fault = reader.fault();
    if (reader.line().find('\r') != std::string::npos) fault = mac_line;
    if (fault != nullptr) {
      rows.bad(reader.number(), fault);
    } else {
      detail::split_fields(reader.line(), '\t', fields);
      rows.add({fields.begin(), fields.end()}, reader.number());
    }
  }
  return rows.finish();
}

TextTable read_csv(const std::string& path, const CsvOptions& options) {
  if (!may_separate(options.separator)) {
    throw ValueError(fmt::format(
        "read_csv: separator '{}': it must be an ASCII character, and no quote, line end or NUL",
        printable({&options.separator, 1})));
  }
  detail::SampleReader reader("read_csv", path,
                              {options.bad_lines, options.encoding, options.skipped});
  RowCollector rows(reader, options.header, options.columns);
  while (reader.next_with_return()) {
    if (is_blank(reader.line())) continue;
    const std::int64_t first = reader.number();
    const char* fault = nullptr;
    CsvRecord csv(options.separator);
    for (;;) {
      if (fault == nullptr) fault = reader.fault();
      if (csv.take(reader.line())) break;
      if (reader.next_with_return()) continue;
      fault = "a quote is never closed";
      break;
    }
    if (fault == nullptr) fault = csv.fault();
    if (fault != nullptr) {
      rows.bad(first, fault);
    } else {
      rows.add(std::move(csv.row()), first);
    }
  }
  return rows.finish();
}

}  // namespace gradus
