#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/text/unicode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace gradus {
namespace {

// Finds the vectors of words.
class VectorFinder {
 public:
  VectorFinder(const std::vector<std::string>& words, bool ignore_case) : ignores_(ignore_case) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      add(exact_, exact_rows_, words[i], i);
      if (ignores_) add(folded_, folded_rows_, case_fold(words[i]), i);
    }
  }

  struct Found {
    std::int64_t row;  // -1 for none
    bool is_folded;
  };
  Found find(std::string_view word) const {
    if (const auto place = exact_.find(word); place >= 0) {
      return {exact_rows_[static_cast<std::size_t>(place)], false};
    }
    const std::int64_t place = ignores_ ? folded_.find(case_fold(word)) : -1;
    if (place < 0) return {-1, false};
    return {folded_rows_[static_cast<std::size_t>(place)], true};
  }

 private:
  static void add(detail::TextIndex& index, std::vector<std::int64_t>& rows, std::string_view word,
                  std::size_t row) {
    if (index.add(word) == std::ssize(rows)) rows.push_back(static_cast<std::int64_t>(row));
  }

  bool ignores_;
  detail::TextIndex exact_, folded_;
  std::vector<std::int64_t> exact_rows_, folded_rows_;  // of each text; the first counts
};

struct Moments {
  double mean, std;
};

Moments moments_of(std::span<const float> values) {
  double sum = 0, squares = 0;
  for (const float v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  for (const float v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

void check(const WordVectors& vectors, const MatrixForOptions& options) {
  const Tensor& matrix = vectors.matrix;
  if (!matrix.defined() || matrix.dim() != 2 || matrix.size(0) != std::ssize(vectors.words)) {
    throw ShapeError(fmt::format("matrix_for: {} words and {}", vectors.words.size(),
                                 matrix.defined() ? fmt::format("a matrix {}", matrix.shape().str())
                                                  : "an undefined matrix"));
  }
  if (matrix.dtype() != DType::float32) {
    throw DTypeError(
        fmt::format("matrix_for: the vectors are {}, not float32: convert them with "
                    "to(DType::float32)",
                    name(matrix.dtype())));
  }
  const bool is_given = options.missing == MissingWords::zeros ||
                        (options.missing == MissingWords::normal && options.mean && options.std);
  if (!is_given && matrix.numel() == 0) {
    throw ValueError("matrix_for: there are no vectors to take the mean or the deviation from");
  }
  if (options.mean && !std::isfinite(*options.mean)) {
    throw ValueError(fmt::format("matrix_for: mean is {}: it must be finite", *options.mean));
  }
  if (options.std && !(*options.std >= 0)) {
    throw ValueError(fmt::format("matrix_for: std is {}: it must be 0 or more", *options.std));
  }
}

// Gives rows to the words that have no vector.
class MissingRows {
 public:
  MissingRows(const Tensor& vectors, const MatrixForOptions& options, Generator& generator)
      : options_(options), generator_(generator), columns_(vectors.size(1)) {
    if (options.missing == MissingWords::mean) set_mean_row(vectors);
    if (options.missing == MissingWords::normal) {
      moments_ = {options.mean.value_or(0), options.std.value_or(0)};
      if (!options.mean || !options.std) {
        const Moments own = moments_of(vectors.span<float>());
        moments_ = {options.mean.value_or(own.mean), options.std.value_or(own.std)};
      }
      check_moments();
    }
  }

  // True if the function of the caller made the row.
  bool compose(std::string_view word, std::span<float> row) const {
    if (!options_.compose) return false;
    if (options_.compose(word, row)) return true;
    std::fill(row.begin(), row.end(), 0.0F);
    return false;
  }

  void fill(std::span<float> row) const {
    if (options_.missing == MissingWords::mean) {
      std::copy(mean_row_.begin(), mean_row_.end(), row.begin());
    } else if (options_.missing == MissingWords::normal) {
      const Tensor drawn =
          randn({columns_}, moments_.mean, moments_.std, DType::float32, generator_);
      std::copy_n(drawn.data<float>(), columns_, row.data());
    }
  }

 private:
  // Numbers of a normal distribution are within 10 deviations of its mean.
  void check_moments() const {
    if (std::abs(moments_.mean) + 10 * moments_.std <= std::numeric_limits<float>::max()) return;
    throw ValueError(
        fmt::format("matrix_for: random numbers of mean {} and std {} are beyond float32: pass "
                    ".mean and .std",
                    moments_.mean, moments_.std));
  }

  void set_mean_row(const Tensor& vectors) {
    std::vector<double> sums(static_cast<std::size_t>(columns_));
    const float* value = vectors.data<float>();
    for (std::int64_t i = 0; i < vectors.size(0); ++i) {
      for (double& sum : sums) sum += *value++;
    }
    for (const double sum : sums) {
      mean_row_.push_back(static_cast<float>(sum / static_cast<double>(vectors.size(0))));
    }
  }

  const MatrixForOptions& options_;
  Generator& generator_;
  std::int64_t columns_;
  Moments moments_{};
  std::vector<float> mean_row_;
};

double share(double part, double all) { return all == 0 ? 0 : part / all; }

// Counts which words have vectors.
class CoverageCounter {
 public:
  void add(const std::string& word, std::int64_t count, bool has_vector) {
    ++words_;
    tokens_ += static_cast<double>(count);
    if (has_vector) {
      covered_tokens_ += static_cast<double>(count);
    } else {
      coverage.missing.push_back({word, count});
    }
  }

  VectorCoverage finish() {
    std::stable_sort(coverage.missing.begin(), coverage.missing.end(),
                     [](const auto& a, const auto& b) { return a.count > b.count; });
    coverage.words = share(static_cast<double>(coverage.found + coverage.composed), words_);
    coverage.tokens = tokens_ > 0 ? covered_tokens_ / tokens_ : coverage.words;
    return std::move(coverage);
  }

  VectorCoverage coverage;

 private:
  double words_ = 0, tokens_ = 0, covered_tokens_ = 0;
};

}  // namespace

VocabularyMatrix matrix_for(const WordVectors& vectors, const Vocabulary& vocabulary,
                            const MatrixForOptions& options, Generator& generator) {
  check(vectors, options);
  const auto columns = static_cast<std::size_t>(vectors.matrix.size(1));
  const VectorFinder finder(vectors.words, options.ignore_case);
  const MissingRows missing(vectors.matrix, options, generator);
  const Tensor matrix = zeros({vocabulary.size(), vectors.matrix.size(1)});
  auto* values = matrix.mutable_data<float>();
  CoverageCounter counter;
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    const std::span<float> row(values + static_cast<std::size_t>(id) * columns, columns);
    if (id == vocabulary.padding_id()) continue;
    const std::string& word = vocabulary.word(id);
    const auto [place, is_folded] = finder.find(word);
    const bool is_composed = place < 0 && missing.compose(word, row);
    if (place >= 0) {
      std::copy_n(vectors.matrix.data<float>() + static_cast<std::size_t>(place) * columns, columns,
                  row.data());
    } else if (!is_composed) {
      missing.fill(row);
    }
    counter.coverage.found += place >= 0 ? 1 : 0;
    counter.coverage.folded += is_folded ? 1 : 0;
    counter.coverage.composed += is_composed ? 1 : 0;
    counter.add(word, vocabulary.counts()[static_cast<std::size_t>(id)], place >= 0 || is_composed);
  }
  return {matrix, counter.finish()};
}

std::string VectorCoverage::str() const {
  std::string text = fmt::format("{:.1f} % of the words and {:.1f} % of the tokens have a vector",
                                 100 * words, 100 * tokens);
  const auto shown = std::min<std::ptrdiff_t>(std::ssize(missing), 10);
  for (std::ptrdiff_t i = 0; i < shown; ++i) {
    const Word& word = missing[static_cast<std::size_t>(i)];
    text += fmt::format("{}'{}' ({})", i == 0 ? "; the most frequent without: " : ", ",
                        detail::printable(word.word), word.count);
  }
  return text;
}

}  // namespace gradus
