#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/word_vectors.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <type_traits>

namespace gradus {
namespace {

using detail::NumberText;

// The position of the first finite number that float32 cannot hold, or -1.
std::int64_t first_too_large(const Tensor& matrix) {
  if (matrix.dtype() != DType::float64) return -1;
  const auto values = matrix.span<double>();
  const auto bad = std::find_if(values.begin(), values.end(), [](double v) {
    return std::isfinite(v) && !std::isfinite(static_cast<float>(v));
  });
  return bad == values.end() ? -1 : bad - values.begin();
}

void check(const WordVectors& vectors) {
  const Tensor& matrix = vectors.matrix;
  if (!matrix.defined()) throw ValueError("save_word_vectors: the matrix is undefined");
  if (matrix.dim() != 2 || matrix.shape()[0] != static_cast<std::int64_t>(vectors.words.size())) {
    throw ShapeError(fmt::format("save_word_vectors: {} words and a matrix {}",
                                 vectors.words.size(), matrix.shape().str()));
  }
  if (matrix.shape()[1] == 0) {
    throw ShapeError(
        fmt::format("save_word_vectors: a matrix {} has no columns", matrix.shape().str()));
  }
  if (const std::int64_t bad = first_too_large(matrix); bad >= 0) {
    throw ValueError(fmt::format(
        "save_word_vectors: {} of '{}' is beyond float32, which load_word_vectors reads: scale the "
        "matrix",
        matrix.data<double>()[bad],
        detail::printable(vectors.words[static_cast<std::size_t>(bad / matrix.shape()[1])])));
  }
  for (std::size_t i = 0; i < vectors.words.size(); ++i) {
    const std::string& word = vectors.words[i];
    if (word.empty() || word.find_first_of(" \t\r\n") != std::string::npos) {
      throw ValueError(fmt::format(
          "save_word_vectors: word {} ('{}') is empty or holds white space, which separates the "
          "fields of the format",
          i, detail::printable(word)));
    }
  }
}

constexpr std::string_view blanks = " \t";

class Lines {
 public:
  explicit Lines(const std::string& path) : reader_("load_word_vectors", path) {}

  // The next line that is not blank, without blanks at its end; false at the end of the file.
  bool next() {
    do {
      if (!reader_.next(line_)) return false;
      const std::size_t end = line_.find_last_not_of(" \t\r");
      line_.resize(end == std::string::npos ? 0 : end + 1);
    } while (line_.empty());
    rest_ = line_;
    return true;
  }

  const detail::InputFile& file() const { return reader_.file(); }
  std::string_view line() const { return line_; }
  bool at_end() const { return rest_.empty(); }

  // The next field; skips all blanks after it.
  std::string_view field() {
    const std::string_view text = rest_.substr(0, rest_.find_first_of(blanks));
    rest_.remove_prefix(text.size());
    skip_blanks();
    return text;
  }
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
  }

  float number() {
    const std::string_view text = field();
    float value = 0;
    const NumberText result = detail::parse_number(text, value);
    if (result == NumberText::number) return value;
    const std::string shown = detail::printable(text);
    if (result == NumberText::too_large) fail(fmt::format("'{}' is too large", shown));
    fail(fmt::format("'{}' is not a number{}", shown,
                     shown == text ? "" : ": the binary format of word2vec cannot be read"));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(
        fmt::format("load_word_vectors: {}:{}: {}", file().path(), reader_.number(), what));
  }

 private:
  detail::LineReader reader_;
  std::string line_;
  std::string_view rest_;
};

struct Size {
  std::int64_t rows, columns;
};

// The number of columns if the line is a word and numbers, as in a file without a header; else 0.
std::int64_t columns_of_word(std::string_view line) {
  std::int64_t columns = -1;  // the word is counted too
  while (!line.empty()) {
    const std::string_view text = line.substr(0, line.find_first_of(blanks));
    float value = 0;
    if (columns >= 0 && detail::parse_number(text, value) == NumberText::no_number) return 0;
    ++columns;
    line.remove_prefix(std::min(line.find_first_not_of(blanks, text.size()), line.size()));
  }
  return std::max<std::int64_t>(columns, 0);
}

[[noreturn]] void refuse_header(const Lines& lines, const std::string& problem) {
  std::string hint = detail::looks_like(lines.line());
  const std::int64_t columns = hint.empty() ? columns_of_word(lines.line()) : 0;
  if (columns > 1) {
    hint = fmt::format(
        ": this looks like a GloVe file, which has no such line: put '<number of words> {}' before "
        "the others",
        columns);
  }
  lines.fail(
      fmt::format("{}: the first line must be two integers, the number of words and the number of "
                  "columns{}",
                  problem, hint));
}

std::int64_t read_integer(Lines& lines) {
  const std::string_view text = lines.field();
  std::int64_t value = 0;
  const NumberText result = detail::parse_number(text, value);
  if (result != NumberText::number) {
    refuse_header(lines,
                  fmt::format("'{}' is {}", detail::printable(text),
                              result == NumberText::too_large ? "too large" : "not an integer"));
  }
  return value;
}

Size read_header(Lines& lines) {
  if (!lines.next()) lines.fail("the file is empty");
  lines.skip_blanks();
  Size size{};
  size.rows = read_integer(lines);
  if (lines.at_end()) refuse_header(lines, "it has one field");
  size.columns = read_integer(lines);
  if (!lines.at_end()) refuse_header(lines, "it has more than two fields");
  if (size.rows < 0 || size.columns < 1) {
    lines.fail(fmt::format("{} words of {} columns make no sense", size.rows, size.columns));
  }
  if (lines.file().is_stream()) return size;
  const auto bytes = static_cast<std::int64_t>(lines.file().size());
  if (size.rows > 0 && size.columns > bytes / 2 / size.rows) {  // a digit and a blank at least
    lines.fail(
        fmt::format("{} x {} numbers cannot fit in {} bytes", size.rows, size.columns, bytes));
  }
  return size;
}

// Reads the line of a word: the word, and as many numbers as there are columns.
std::string read_word(Lines& lines, std::int64_t columns, std::vector<float>& numbers) {
  std::string word(lines.field());
  if (word.empty()) lines.fail("the line begins with a blank: its word is missing");
  numbers.clear();
  while (!lines.at_end() && std::ssize(numbers) < columns) numbers.push_back(lines.number());
  if (std::ssize(numbers) < columns) {
    lines.fail(
        fmt::format("{} of {} numbers for '{}'", numbers.size(), columns, detail::printable(word)));
  }
  if (!lines.at_end()) {
    lines.fail(fmt::format("more than {} numbers for '{}'", columns, detail::printable(word)));
  }
  return word;
}

// A copy of a matrix with room for more rows.
Tensor with_rows(const Tensor& matrix, std::int64_t rows, std::int64_t columns) {
  Tensor larger = empty({rows, columns});
  if (matrix.defined()) {
    std::copy_n(matrix.data<float>(), matrix.numel(), larger.mutable_data<float>());
  }
  return larger;
}

}  // namespace

namespace {

// The lines of words and their numbers, each with all its digits.
template <class T>
void write_lines(const std::vector<std::string>& words, const T* value, std::int64_t columns,
                 AtomicFile& file) {
  std::array<char, 32> text{' '};
  for (const std::string& word : words) {
    file.write(word);
    for (std::int64_t d = 0; d < columns; ++d, ++value) {
      const auto result = std::to_chars(text.data() + 1, text.data() + text.size(), *value);
      file.write({text.data(), static_cast<std::size_t>(result.ptr - text.data())});
    }
    file.write("\n");
  }
}

}  // namespace

void save_word_vectors(const WordVectors& vectors, const std::string& path) {
  check(vectors);
  const Tensor& given = vectors.matrix;
  const Tensor matrix = given.dtype() == DType::boolean ? given.to(DType::int64) : given;
  const std::int64_t columns = matrix.shape()[1];
  AtomicFile file(path);
  file.write(fmt::format("{} {}\n", vectors.words.size(), columns));
  detail::dispatch(matrix.dtype(), [&]<class T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      write_lines(vectors.words, matrix.data<T>(), columns, file);
    }
  });
  file.commit();
}

WordVectors load_word_vectors(const std::string& path) {
  Lines lines(path);
  const auto [rows, columns] = read_header(lines);
  WordVectors vectors;
  std::vector<float> numbers;
  std::int64_t room = 0;  // rows of the matrix; what a pipe announces may not be true
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!lines.next()) {
      lines.fail(fmt::format("the file ends after {} of {} words", row, rows));
    }
    vectors.words.push_back(read_word(lines, columns, numbers));
    if (row == room) {
      room = lines.file().is_stream() ? std::min(rows, std::max<std::int64_t>(2 * room, 1)) : rows;
      vectors.matrix = with_rows(vectors.matrix, room, columns);
    }
    std::copy_n(numbers.data(), columns, vectors.matrix.mutable_data<float>() + row * columns);
  }
  if (lines.next())
    lines.fail(fmt::format("there are more words than the {} of the first line", rows));
  if (rows == 0) vectors.matrix = empty({0, columns});
  return vectors;
}

}  // namespace gradus
