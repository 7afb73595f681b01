#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/detail/aligned.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/words.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace gradus {
namespace {

constexpr std::size_t widest_table = 80;

std::vector<std::string> numbers(std::int64_t classes) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::int64_t classes, const LabelOptions& options)
    : ConfusionMatrix(numbers(classes), options) {}

ConfusionMatrix::ConfusionMatrix(std::vector<std::string> names, const LabelOptions& options)
    : names_(std::move(names)), options_(options), counts_(names_.size() * names_.size()) {
  if (names_.empty()) throw ValueError("ConfusionMatrix: there are no classes");
  detail::check_distinct("ConfusionMatrix", names_);
}

void ConfusionMatrix::add(const Tensor& predictions, const Tensor& labels) {
  add(detail::labelled("ConfusionMatrix", predictions, labels, options_.ignore_index, classes()));
}

void ConfusionMatrix::add(std::span<const std::int64_t> predictions,
                          std::span<const std::int64_t> labels) {
  add(detail::labelled("ConfusionMatrix", predictions, labels, options_.ignore_index, classes()));
}

void ConfusionMatrix::add(const std::vector<detail::Labelled>& found) {
  for (const auto& [predicted, label] : found) {
    ++counts_[static_cast<std::size_t>(label * classes() + predicted)];
  }
}

void ConfusionMatrix::merge(const ConfusionMatrix& other) {
  moved_.check("ConfusionMatrix");
  other.moved_.check("ConfusionMatrix");
  if (names_ != other.names_) {
    throw ValueError(fmt::format("ConfusionMatrix: merge: the {} classes here are not the {} there",
                                 classes(), other.classes()));
  }
  detail::check_same_ignore_index("ConfusionMatrix", options_.ignore_index,
                                  other.options_.ignore_index);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::int64_t ConfusionMatrix::count(std::int64_t label, std::int64_t predicted) const {
  if (label < 0 || label >= classes() || predicted < 0 || predicted >= classes()) {
    throw IndexError(fmt::format("ConfusionMatrix: count({}, {}) is outside [0, {})", label,
                                 predicted, classes()));
  }
  return counts_[static_cast<std::size_t>(label * classes() + predicted)];
}

Tensor ConfusionMatrix::result() const { return tensor(counts_, {classes(), classes()}); }

std::int64_t ConfusionMatrix::classes() const { return std::ssize(names()); }

const std::vector<std::string>& ConfusionMatrix::names() const {
  moved_.check("ConfusionMatrix");
  return names_;
}

std::string ConfusionMatrix::str() const {
  std::string text = table(names(), names());
  const std::vector<std::string> ids = numbers(classes());
  const auto line = detail::split_characters(std::string_view(text).substr(0, text.find('\n')));
  if (line.size() <= widest_table || names_ == ids) return text;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < ids.size(); ++i) labels.push_back(ids[i] + " " + names_[i]);
  return table(labels, ids);
}

std::string ConfusionMatrix::table(const std::vector<std::string>& labels,
                                   const std::vector<std::string>& predictions) const {
  std::vector<std::vector<std::string>> rows{{"label"}};
  rows[0].insert(rows[0].end(), predictions.begin(), predictions.end());
  for (std::int64_t label = 0; label < classes(); ++label) {
    rows.push_back({labels[static_cast<std::size_t>(label)]});
    for (std::int64_t predicted = 0; predicted < classes(); ++predicted) {
      rows.back().push_back(std::to_string(count(label, predicted)));
    }
  }
  return detail::aligned(std::move(rows));
}

}  // namespace gradus
