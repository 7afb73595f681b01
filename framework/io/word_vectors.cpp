#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/io/detail/fasttext_file.h>
#include <gradus/framework/io/detail/vector_file.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/framework/io/word_vectors.h>

#include <algorithm>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
void report_faults(const detail::VectorFindings& found, const std::string& path, BadLines bad_lines,
                   std::string_view hint) {
  std::string all;
  if (found.faults.count() > 0) {
    all = fmt::format("has {}: {}", found.faults.total(), found.faults.text());
  }
  if (!found.problem.empty()) all += (all.empty() ? "" : "; it ") + found.problem;
  if (all.empty()) return;
  if (bad_lines == BadLines::skip) {
    return detail::warn(fmt::format("{}: '{}' {}", load_vectors, path, all));
  }
  throw FormatError(fmt::format(
      "{}: '{}' {}{}: correct the file, or take what is right in it with BadLines::skip",
      load_vectors, path, all, hint));
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

bool is_fasttext_bin(detail::ByteBlocks& file, WordVectorFormat format) {
  if (format != WordVectorFormat::automatic) return format == WordVectorFormat::fasttext_bin;
  return file.at_least(detail::fasttext_magic.size()) &&
         file.rest().starts_with(detail::fasttext_magic);
}

// For a file of which nothing could be read: binary numbers may look like text.
std::string_view format_hint(const detail::VectorLayout& layout, const WordVectorOptions& options,
                             const detail::VectorFindings& found) {
  const bool may_be_binary = layout.format == WordVectorFormat::word2vec_text &&
                             options.format == WordVectorFormat::automatic;
  return may_be_binary && found.words > 0 && found.faults.count() == found.words
             ? " (if its numbers are bytes, pass .format)"
             : "";
}

WordVectors finish(const detail::ByteBlocks& file, const detail::VectorLayout& layout,
                   const WordVectorOptions& options, const detail::VectorFindings& found,
                   detail::VectorRows& rows) {
  report_faults(found, file.path(), options.bad_lines, format_hint(layout, options, found));
  WordVectors vectors;
  rows.finish(vectors);
  vectors.report.format = layout.format;
  vectors.report.words = found.words;
  vectors.report.announced = layout.rows;
  vectors.report.bad_lines = found.faults.count();
  warn_of_duplicates(vectors.report, file.path());
  return vectors;
}

// The words of a fastText model that are asked for.
struct ModelWords {
  const FastTextModel& model;
  std::span<const std::string> words;
};

// Keeps those that are wanted and whose vectors are good.
detail::VectorFindings keep_words(const ModelWords& asked, const WordVectorOptions& options,
                                  detail::VectorRows& rows) {
  const std::int64_t dim = asked.model.options().dim;
  const auto columns = static_cast<std::size_t>(dim);
  const std::int64_t at_once = std::clamp<std::int64_t>((1 << 20) / dim, 1, 4096);
  std::vector<float> vectors(static_cast<std::size_t>(at_once * dim));
  const auto vector = [&](std::int64_t i) {
    return std::span(vectors).subspan(static_cast<std::size_t>(i) * columns, columns);
  };
  detail::VectorFindings found("word");
  for (auto left = asked.words; !left.empty();) {
    const auto some = left.first(std::min(left.size(), static_cast<std::size_t>(at_once)));
    left = left.subspan(some.size());
    std::vector<std::uint8_t> wanted(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) wanted[i] = rows.wants(some[i]) ? 1 : 0;
    parallel_for_each(std::ssize(some), 20 * dim, [&](std::int64_t i) {
      const auto place = static_cast<std::size_t>(i);
      if (wanted[place] != 0) asked.model.compute(some[place], vector(i));
    });
    for (std::size_t i = 0; i < some.size(); ++i) {
      ++found.words;
      const auto values = vector(static_cast<std::int64_t>(i));
      if (wanted[i] == 0 || !detail::check_vector(some[i], values, options, found)) continue;
      std::copy(values.begin(), values.end(), rows.free_row());
      rows.keep(some[i]);
    }
  }
  return found;
}

// The words of a fastText model: all that are wanted.
WordVectors load_fasttext(detail::ByteBlocks& file, const Vocabulary* vocabulary,
                          const WordVectorOptions& options, KeptRows kept) {
  const FastTextModel model = detail::read_fasttext_model(file);
  const std::int64_t dim = model.options().dim;
  if (options.dim != 0 && options.dim != dim) {
    throw FormatError(fmt::format("{}: '{}' has vectors of {} numbers, not {}", load_vectors,
                                  file.path(), dim, options.dim));
  }
  const std::span<const std::string> words = model.words();
  const auto most = static_cast<std::size_t>(options.max_words.value_or(std::ssize(words)));
  const ModelWords wanted{model, words.first(std::min(most, words.size()))};
  detail::VectorRows rows(dim, vocabulary, std::ssize(wanted.words), kept);
  const detail::VectorFindings found = keep_words(wanted, options, rows);
  return finish(file, {WordVectorFormat::fasttext_bin, dim, std::ssize(words)}, options, found,
                rows);
}

WordVectors load(detail::ByteBlocks& file, const Vocabulary* vocabulary,
                 const WordVectorOptions& options, KeptRows kept) {
  if (is_fasttext_bin(file, options.format)) return load_fasttext(file, vocabulary, options, kept);
  const detail::VectorLayout layout = detail::find_vector_layout(file, options);
  const std::int64_t expected =
      std::min(layout.expected, options.max_words.value_or(layout.expected));
  detail::VectorRows rows(layout.columns, vocabulary, expected, kept);
  const bool is_binary = layout.format == WordVectorFormat::word2vec_binary;
  const detail::VectorFindings found = is_binary
                                           ? detail::read_vector_binary(file, layout, options, rows)
                                           : detail::read_vector_text(file, layout, options, rows);
  return finish(file, layout, options, found, rows);
}

// Says in which file memory ran out.
WordVectors load(const std::string& path, const Vocabulary* vocabulary,
                 const WordVectorOptions& options, KeptRows kept = KeptRows::vectors) {
  check(options);
  detail::ByteBlocks file(load_vectors, path);
  try {
    return load(file, vocabulary, options, kept);
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("{}: '{}': out of memory", load_vectors, file.path()));
  } catch (const Error& error) {
    if (!std::string_view(error.what()).starts_with("memory: ")) throw;
    throw Error(fmt::format("{}: '{}': {}", load_vectors, file.path(), error.what()));
  }
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
