#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/detail/fasttext_file.h>
#include <gradus/framework/io/detail/fasttext_labels.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/framework/text/detail/ngram_walk.h>
#include <gradus/framework/text/ngrams.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace gradus {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view end_of_line = "</s>";
constexpr std::string_view label_prefix = "__label__";  // a model's own is not in its file
constexpr std::int64_t text_cost = 1 << 14;             // of a text, for parallel_for
constexpr std::int64_t rows_of_word = 16;               // about

// Cuts the next word off a text; empty at its end.
std::string_view next_word(std::string_view& text, std::string_view separators) {
  text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(separators));
  text.remove_prefix(word.size());
  return word;
}

void check_line(const char* operation, std::string_view text, std::string_view name) {
  if (text.find('\n') == std::string_view::npos) return;
  throw ValueError(fmt::format("{}: {} '{}' has a line feed, it must be one line: split it",
                               operation, name, detail::printable(text)));
}

}  // namespace

struct FastTextModel::State {
  explicit State(detail::FastTextFile&& read) : file(std::move(read)) {
    if (is_supervised()) scorer = {file.options.loss, file.output, file.label_counts};
  }

  bool is_supervised() const { return file.options.task == FastTextTask::supervised; }
  const float* row(std::int64_t id) const {
    return file.input.data<float>() + id * file.options.dim;
  }

  // Calls f(row) for the row that a bucket has.
  template <class F>
  void with_bucket(std::uint64_t hash, F&& f) const {
    const auto bucket =
        static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(file.options.buckets));
    if (!file.kept_buckets) return f(file.words.size() + bucket);
    const auto kept = file.kept_buckets->find(bucket);
    if (kept != file.kept_buckets->end()) f(file.words.size() + kept->second);
  }

  // Calls f(row) for each row of a word, whose id is -1 if it is not known.
  template <class F>
  void each_row(std::string_view word, std::int64_t id, F&& f) const {
    const FastTextOptions& options = file.options;
    if (id >= 0) f(id);
    if (options.buckets == 0) return;
    detail::for_each_ngram(word, options.minn, options.maxn,
                           [&](auto, std::uint32_t hash) { with_bucket(hash, f); });
  }

  // Writes the mean of the rows of a word, and returns how many they are; writes nothing if none.
  std::int64_t mean_of_word(std::string_view word, float* out) const {
    std::int64_t rows = 0;
    each_row(word, file.words.find(word), [&](std::int64_t id) {
      if (rows++ == 0) std::fill_n(out, file.options.dim, 0.0F);
      add(row(id), out);
    });
    if (rows > 0) divide(out, rows);
    return rows;
  }

  void add(const float* from, float* out) const {
    for (std::int64_t j = 0; j < file.options.dim; ++j) out[j] += from[j];
  }
  // As fastText does, which multiplies by the inverse.
  void divide(float* out, std::int64_t n) const {
    const auto factor = static_cast<float>(1.0 / static_cast<double>(n));
    for (std::int64_t j = 0; j < file.options.dim; ++j) out[j] *= factor;
  }

  void rows_of_line(std::string_view text, std::vector<std::int64_t>& rows,
                    std::vector<std::uint64_t>& hashes) const;
  void add_word_ngrams(std::span<const std::uint64_t> hashes,
                       std::vector<std::int64_t>& rows) const;
  void mean_of_line(std::span<const std::int64_t> rows, float* out) const;
  void mean_of_words(std::string_view text, float* out) const;
  std::vector<FastTextPrediction> predict(std::string_view text, std::int64_t k,
                                          float threshold) const;
  void check_prediction(std::int64_t k) const;

  detail::FastTextFile file;
  detail::FastTextLabels scorer;
};

// The rows of a line: those of its words and of its end, and of the n-grams of words.
void FastTextModel::State::rows_of_line(std::string_view text, std::vector<std::int64_t>& rows,
                                        std::vector<std::uint64_t>& hashes) const {
  rows.clear();
  hashes.clear();
  for (bool at_end = false; !at_end;) {
    std::string_view word = next_word(text, " \n\r\t\v\f\0"sv);
    if (word.empty()) word = end_of_line;
    at_end = word == end_of_line;
    const std::int64_t id = file.words.find(word);
    if (id < 0 && (word.starts_with(label_prefix) || file.labels.find(word) >= 0)) continue;
    each_row(word, id, [&](std::int64_t row) { rows.push_back(row); });
    // Sign-extended, as in fastText.
    const auto hash = static_cast<std::int32_t>(fasttext_hash(word));
    hashes.push_back(static_cast<std::uint64_t>(hash));
  }
  if (file.options.word_ngrams > 1 && file.options.buckets > 0) add_word_ngrams(hashes, rows);
}

void FastTextModel::State::add_word_ngrams(std::span<const std::uint64_t> hashes,
                                           std::vector<std::int64_t>& rows) const {
  const auto most = static_cast<std::size_t>(file.options.word_ngrams);
  for (std::size_t begin = 0; begin < hashes.size(); ++begin) {
    std::uint64_t hash = hashes[begin];
    const std::size_t end = begin + std::min(most, hashes.size() - begin);
    for (std::size_t i = begin + 1; i < end; ++i) {
      hash = hash * 116049371U + hashes[i];
      with_bucket(hash, [&](std::int64_t row) { rows.push_back(row); });
    }
  }
}

void FastTextModel::State::mean_of_line(std::span<const std::int64_t> rows, float* out) const {
  std::fill_n(out, file.options.dim, 0.0F);
  if (rows.empty()) return;
  for (const std::int64_t id : rows) add(row(id), out);
  divide(out, std::ssize(rows));
}

void FastTextModel::State::mean_of_words(std::string_view text, float* out) const {
  const std::int64_t dim = file.options.dim;
  std::vector<float> vector(static_cast<std::size_t>(dim));
  std::fill_n(out, dim, 0.0F);
  std::int64_t words = 0;
  for (;;) {
    const std::string_view word = next_word(text, " \n\r\t\v\f");
    if (word.empty()) break;
    if (mean_of_word(word, vector.data()) == 0) continue;
    float squares = 0;
    for (const float value : vector) squares += value * value;
    const float norm = std::sqrt(squares);
    if (!(norm > 0)) continue;
    const auto factor = static_cast<float>(1.0 / static_cast<double>(norm));
    for (float& value : vector) value *= factor;
    add(vector.data(), out);
    ++words;
  }
  if (words > 0) divide(out, words);
}

std::vector<FastTextPrediction> FastTextModel::State::predict(std::string_view text, std::int64_t k,
                                                              float threshold) const {
  std::vector<std::int64_t> rows;
  std::vector<std::uint64_t> hashes;
  rows_of_line(text, rows, hashes);
  std::vector<FastTextPrediction> predictions;
  if (rows.empty()) return predictions;
  std::vector<float> hidden(static_cast<std::size_t>(file.options.dim));
  mean_of_line(rows, hidden.data());
  for (const auto& [score, id] : scorer.best(hidden.data(), k, threshold)) {
    predictions.push_back({id, file.labels.texts()[static_cast<std::size_t>(id)], std::exp(score)});
  }
  return predictions;
}

void FastTextModel::State::check_prediction(std::int64_t k) const {
  if (!is_supervised()) {
    throw ValueError(
        fmt::format("predict: the model has word vectors (it is {}): only supervised "
                    "models predict labels",
                    file.options.task == FastTextTask::cbow ? "cbow" : "skip-gram"));
  }
  if (k < 1) throw ValueError(fmt::format("predict: k is {}, it must be above 0", k));
}

FastTextModel::FastTextModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}

FastTextModel detail::read_fasttext_model(ByteBlocks& file) {
  return FastTextModel(
      std::make_shared<const FastTextModel::State>(detail::read_fasttext_file(file)));
}

FastTextModel FastTextModel::load(const std::string& path) {
  detail::ByteBlocks file("FastTextModel::load", path);
  return detail::read_fasttext_model(file);
}

FastTextOptions FastTextModel::options() const { return state_->file.options; }
const std::vector<std::string>& FastTextModel::words() const { return state_->file.words.texts(); }
const std::vector<std::int64_t>& FastTextModel::counts() const { return state_->file.counts; }
const std::vector<std::string>& FastTextModel::labels() const {
  return state_->file.labels.texts();
}
const std::vector<std::int64_t>& FastTextModel::label_counts() const {
  return state_->file.label_counts;
}
std::int64_t FastTextModel::tokens() const { return state_->file.tokens; }
Tensor FastTextModel::input() const { return state_->file.input; }
Tensor FastTextModel::output() const { return state_->file.output; }

std::optional<std::int64_t> FastTextModel::find(std::string_view word) const {
  const std::int64_t id = state_->file.words.find(word);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::vector<std::int64_t> FastTextModel::rows(std::string_view word) const {
  std::vector<std::int64_t> rows;
  state_->each_row(word, state_->file.words.find(word),
                   [&](std::int64_t row) { rows.push_back(row); });
  return rows;
}

Tensor FastTextModel::vector(std::string_view word) const {
  Tensor result = zeros({options().dim});
  state_->mean_of_word(word, result.mutable_data<float>());
  return result;
}

bool FastTextModel::compute(std::string_view word, std::span<float> out) const {
  if (std::ssize(out) != options().dim) {
    throw ShapeError(fmt::format("FastTextModel::compute: the vector has {} elements, not {}",
                                 out.size(), options().dim));
  }
  return state_->mean_of_word(word, out.data()) > 0;
}

WordVectors FastTextModel::word_vectors() const {
  const std::int64_t dim = options().dim;
  WordVectors result;
  result.words = words();
  result.matrix = empty({std::ssize(result.words), dim});
  float* out = result.matrix.mutable_data<float>();
  parallel_for_each(std::ssize(result.words), rows_of_word * dim, [&](std::int64_t i) {
    state_->mean_of_word(result.words[static_cast<std::size_t>(i)], out + i * dim);
  });
  return result;
}

Tensor FastTextModel::sentence_vector(std::string_view text) const {
  check_line("sentence_vector", text, "the text");
  Tensor result = empty({options().dim});
  float* out = result.mutable_data<float>();
  if (!state_->is_supervised()) {
    state_->mean_of_words(text, out);
    return result;
  }
  std::vector<std::int64_t> rows;
  std::vector<std::uint64_t> hashes;
  state_->rows_of_line(text, rows, hashes);
  state_->mean_of_line(rows, out);
  return result;
}

std::vector<FastTextPrediction> FastTextModel::predict(std::string_view text, std::int64_t k,
                                                       float threshold) const {
  state_->check_prediction(k);
  check_line("predict", text, "the text");
  return state_->predict(text, k, threshold);
}

std::vector<std::vector<FastTextPrediction>> FastTextModel::predict(
    std::span<const std::string> texts, std::int64_t k, float threshold) const {
  state_->check_prediction(k);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    check_line("predict", texts[i], fmt::format("text {}", i));
  }
  std::vector<std::vector<FastTextPrediction>> all(texts.size());
  parallel_for_each(std::ssize(texts), text_cost, [&](std::int64_t i) {
    const auto text = static_cast<std::size_t>(i);
    all[text] = state_->predict(texts[text], k, threshold);
  });
  return all;
}

}  // namespace gradus
