#include <fmt/format.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/detail/input_file.h>
#include <gradus/framework/detail/number_text.h>
#include <gradus/framework/error.h>
#include <gradus/framework/io/atomic_file.h>
#include <gradus/framework/io/word_vectors.h>

#include <array>
#include <charconv>
#include <string_view>

namespace gradus {
namespace {

void check(const WordVectors& vectors) {
  const Tensor& matrix = vectors.matrix;
  if (matrix.dim() != 2 || matrix.shape()[0] != static_cast<std::int64_t>(vectors.words.size())) {
    throw ShapeError(fmt::format("save_word_vectors: {} words and a matrix {}",
                                 vectors.words.size(), matrix.shape().str()));
  }
  for (std::size_t i = 0; i < vectors.words.size(); ++i) {
    const std::string& word = vectors.words[i];
    if (word.empty() || word.find_first_of(" \t\r\n") != std::string::npos) {
      throw ValueError(fmt::format(
          "save_word_vectors: word {} ('{}') is empty or holds white space, which separates the "
          "fields of the format",
          i, word));
    }
  }
}

class Lines {
 public:
  explicit Lines(const std::string& path) : reader_("load_word_vectors", path) {}

  // The next line without blanks at its end; false at the end of the file.
  bool next() {
    if (!reader_.next(line_)) return false;
    const std::size_t end = line_.find_last_not_of(" \t\r");
    line_.resize(end == std::string::npos ? 0 : end + 1);
    rest_ = line_;
    return true;
  }

  const detail::InputFile& file() const { return reader_.file(); }
  bool at_end() const { return rest_.empty(); }

  std::string_view field() {
    const std::size_t end = rest_.find_first_of(" \t");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return text;
  }

  template <class T>
  T number() {
    const std::string_view text = field();
    T value{};
    const auto result = detail::parse_number(text, value);
    if (result == detail::NumberText::no_number) fail(fmt::format("'{}' is not a number", text));
    if (result == detail::NumberText::too_large) fail(fmt::format("'{}' is too large", text));
    return value;
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

}  // namespace

void save_word_vectors(const WordVectors& vectors, const std::string& path) {
  check(vectors);
  const Tensor matrix = vectors.matrix.to(DType::float32);
  const std::int64_t columns = matrix.shape()[1];
  AtomicFile file(path);
  file.write(fmt::format("{} {}\n", vectors.words.size(), columns));
  const float* value = matrix.data<float>();
  std::array<char, 32> text{};
  for (const std::string& word : vectors.words) {
    file.write(word);
    for (std::int64_t d = 0; d < columns; ++d, ++value) {
      const auto result = std::to_chars(text.data() + 1, text.data() + text.size(), *value);
      text[0] = ' ';
      file.write({text.data(), static_cast<std::size_t>(result.ptr - text.data())});
    }
    file.write("\n");
  }
  file.commit();
}

WordVectors load_word_vectors(const std::string& path) {
  Lines lines(path);
  if (!lines.next()) lines.fail("the file is empty");
  const auto rows = lines.number<std::int64_t>();
  const auto columns = lines.number<std::int64_t>();
  if (!lines.at_end() || rows < 0 || columns < 1) {
    lines.fail("the first line is not 'number of words, number of columns'");
  }
  const auto bytes = static_cast<std::int64_t>(lines.file().size());
  if (rows > bytes / (2 * columns)) {  // a value takes a digit and a blank at least
    lines.fail(fmt::format("{} words of {} columns cannot be in {} bytes", rows, columns, bytes));
  }
  WordVectors vectors{{}, empty({rows, columns})};
  float* value = vectors.matrix.mutable_data<float>();
  for (std::int64_t row = 0; row < rows; ++row) {
    if (!lines.next()) {
      lines.fail(fmt::format("the file ends after {} of {} words", row, rows));
    }
    vectors.words.emplace_back(lines.field());
    for (std::int64_t d = 0; d < columns; ++d) {
      if (lines.at_end()) {
        lines.fail(
            fmt::format("{} numbers for '{}', {} are needed", d, vectors.words.back(), columns));
      }
      *value++ = lines.number<float>();
    }
    if (!lines.at_end()) {
      lines.fail(fmt::format("more than {} numbers for '{}'", columns, vectors.words.back()));
    }
  }
  while (lines.next()) {
    if (!lines.at_end()) lines.fail(fmt::format("more than the {} words of line 1", rows));
  }
  return vectors;
}

}  // namespace gradus
