#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/io/detail/vector_file.h>
#include <gradus/framework/io/word_vectors.h>

#include <algorithm>

namespace gradus {
namespace {

using detail::load_vectors;

void check(const WordVectorOptions& options) {
  if (options.format == WordVectorFormat::fasttext_bin) {
    throw ValueError(fmt::format(
        "{}: it does not read the models of fastText: read them with FastTextModel::load()",
        load_vectors));
  }
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

WordVectors load(const std::string& path, const Vocabulary* vocabulary,
                 const WordVectorOptions& options) {
  check(options);
  detail::ByteBlocks file(load_vectors, path);
  const detail::VectorLayout layout = detail::find_vector_layout(file, options);
  const std::int64_t expected =
      std::min(layout.expected, options.max_words.value_or(layout.expected));
  detail::VectorRows rows(layout.columns, vocabulary, expected);
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

}  // namespace gradus
