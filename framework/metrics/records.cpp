#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/append_file.h>
#include <gradus/framework/metrics/detail/csv_cells.h>
#include <gradus/framework/metrics/records.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace gradus {
namespace {

constexpr const char* operation = "MetricsLogger";

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
}

void check_name(const std::string& name) {
  if (name.empty()) throw ValueError("MetricsLogger: a metric has an empty name");
  if (name == "step") {
    throw ValueError("MetricsLogger: a metric cannot be called 'step', as its step is");
  }
  if (!detail::is_utf8(name) || has_controls(name)) {
    throw ValueError(
        fmt::format("MetricsLogger: the name '{}' is not UTF-8 or has control characters",
                    detail::printable(name)));
  }
}

void check_names(const std::vector<NamedValue>& values) {
  for (auto value = values.begin(); value != values.end(); ++value) {
    check_name(value->name);
    const bool twice = std::any_of(values.begin(), value, [&](const NamedValue& before) {
      return before.name == value->name;
    });
    if (twice) throw ValueError(fmt::format("MetricsLogger: {} is there twice", value->name));
  }
}

std::string number_text(const Number& value, const char* nan, const char* inf) {
  if (value.is_integer()) return fmt::to_string(value.integer());
  const double real = value.real();
  if (std::isnan(real)) return nan;
  if (std::isinf(real)) return fmt::format("{}{}", real < 0 ? "-" : "", inf);
  return fmt::to_string(real);
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string json_number(const Number& value) {
  const bool finite = value.is_integer() || std::isfinite(value.real());
  return finite ? number_text(value, "", "") : json_text(number_text(value, "NaN", "Infinity"));
}

std::string json_record(std::int64_t step, const std::vector<NamedValue>& values) {
  std::string out = fmt::format("{{\"step\": {}", step);
  for (const auto& [name, value] : values) {
    out += fmt::format(", {}: {}", json_text(name), json_number(value));
  }
  return out + "}\n";
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of("\",") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

std::string csv_header(const std::vector<std::string>& columns) {
  std::string out = "step";
  for (const std::string& column : columns) out.append(",").append(csv_cell(column));
  return out + "\n";
}

std::string csv_row(std::int64_t step, const std::vector<NamedValue>& values,
                    const std::vector<std::string>& columns) {
  std::string out = fmt::to_string(step);
  for (const std::string& column : columns) {
    const auto value = std::find_if(values.begin(), values.end(),
                                    [&](const NamedValue& each) { return each.name == column; });
    out += ",";
    if (value != values.end()) out += number_text(value->value, "nan", "inf");
  }
  return out + "\n";
}

// The step at the beginning of a line, or -1.
std::int64_t step_of(std::string_view line, bool csv) {
  constexpr std::string_view head = "{\"step\": ";
  if (!csv) {
    if (!line.starts_with(head) || !line.ends_with("}")) return -1;
    line.remove_prefix(head.size());
  }
  const std::size_t end = std::min(line.find_first_of(csv ? "," : ",}"), line.size());
  std::int64_t step = -1;
  const bool known = detail::parse_number(line.substr(0, end), step) == detail::NumberText::number;
  return known ? step : -1;
}

bool is_csv(const std::string& path) {
  if (path.ends_with(".csv")) return true;
  if (path.ends_with(".jsonl")) return false;
  throw ValueError(
      fmt::format("MetricsLogger: the name '{}' must end in .jsonl or .csv, which says what is "
                  "written",
                  detail::printable(path)));
}

bool is_file(const std::string& path) {
  detail::check_path(operation, path);
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

// What a file holds: its columns, if it is CSV, and where each record begins.
class OldRecords {
 public:
  OldRecords() = default;
  OldRecords(const std::string& path, bool csv)
      : csv_(csv), reader_(std::make_unique<detail::LineReader>(operation, path)) {
    const auto size = static_cast<std::int64_t>(reader_->file().size());
    std::int64_t begin = 0;
    bool incomplete = false;
    for (std::string line; reader_->next(line);) {
      const std::int64_t next = begin + std::ssize(line) + 1;
      incomplete = next > size;
      if (incomplete) break;
      if (csv && begin == 0) {
        read_header(line);
      } else {
        read_record(line, begin);
      }
      begin = next;
    }
    if (!incomplete && begin != size) refuse("the file has a byte order mark");
    end_ = begin;
    reader_.reset();
  }

  const std::vector<std::string>& columns() const { return columns_; }
  // Where the records of a step and later ones begin; 0 if there are no others.
  std::int64_t begin_of(std::int64_t step) const {
    const auto line = std::find_if(lines_.begin(), lines_.end(),
                                   [step](const Line& each) { return each.step >= step; });
    if (line == lines_.begin()) return 0;
    return line == lines_.end() ? end_ : line->begin;
  }

 private:
  struct Line {
    std::int64_t step, begin;
  };

  [[noreturn]] void refuse(std::string_view problem) const {
    throw FormatError(
        fmt::format("MetricsLogger: '{}', line {}: {}: only a file that a "
                    "MetricsLogger wrote can be resumed",
                    reader_->file().path(), reader_->number(), problem));
  }
  void read_header(const std::string& line) {
    const std::optional<std::vector<std::string>> cells = detail::csv_cells(line);
    const bool known = cells && cells->front() == "step" && !has_controls(line);
    if (!known) refuse(fmt::format("'{}' is not a header", detail::printable(line)));
    columns_.assign(cells->begin() + 1, cells->end());
  }
  void read_record(const std::string& line, std::int64_t begin) {
    const std::int64_t step = step_of(line, csv_);
    const auto commas = std::count(line.begin(), line.end(), ',');
    if (step < 0 || has_controls(line) || (csv_ && commas != std::ssize(columns_))) {
      refuse(fmt::format("'{}' is not a record", detail::printable(line)));
    }
    if (!lines_.empty() && step < lines_.back().step) {
      refuse(fmt::format("step {} comes after {}", step, lines_.back().step));
    }
    lines_.push_back({step, begin});
  }

  bool csv_ = false;
  std::unique_ptr<detail::LineReader> reader_;  // while it is read
  std::vector<std::string> columns_;
  std::vector<Line> lines_;
  std::int64_t end_ = 0;
};

}  // namespace

struct MetricsLogger::State {
  State(const std::string& path, bool resume)
      : csv(is_csv(path)),
        old(resume && is_file(path) ? OldRecords(path, csv) : OldRecords()),
        file(operation, path) {}

  void check_step(std::int64_t step) const;
  void drop_old(std::int64_t step);
  void write_csv(std::int64_t step, const std::vector<NamedValue>& values);
  std::string with_columns(const std::vector<std::string>& all) const;

  bool csv;
  std::optional<OldRecords> old;  // until the first write; none unless the run is resumed
  detail::AppendFile file;
  std::vector<std::string> columns;
  std::int64_t last = -1;
  std::mutex mutex;
};

void MetricsLogger::State::check_step(std::int64_t step) const {
  if (step < 0) throw ValueError(fmt::format("MetricsLogger: step is {}", step));
  if (step < last) {
    throw ValueError(
        fmt::format("MetricsLogger: step {} after step {}: steps cannot go back: to "
                    "repeat some, make a new logger with .resume = true",
                    step, last));
  }
}

void MetricsLogger::State::drop_old(std::int64_t step) {
  if (!old) return;
  const std::int64_t size = old->begin_of(step);
  file.truncate(size);
  if (size > 0) columns = old->columns();
  old.reset();
}

// The content of the file with more columns, empty in the rows that are there.
std::string MetricsLogger::State::with_columns(const std::vector<std::string>& all) const {
  std::string content = csv_header(all);
  const std::string empty(all.size() - columns.size(), ',');
  detail::LineReader reader(operation, file.path());
  for (std::string line; reader.next(line);) {
    if (reader.number() > 1) content += line + empty + "\n";
  }
  return content;
}

void MetricsLogger::State::write_csv(std::int64_t step, const std::vector<NamedValue>& values) {
  std::vector<std::string> all = columns;
  for (const NamedValue& value : values) {
    if (std::find(all.begin(), all.end(), value.name) == all.end()) all.push_back(value.name);
  }
  const std::string row = csv_row(step, values, all);
  if (file.size() == 0) {
    file.append(csv_header(all) + row);
  } else if (all.size() == columns.size()) {
    file.append(row);
  } else {
    file.replace(with_columns(all) + row);
  }
  columns = std::move(all);
}

MetricsLogger::MetricsLogger(const std::string& path, const MetricsLoggerOptions& options)
    : state_(std::make_unique<State>(path, options.resume)) {}
MetricsLogger::~MetricsLogger() = default;

void MetricsLogger::write(std::int64_t step, const std::vector<NamedValue>& values) {
  const std::scoped_lock lock(state_->mutex);
  check_names(values);
  state_->check_step(step);
  state_->drop_old(step);
  if (state_->csv) {
    state_->write_csv(step, values);
  } else {
    state_->file.append(json_record(step, values));
  }
  state_->last = step;
}

}  // namespace gradus
