#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/word_vectors.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <type_traits>

namespace gradus {
namespace {

constexpr std::size_t most_first_word = 60'000;  // the format shows in the first 64 KiB

// The position of the first finite number that float32 cannot hold, or -1.
std::int64_t first_too_large(const Tensor& matrix) {
  if (matrix.dtype() != DType::float64) return -1;
  const auto values = matrix.span<double>();
  const auto bad = std::find_if(values.begin(), values.end(), [](double v) {
    return std::isfinite(v) && !std::isfinite(static_cast<float>(v));
  });
  return bad == values.end() ? -1 : bad - values.begin();
}

void check_matrix(const WordVectors& vectors) {
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
}

// Why readers would not find the format of a file that begins with the word, or "".
std::string_view misleading_start(std::string_view word, WordVectorFormat format) {
  if (format == WordVectorFormat::word2vec_binary) {
    return word.size() > most_first_word ? "is too long for the format to be recognised" : "";
  }
  if (format != WordVectorFormat::glove) return "";
  if (word.starts_with("\xEF\xBB\xBF")) {
    return "begins with a byte order mark, which readers of the file would leave out";
  }
  if (word.starts_with("\x1f\x8b")) return "begins as gzip data do";
  return word.starts_with("\xBA\x16\x4F\x2F") ? "begins as a fastText model does" : "";
}

// The word that the format cannot hold, and why.
void check_words(const std::vector<std::string>& words, WordVectorFormat format) {
  const bool is_text = format != WordVectorFormat::word2vec_binary;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.empty() || word.find_first_of(is_text ? " \t\r\n" : " \n") != std::string::npos) {
      throw ValueError(fmt::format(
          "save_word_vectors: word {} ('{}') is empty or holds white space, which separates the "
          "fields of the format",
          i, detail::printable(word)));
    }
  }
  if (words.empty()) {
    if (format != WordVectorFormat::glove) return;
    throw ValueError(
        "save_word_vectors: there are no words, and GloVe's format has no file without any: use "
        "word2vec_text");
  }
  const std::string_view why = misleading_start(words[0], format);
  if (why.empty()) return;
  throw ValueError(
      fmt::format("save_word_vectors: word 0 ('{}') {}", detail::printable(words[0]), why));
}

void check_format(WordVectorFormat format) {
  if (format == WordVectorFormat::automatic || format == WordVectorFormat::fasttext_bin) {
    throw ValueError(
        "save_word_vectors: the formats that it writes are glove, word2vec_text and "
        "word2vec_binary");
  }
}

// The lines of words and their numbers, each with all its digits.
template <class T>
void write_text(const std::vector<std::string>& words, const T* value, std::int64_t columns,
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

// As the tool word2vec writes them, with a line feed after each vector.
void write_binary(const std::vector<std::string>& words, const float* value, std::int64_t columns,
                  AtomicFile& file) {
  for (const std::string& word : words) {
    file.write(word);
    file.write(" ");
    file.write(value, static_cast<std::size_t>(columns) * sizeof(float));
    file.write("\n");
    value += columns;
  }
}

}  // namespace

void save_word_vectors(const WordVectors& vectors, const std::string& path,
                       const SaveWordVectorsOptions& options) {
  check_format(options.format);
  check_matrix(vectors);
  check_words(vectors.words, options.format);
  const Tensor& given = vectors.matrix;
  const std::int64_t columns = given.shape()[1];
  AtomicFile file(path, "save_word_vectors");
  if (options.format != WordVectorFormat::glove) {
    file.write(fmt::format("{} {}\n", vectors.words.size(), columns));
  }
  if (options.format == WordVectorFormat::word2vec_binary) {
    write_binary(vectors.words, given.to(DType::float32).data<float>(), columns, file);
    return file.commit();
  }
  const Tensor matrix = given.dtype() == DType::boolean ? given.to(DType::int64) : given;
  detail::dispatch(matrix.dtype(), [&]<class T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      write_text(vectors.words, matrix.data<T>(), columns, file);
    }
  });
  file.commit();
}

}  // namespace gradus
