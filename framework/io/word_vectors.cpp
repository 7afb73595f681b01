#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/detail/vector_file.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/framework/io/word_vectors.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace gradus {
namespace {

using detail::KeptRows;
using detail::load_vectors;

void check(const WordVectorOptions& options) {
  if (options.dim < 0 || options.max_words.value_or(0) < 0) {
    throw ValueError(fmt::format("{}: dim {} and max_words {} must not be below 0", load_vectors,
                                 options.dim, options.max_words.value_or(0)));
  }
}

// Throws or warns about all that is wrong with a file.
void report_faults(const detail::VectorFindings& found, const std::string& path,
                   BadLines bad_lines) {
  std::string all;
  if (found.faults.count() > 0) {
    all = fmt::format("has {}: {}", found.faults.total(), found.faults.text());
  }
  if (!found.problem.empty()) all += (all.empty() ? "" : "; it ") + found.problem;
  if (all.empty()) return;
  if (bad_lines == BadLines::skip) {
    return detail::warn(fmt::format("{}: '{}' {}", load_vectors, path, all));
  }
  throw FormatError(
      fmt::format("{}: '{}' {}: correct the file, or take what is right in it with BadLines::skip",
                  load_vectors, path, all));
}

void warn_of_duplicates(const WordVectorReport& report, const std::string& path) {
  if (report.duplicates == 0) return;
  const auto shown = std::min<std::ptrdiff_t>(std::ssize(report.duplicate_words), 5);
  std::string words;
  for (std::ptrdiff_t i = 0; i < shown; ++i) {
    words += fmt::format("{}'{}'", i > 0 ? ", " : "",
                         detail::printable(report.duplicate_words[static_cast<std::size_t>(i)]));
  }
  detail::warn(fmt::format(
      "{}: '{}' has vectors of words that came before, {} in all: the first one counts ({}{})",
      load_vectors, path, report.duplicates, words,
      shown < std::ssize(report.duplicate_words) ? ", ..." : ""));
}

bool is_fasttext_bin(const std::string& path, WordVectorFormat format) {
  std::error_code error;  // of a path that cannot be looked at, which is reported when it is read
  if (format != WordVectorFormat::automatic || !std::filesystem::is_regular_file(path, error)) {
    return format == WordVectorFormat::fasttext_bin;  // a pipe is not opened twice
  }
  detail::InputFile file(load_vectors, path);
  std::array<char, 4> head{};
  return file.read_at(0, head.data(), head.size()) &&
         std::string_view(head.data(), head.size()) == "\xBA\x16\x4F\x2F";
}

// The words of a fastText model: all that are wanted.
WordVectors load_fasttext(const std::string& path, const Vocabulary* vocabulary,
                          const WordVectorOptions& options, KeptRows kept) {
  const FastTextModel model = FastTextModel::load(path);
  const std::int64_t dim = model.options().dim;
  if (options.dim != 0 && options.dim != dim) {
    throw FormatError(fmt::format("{}: '{}' has vectors of {} numbers, not {}", load_vectors, path,
                                  dim, options.dim));
  }
  WordVectors vectors;
  vectors.report.format = WordVectorFormat::fasttext_bin;
  vectors.report.announced = std::ssize(model.words());
  for (const std::string& word : model.words()) {
    if (vectors.report.words == options.max_words) break;
    ++vectors.report.words;
    if (vocabulary == nullptr || vocabulary->contains(word)) vectors.words.push_back(word);
  }
  if (kept == KeptRows::words) return vectors;
  vectors.matrix = zeros({std::ssize(vectors.words), dim});
  float* const rows = vectors.matrix.mutable_data<float>();
  parallel_for_each(std::ssize(vectors.words), 20 * dim, [&](std::int64_t i) {
    model.compute(vectors.words[static_cast<std::size_t>(i)],
                  {rows + i * dim, static_cast<std::size_t>(dim)});
  });
  return vectors;
}

WordVectors load(const std::string& path, const Vocabulary* vocabulary,
                 const WordVectorOptions& options, KeptRows kept = KeptRows::vectors) {
  check(options);
  if (is_fasttext_bin(path, options.format)) return load_fasttext(path, vocabulary, options, kept);
  detail::ByteBlocks file(load_vectors, path);
  const detail::VectorLayout layout = detail::find_vector_layout(file, options);
  const std::int64_t expected =
      std::min(layout.expected, options.max_words.value_or(layout.expected));
  detail::VectorRows rows(layout.columns, vocabulary, expected, kept);
  const bool is_binary = layout.format == WordVectorFormat::word2vec_binary;
  const detail::VectorFindings found = is_binary
                                           ? detail::read_vector_binary(file, layout, options, rows)
                                           : detail::read_vector_text(file, layout, options, rows);
  report_faults(found, file.path(), options.bad_lines);
  WordVectors vectors;
  rows.finish(vectors);
  vectors.report.format = layout.format;
  vectors.report.words = found.words;
  vectors.report.announced = layout.rows;
  vectors.report.bad_lines = found.faults.count();
  warn_of_duplicates(vectors.report, file.path());
  return vectors;
}

}  // namespace

WordVectors load_word_vectors(const std::string& path, const WordVectorOptions& options) {
  return load(path, nullptr, options);
}

WordVectors load_word_vectors(const std::string& path, const Vocabulary& vocabulary,
                              const WordVectorOptions& options) {
  return load(path, &vocabulary, options);
}

Vocabulary load_word_vector_vocabulary(const std::string& path, const VocabularyOptions& specials,
                                       const WordVectorOptions& options) {
  return Vocabulary::from_words(load(path, nullptr, options, KeptRows::words).words, specials);
}

}  // namespace gradus
