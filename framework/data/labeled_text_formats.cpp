#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/data/labeled_text.h>
#include <gradus/framework/data/text_table.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace gradus {
namespace {

constexpr const char* operation = "read_labeled_texts";
constexpr std::string_view blanks = " \t\v\f\r";

bool has_label(std::string_view line) {
  for (std::size_t at = 0; (at = line.find("__label__", at)) != std::string_view::npos; ++at) {
    if (at == 0 || blanks.find(line[at - 1]) != std::string_view::npos) return true;
  }
  return false;
}

TextFormat format_of_line(std::string_view line) {
  line.remove_prefix(line.find_first_not_of(blanks));
  if (line.starts_with('{')) return TextFormat::json_lines;
  if (has_label(line)) return TextFormat::fasttext;
  return line.find('\t') != std::string_view::npos ? TextFormat::tsv : TextFormat::label_first;
}

TextFormat format_of(const std::string& path) {
  const std::pair<const char*, TextFormat> endings[] = {
      {".tsv", TextFormat::tsv}, {".csv", TextFormat::csv}, {".jsonl", TextFormat::json_lines}};
  for (const auto& [ending, format] : endings) {
    if (path.ends_with(ending)) return format;
  }
  detail::LineReader lines(operation, path);
  if (lines.file().is_stream()) {
    throw Error(fmt::format("{}: '{}' is a pipe, whose format cannot be found out: name the format",
                            operation, path));
  }
  for (std::string line; lines.next(line);) {
    if (line.find_first_not_of(blanks) != std::string::npos) return format_of_line(line);
  }
  return TextFormat::label_first;  // whose reader says that there is nothing
}

struct Positions {
  std::size_t label, text, first_row;
};

/// Where the columns are, in a table that was read without header.
Positions positions_in(const TextTable::Row& first, const std::string& path,
                       const LabeledTextOptions& options) {
  const auto columns = std::ssize(first);
  const auto at = [&](const Column& column) {
    return static_cast<std::size_t>(
        column.position_in(first, columns, fmt::format("read_labeled_texts: '{}'", path)));
  };
  const auto is_there = [&](const Column& column) {
    return !column.name() || std::find(first.begin(), first.end(), *column.name()) != first.end();
  };
  const bool named = options.label.name().has_value() || options.text.name().has_value();
  if (is_there(options.label) && is_there(options.text)) {
    return {at(options.label), at(options.text), named ? std::size_t{1} : 0};
  }
  const LabeledTextOptions usual;
  const bool asked = options.label.name() != usual.label.name() ||  //
                     options.text.name() != usual.text.name();
  const bool half = is_there(options.label) || is_there(options.text);
  if (columns == 2 && !asked && !half) return {0, 1, 0};
  throw FormatError(fmt::format(
      "{}: '{}': the first line does not name the columns '{}' and '{}', it has {}: name two of "
      "these, or give positions",
      operation, path, options.label.name().value_or(""), options.text.name().value_or(""),
      detail::printable_names(first)));
}

std::vector<LabeledText> samples_of(const TextTable& table, Positions at, const std::string& path,
                                    const LabeledTextOptions& options) {
  std::vector<LabeledText> samples;
  std::int64_t bad = 0, first_bad = 0;
  for (std::int64_t i = static_cast<std::int64_t>(at.first_row); i < table.size(); ++i) {
    const TextTable::Row& row = table[i];
    if (row[at.label].empty() || row[at.text].find_first_not_of(blanks) == std::string::npos) {
      if (bad++ == 0) first_bad = i + 1;
    } else {
      samples.push_back({row[at.text], row[at.label]});
    }
  }
  if (bad > 0) {
    const std::string fault =
        fmt::format("{}: '{}': rows without label or text: {}, the first is {}", operation, path,
                    bad, first_bad);
    if (options.bad_lines == BadLines::refuse) throw FormatError(fault);
    detail::warn(fault + "; they were left out");
    if (options.skipped != nullptr) *options.skipped += bad;
  }
  if (samples.empty()) throw FormatError(fmt::format("{}: '{}': no texts", operation, path));
  return samples;
}

std::vector<LabeledText> read_columns(const std::string& path, TextFormat format,
                                      const LabeledTextOptions& options) {
  const TextTable table = format == TextFormat::csv
                              ? read_csv(path, {.header = false,
                                                .bad_lines = options.bad_lines,
                                                .encoding = options.encoding,
                                                .skipped = options.skipped})
                              : read_tsv(path, {.header = false,
                                                .bad_lines = options.bad_lines,
                                                .encoding = options.encoding,
                                                .skipped = options.skipped});
  if (table.size() == 0) throw FormatError(fmt::format("{}: '{}': no texts", operation, path));
  return samples_of(table, positions_in(table[0], path, options), path, options);
}

std::vector<LabeledText> read_json(const std::string& path, const LabeledTextOptions& options) {
  if (!options.label.name() || !options.text.name()) {
    throw ValueError(
        fmt::format("{}: '{}': fields of JSON have names, not positions", operation, path));
  }
  const TextTable table = read_json_lines(path, {.fields = {*options.label.name(),  //
                                                            *options.text.name()},
                                                 .bad_lines = options.bad_lines,
                                                 .encoding = options.encoding,
                                                 .skipped = options.skipped});
  return samples_of(table, {0, 1, 0}, path, options);
}

}  // namespace

std::vector<LabeledText> read_labeled_texts(const std::string& path,
                                            const LabeledTextOptions& options) {
  if (options.skipped != nullptr) *options.skipped = 0;
  const TextFormat format =
      options.format == TextFormat::automatic ? format_of(path) : options.format;
  switch (format) {
    case TextFormat::tsv:
    case TextFormat::csv:
      return read_columns(path, format, options);
    case TextFormat::json_lines:
      return read_json(path, options);
    default:
      break;
  }
  std::vector<LabeledText> samples =
      read_labeled_lines(path, {.prefix = format == TextFormat::fasttext ? "__label__" : "",
                                .bad_lines = options.bad_lines,
                                .encoding = options.encoding,
                                .skipped = options.skipped});
  if (samples.empty()) throw FormatError(fmt::format("{}: '{}': no texts", operation, path));
  return samples;
}

}  // namespace gradus
