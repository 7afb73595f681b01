#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/vector_file.h>

#include <algorithm>
#include <map>
#include <vector>

namespace gradus::detail {
namespace {

constexpr std::size_t head_bytes = std::size_t{1} << 16U;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

struct Header {
  std::int64_t rows, columns;
};

// Looks at the beginning of a file for how it is laid out.
class LayoutFinder {
 public:
  LayoutFinder(ByteBlocks& file, const WordVectorOptions& options)
      : file_(file), options_(options) {
    is_all_ = !file_.at_least(head_bytes);
    if (file_.rest().starts_with(byte_order_mark)) file_.skip(byte_order_mark.size());
    while (file_.rest().find('\n') == std::string_view::npos &&
           file_.rest().size() <= longest_line && file_.more()) {
    }
    find_lines();
    find_header();
  }

  VectorLayout find() {
    if (lines_.empty()) fail("it has no words");
    const WordVectorFormat format = choose();
    if (format == WordVectorFormat::glove) return glove();
    if (!header_) refuse_header();
    check_header(format);
    std::string_view line;
    while (file_.next_line(line) && trim_line(line).empty()) {
    }
    return {format, header_->columns, header_->rows,
            std::min(header_->rows, most_rows(format, header_->columns))};
  }

 private:
  // The lines that are in memory as a whole and not blank.
  void find_lines() {
    std::string_view rest = file_.rest();
    while (!rest.empty()) {
      const std::size_t feed = rest.find('\n');
      if (feed == std::string_view::npos && !is_all_ && !lines_.empty()) break;
      const std::string_view line = trim_line(rest.substr(0, feed));
      rest.remove_prefix(feed == std::string_view::npos ? rest.size() : feed + 1);
      if (lines_.empty()) ++first_number_;
      if (line.empty()) continue;
      if (lines_.empty()) payload_ = rest;
      lines_.push_back(line);
    }
  }

  void find_header() {
    if (lines_.empty() || count_fields(lines_[0]) != 2) return;
    const std::string_view line = lines_[0].substr(lines_[0].find_first_not_of(" \t"));
    const std::string_view second = line.substr(line.find_last_of(" \t") + 1);
    Header header{};
    if (parse_number(line.substr(0, line.find_first_of(" \t")), header.rows) ==
            NumberText::number &&
        parse_number(second, header.columns) == NumberText::number) {
      header_ = header;
    }
  }

  WordVectorFormat choose() const {
    if (options_.format != WordVectorFormat::automatic) return options_.format;
    if (!header_) return WordVectorFormat::glove;
    if (has_one_number_each()) {
      if (options_.dim == 1 && header_->columns != 1) return WordVectorFormat::glove;
      if (options_.dim < 2) {
        fail(
            fmt::format("'{}' may be the numbers of words and columns, or a word and its number: "
                        "pass .format, WordVectorFormat::word2vec_text or glove",
                        printable(lines_[0])));
      }
    }
    return is_binary() ? WordVectorFormat::word2vec_binary : WordVectorFormat::word2vec_text;
  }

  // True if there are lines after the first, and all of them are a word and one number.
  bool has_one_number_each() const {
    return lines_.size() > 1 &&
           std::all_of(lines_.begin() + 1, lines_.end(), [](std::string_view line) {
             return count_fields(line) == 2 && is_vector_line(line, 1);
           });
  }

  // True for a word and two numbers or more: which the first line may announce wrongly.
  static bool is_text_line(std::string_view line) {
    const std::int64_t numbers = count_fields(line) - 1;
    return numbers > 1 && is_vector_line(line, numbers);
  }

  // Whether what follows the first line are bytes, not text. Text may have bytes above 127 in its
  // words, but not in numbers, and no control characters.
  bool is_binary() const {
    if (header_->columns < 1) return false;
    if (lines_.size() > 1 && is_vector_line(lines_[1], header_->columns)) return false;
    if (lines_.size() > 1 && is_text_line(lines_[1])) return false;
    const auto is_control = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
    };
    const std::size_t blank = std::min(payload_.find(' '), payload_.size());
    const auto bytes = static_cast<std::uint64_t>(header_->columns) * 4;  // wraps: no matter
    const std::string_view numbers =
        payload_.substr(blank, std::min<std::uint64_t>(bytes, payload_.size()));
    return std::any_of(payload_.begin(), payload_.end(), is_control) ||
           std::any_of(numbers.begin(), numbers.end(),
                       [](char c) { return static_cast<unsigned char>(c) > 0x7F; });
  }

  // How many numbers most of the lines have that are a word without blanks and numbers.
  std::int64_t usual_columns() const {
    std::map<std::int64_t, std::int64_t> lines;
    for (const std::string_view line : lines_) {
      const std::int64_t numbers = count_fields(line) - 1;
      if (numbers > 0 && is_vector_line(line, numbers)) ++lines[numbers];
    }
    const auto most =
        std::max_element(lines.begin(), lines.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == lines.end() ? 0 : most->first;
  }

  VectorLayout glove() const {
    check_columns(options_.dim);
    const std::int64_t columns = options_.dim > 0 ? options_.dim : usual_columns();
    const bool is_usual = columns > 0 && is_vector_line(lines_[0], columns);
    const std::string other = is_usual ? "" : looks_like(file_.rest().substr(0, 64));
    if (columns == 0 || !other.empty()) {
      fail(fmt::format(
          "'{}' is neither the numbers of words and columns, nor a word and its numbers{}",
          printable(lines_[0]), other));
    }
    check_columns(columns);
    std::size_t bytes = 0;
    for (const std::string_view line : lines_) bytes += line.size() + 1;
    const std::uint64_t size = file_.size().value_or(0);
    const auto expected =
        static_cast<std::int64_t>(static_cast<double>(size) / static_cast<double>(bytes) *
                                  static_cast<double>(lines_.size()));
    return {WordVectorFormat::glove, columns, std::nullopt,
            std::min(expected, most_rows(WordVectorFormat::glove, columns))};
  }

  [[noreturn]] void refuse_header() const {
    std::string hint = looks_like(file_.rest().substr(0, 64));
    if (hint.empty() && usual_columns() > 1) {
      hint =
          ": this looks like GloVe's format, which has no such line: pass "
          "WordVectorFormat::glove";
    }
    fail(
        fmt::format("'{}': the first line must be two integers, the numbers of words and of "
                    "columns{}",
                    printable(lines_[0]), hint));
  }

  void check_columns(std::int64_t columns) const {
    if (columns > static_cast<std::int64_t>(longest_line / 2)) {
      fail(fmt::format("{} columns are more than {}, the most that a line can have", columns,
                       longest_line / 2));
    }
  }

  void check_header(WordVectorFormat format) const {
    const auto [rows, columns] = *header_;
    if (rows < 0 || columns < 1) {
      fail(fmt::format("{} words of {} columns make no sense", rows, columns));
    }
    if (options_.dim > 0 && options_.dim != columns) {
      fail(fmt::format("it says {} columns, but .dim is {}", columns, options_.dim));
    }
    const bool may_lack_words = options_.bad_lines == BadLines::skip;
    if (file_.size() && !may_lack_words && rows > most_rows(format, columns)) {
      fail(fmt::format(
          "{} x {} numbers cannot fit in {} bytes: the line is wrong or the file is cut "
          "off: correct it, or take what is there with BadLines::skip",
          rows, columns, *file_.size()));
    }
    check_columns(columns);
  }

  // How many rows a file of this size can have; 0 if that is not known.
  std::int64_t most_rows(WordVectorFormat format, std::int64_t columns) const {
    // A number has 4 bytes; in text a digit and a blank at least.
    const std::int64_t bytes = format == WordVectorFormat::word2vec_binary ? 4 : 2;
    return static_cast<std::int64_t>(file_.size().value_or(0)) / bytes / columns;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(
        fmt::format("{}: '{}', line {}: {}", load_vectors, file_.path(), first_number_, what));
  }

  ByteBlocks& file_;
  const WordVectorOptions& options_;
  bool is_all_ = false;  // the file is in memory as a whole
  std::vector<std::string_view> lines_;
  std::int64_t first_number_ = 0;  // of the first of them
  std::string_view payload_;       // what follows the first of them
  std::optional<Header> header_;
};

}  // namespace

VectorLayout find_vector_layout(ByteBlocks& file, const WordVectorOptions& options) {
  return LayoutFinder(file, options).find();
}

}  // namespace gradus::detail
