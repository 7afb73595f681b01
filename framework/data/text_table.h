#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/data/read_options.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// A column of a table, by its name or its position.
class Column {
 public:
  template <std::convertible_to<std::string_view> Text>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Column(const Text& name) : name_(std::string_view(name)) {}
  template <std::integral Int>
  Column(Int position)  // NOLINT(google-explicit-constructor)
      : position_(static_cast<std::int64_t>(position)) {}

  /// The name; nullopt for a column given by position.
  const std::optional<std::string>& name() const { return name_; }
  /// The position among columns of these names. where: begins errors. Throws IndexError naming them
  /// if it is not there, or if several have the name.
  GRADUS_API std::int64_t position_in(const std::vector<std::string>& names, std::int64_t columns,
                                      const std::string& where) const;

 private:
  std::optional<std::string> name_;
  std::int64_t position_ = 0;  // of a column without a name
};

/// Rows of texts, all of one size: a data set of its rows.
class GRADUS_API TextTable {
 public:
  using Row = std::vector<std::string>;

  /// names: of the columns; may be empty. path: of the file, for errors, or empty. Throws
  /// ShapeError for rows of different sizes.
  TextTable(std::vector<std::string> names, std::vector<Row> rows, const std::string& path = "");

  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  /// Throws IndexError for a row outside the table.
  const Row& operator[](std::int64_t i) const&;
  Row operator[](std::int64_t i) const&& { return (*this)[i]; }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

  /// Names of the columns; empty if the file had none.
  const std::vector<std::string>& names() const { return names_; }
  /// The position of a column. Throws IndexError listing the columns if it is not there.
  std::size_t column(const Column& column) const;

 private:
  std::vector<std::string> names_;
  std::vector<Row> rows_;
  std::string where_;  // begins errors
};

struct TableOptions {
  bool header = true;                ///< the first line has the names of the columns
  std::vector<Column> columns = {};  ///< of the result, in this order; empty for all
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;  ///< see ReadOptions
};

/// Reads tab-separated values: fields are what is between tabs, quotes have no meaning. Blank lines
/// are ignored; lines with another number of fields than the first are bad. Throws as ReadOptions
/// says, IndexError for a column that the file lacks or names twice, FormatError for a header that
/// names one twice if all columns are read.
///   const TextTable table = read_tsv("train.tsv", {.columns = {"label", "text"}});
///   for (const auto& row : table) ... row[0], row[1] ...
GRADUS_API TextTable read_tsv(const std::string& path, const TableOptions& options = {});

struct CsvOptions {
  char separator = ',';  ///< between fields; '\t' for tab-separated values with quotes
  bool header = true;
  std::vector<Column> columns = {};
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;
};

/// Reads comma-separated values as RFC 4180 describes them: a field in double quotes may contain
/// separators, line ends, which it keeps as they are, and quotes, which are doubled. Otherwise like
/// read_tsv(). Text after a closing quote is bad, and so is a quote that is never closed; all lines
/// of such a record count. A stray quote may look like the beginning of a long field: a record of
/// more than 100 lines is read, with a warning that names them. Throws ValueError for a separator
/// that is a quote, a line end, a NUL or not ASCII.
GRADUS_API TextTable read_csv(const std::string& path, const CsvOptions& options = {});

struct JsonLinesOptions {
  std::vector<std::string> fields = {};  ///< columns of the result; empty: those of the first line
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;
};

/// Reads a JSON object from each line; blank lines are ignored. A string gives its text; numbers,
/// true, false, lists and objects are handed out as the file writes them. A line that lacks a
/// field, where it is null, or that has it twice is bad; fields that are not asked for are ignored.
///   const TextTable table = read_json_lines("train.jsonl", {.fields = {"label", "text"}});
GRADUS_API TextTable read_json_lines(const std::string& path, const JsonLinesOptions& options = {});

}  // namespace gradus
