#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/io/detail/short_decimal.h>
#include <gradus/framework/io/detail/vector_file.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace gradus::detail {
namespace {

constexpr std::string_view blanks = " \t";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The fields of a line.
std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0;
       (begin = line.find_first_not_of(blanks, begin)) != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(blanks, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return fields;
}

NumberText parse_field(std::string_view text, float& value) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return parse_number(text, value);
}

bool is_finite_number(std::string_view text) {
  float value = 0;
  const NumberText result = parse_field(text, value);
  return result == NumberText::too_large || (result == NumberText::number && std::isfinite(value));
}

// What is wrong with the text of a number, or nullptr.
const char* parse_number_field(std::string_view text, bool allow_not_finite, float& value) {
  const NumberText result = parse_field(text, value);
  if (result == NumberText::no_number) return "not a number";
  if (result == NumberText::too_large) return "a number beyond float32";
  if (!std::isfinite(value) && !allow_not_finite) {
    return "nan or infinity, which only allow_not_finite takes";
  }
  return nullptr;
}

LineFault wrong_count(const std::vector<std::string_view>& fields, std::int64_t columns) {
  const auto numbers = std::find_if_not(fields.rbegin(), fields.rend() - 1, is_finite_number);
  const std::int64_t fewer = std::ssize(fields) - 1;
  const std::int64_t found =
      fewer < columns ? fewer : static_cast<std::int64_t>(numbers - fields.rbegin());
  return {"wrong number of numbers",
          fmt::format("{} instead of {} for '{}'", found, columns, printable(fields.front()))};
}

// Reads a line of the usual form, a word without blanks and short numbers; false for all others,
// which parse_vector_line() reads.
bool read_usual_line(std::string_view line, std::size_t word, std::int64_t columns,
                     float* numbers) {
  const char* at = line.data() + word;
  const char* end = line.data() + line.size();
  for (std::int64_t d = 0; d < columns; ++d) {
    if (at == end || !is_blank(*at)) return false;
    while (at != end && is_blank(*at)) ++at;
    at = read_short_decimal(at, end, numbers[d]);
    if (at == nullptr) return false;
  }
  return at == end;
}

// The word of a line that may not be kept. Empty if there is none.
std::string_view word_of(std::string_view line, std::int64_t columns) {
  const std::size_t end = std::min(line.find_first_of(blanks), line.size());
  const auto rest = line.begin() + static_cast<std::ptrdiff_t>(end);
  const bool usual = std::count_if(rest, line.end(), is_blank) <= columns;  // no blank in the word
  if (usual) return line.substr(0, end);
  std::vector<float> numbers(static_cast<std::size_t>(columns));
  std::string_view word;
  const LineFault fault = parse_vector_line(line, columns, true, word, numbers.data());
  return fault.kind == nullptr ? word : line.substr(0, end);
}

class TextReader {
 public:
  TextReader(ByteBlocks& file, const VectorLayout& layout, const WordVectorOptions& options,
             VectorRows& rows)
      : file_(file), columns_(layout.columns), options_(options), rows_(rows) {}

  void read(VectorFindings& found) {
    const std::int64_t most = options_.max_words.value_or(std::numeric_limits<std::int64_t>::max());
    std::string_view line;
    while (found.words < most && file_.next_line(line)) {
      line = trim_line(line);
      if (line.empty()) continue;
      ++found.words;
      if (!rows_.keeps_all() && !rows_.wants(word_of(line, columns_))) continue;
      const LineFault fault = read_line(line);
      if (fault.kind != nullptr) found.faults.add(file_.line_number(), fault.kind, fault.example);
    }
  }

 private:
  LineFault read_line(std::string_view line) {
    const std::size_t end = std::min(line.find_first_of(blanks), line.size());
    const bool may_fit = std::ssize(line) >= 2 * columns_;  // else no row is taken for it
    if (may_fit && end > 0 && read_usual_line(line, end, columns_, rows_.free_row())) {
      rows_.keep(line.substr(0, end));
      return {};
    }
    std::string_view word;
    LineFault fault = parse_vector_line(line, columns_, options_.allow_not_finite, word,
                                        may_fit ? rows_.free_row() : nullptr);
    if (fault.kind == nullptr) rows_.keep(word);
    return fault;
  }

  ByteBlocks& file_;
  std::int64_t columns_;
  const WordVectorOptions& options_;
  VectorRows& rows_;
};

}  // namespace

std::string_view trim_line(std::string_view line) {
  const std::size_t end = line.find_last_not_of(" \t\r");
  return line.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

std::int64_t count_fields(std::string_view line) { return std::ssize(split(line)); }

LineFault parse_vector_line(std::string_view line, std::int64_t columns, bool allow_not_finite,
                            std::string_view& word, float* numbers) {
  const std::vector<std::string_view> fields = split(line);
  if (is_blank(line.front())) return {"no word before the numbers"};
  const std::int64_t extra = std::ssize(fields) - 1 - columns;  // pieces of the word but its first
  if (extra < 0) return wrong_count(fields, columns);
  const std::string_view last = fields[static_cast<std::size_t>(extra)];
  if (extra > 0 && is_finite_number(last)) return wrong_count(fields, columns);
  word = line.substr(0, static_cast<std::size_t>(last.data() + last.size() - line.data()));
  for (std::int64_t d = 0; d < columns; ++d) {
    const std::string_view text = fields[static_cast<std::size_t>(extra + 1 + d)];
    const char* kind = parse_number_field(text, allow_not_finite, numbers[d]);
    if (kind != nullptr) {
      return {kind, fmt::format("'{}' of '{}'", printable(text), printable(word))};
    }
  }
  return {};
}

bool is_vector_line(std::string_view line, std::int64_t columns) {
  if (std::ssize(line) < 2 * columns) return false;
  std::vector<float> numbers(static_cast<std::size_t>(columns));
  std::string_view word;
  return parse_vector_line(line, columns, true, word, numbers.data()).kind == nullptr;
}

VectorFindings read_vector_text(ByteBlocks& file, const VectorLayout& layout,
                                const WordVectorOptions& options, VectorRows& rows) {
  VectorFindings found("line");
  TextReader(file, layout, options, rows).read(found);
  const std::int64_t said = layout.rows.value_or(found.words);
  if (found.words > said || (found.words < said && found.words != options.max_words)) {
    found.problem = fmt::format("has {} words, not the {} of its first line", found.words, said);
  }
  return found;
}

}  // namespace gradus::detail
