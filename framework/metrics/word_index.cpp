#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/detail/analogies.h>
#include <gradus/framework/metrics/word_index.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <cstddef>

namespace gradus {
namespace {

void check_rows(std::size_t words, const Tensor& matrix) {
  detail::check_defined("WordIndex", "matrix", matrix);
  if (matrix.dim() == 2 && matrix.size(0) == static_cast<std::int64_t>(words)) return;
  throw ShapeError(fmt::format("WordIndex: the matrix is {}: {} words need [{}, D]",
                               matrix.shape().str(), words, words));
}

const Tensor& checked(const std::vector<std::string>& words, const Tensor& matrix) {
  check_rows(words.size(), matrix);
  return matrix;
}

}  // namespace

WordIndex::WordIndex(const WordVectors& vectors)
    : words_(vectors.words), index_(checked(vectors.words, vectors.matrix)) {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::int64_t known = row_.size();
    const auto number = static_cast<std::size_t>(row_.add(words_[i]));
    const auto row = static_cast<std::int64_t>(i);
    if (row_.size() > known) {
      row_of_number_.push_back(row);
    } else {
      repeated_[row_of_number_[number]].push_back(row);
    }
  }
}

WordIndex::WordIndex(const Vocabulary& vocabulary, const Tensor& matrix)
    : WordIndex(WordVectors{vocabulary.words(), matrix}) {}

std::int64_t WordIndex::row(std::string_view word) const {
  const std::int64_t number = row_.find(word);
  if (number >= 0) return row_of_number_[static_cast<std::size_t>(number)];
  throw IndexError(fmt::format("WordIndex: '{}' is not among the {} words", detail::printable(word),
                               words_.size()));
}

// All rows of the words that have these rows, as one row.
Tensor WordIndex::excluding(std::vector<std::int64_t> rows) const {
  for (std::size_t i = 0, given = rows.size(); i < given; ++i) {
    const auto others = repeated_.find(rows[i]);
    if (others == repeated_.end()) continue;
    rows.insert(rows.end(), others->second.begin(), others->second.end());
  }
  return reshape(tensor(rows), {1, std::ssize(rows)});
}

double WordIndex::similarity(std::string_view a, std::string_view b) const {
  return detail::cosine(index_.matrix(), row(a), row(b));
}

std::vector<ScoredWord> WordIndex::most_similar(std::string_view word, std::int64_t k) const {
  const std::int64_t id = row(word);
  return scored(
      index_.search(slice(index_.matrix(), 0, id, id + 1), std::min(k, size()), excluding({id})));
}

std::vector<ScoredWord> WordIndex::most_similar(const Tensor& vector, std::int64_t k) const {
  detail::check_defined("WordIndex::most_similar", "vector", vector);
  if (vector.dim() != 1 || vector.size(0) != index_.matrix().size(1)) {
    throw ShapeError(fmt::format("WordIndex::most_similar: the vector is {}: it must be [{}]",
                                 vector.shape().str(), index_.matrix().size(1)));
  }
  return scored(index_.search(reshape(vector, {1, vector.size(0)}), std::min(k, size())));
}

std::vector<ScoredWord> WordIndex::most_similar(const std::vector<std::string>& positive,
                                                const std::vector<std::string>& negative,
                                                std::int64_t k) const {
  if (positive.empty() && negative.empty()) {
    throw ValueError("WordIndex::most_similar: there are no words to compare with");
  }
  std::vector<detail::SignedRow> rows;
  std::vector<std::int64_t> ids;
  rows.reserve(positive.size() + negative.size());
  ids.reserve(positive.size() + negative.size());
  for (const std::string& word : positive) rows.push_back({row(word), 1});
  for (const std::string& word : negative) rows.push_back({row(word), -1});
  for (const detail::SignedRow& one : rows) ids.push_back(one.row);
  return scored(index_.search(detail::sum_of_directions(index_.matrix(), rows), std::min(k, size()),
                              excluding(ids)));
}

std::vector<ScoredWord> WordIndex::analogy(std::string_view a, std::string_view b,
                                           std::string_view c, std::int64_t k,
                                           AnalogyRule rule) const {
  if (k < 0) throw ValueError(fmt::format("WordIndex::analogy: k is {}: it must be 0 or more", k));
  const detail::AnalogyRows rows{row(a), row(b), row(c)};
  return scored(detail::solve_analogies(index_, {&rows, 1}, std::min(k, size()), rule,
                                        excluding({rows.begin(), rows.end()})));
}

std::vector<ScoredWord> WordIndex::scored(const Neighbors& found) const {
  std::vector<ScoredWord> result;
  const Tensor scores = found.scores.to(DType::float64);
  for (std::int64_t i = 0; i < found.ids.numel(); ++i) {
    const std::int64_t id = found.ids.data<std::int64_t>()[i];
    if (id < 0) break;
    result.push_back({words_[static_cast<std::size_t>(id)], scores.data<double>()[i]});
  }
  return result;
}

}  // namespace gradus
