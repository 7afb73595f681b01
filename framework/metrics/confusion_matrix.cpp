#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/words.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gradus {
namespace {

std::vector<std::string> numbers(std::int64_t classes) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

std::string padding(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, detail::split_characters(text).size()), ' ');
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::int64_t classes, const LabelOptions& options)
    : ConfusionMatrix(numbers(classes), options) {}

ConfusionMatrix::ConfusionMatrix(std::vector<std::string> names, const LabelOptions& options)
    : names_(std::move(names)), options_(options), counts_(names_.size() * names_.size()) {
  if (names_.empty()) throw ValueError("ConfusionMatrix: there are no classes");
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
  if (names_ != other.names_) {
    throw ValueError(fmt::format("ConfusionMatrix: merge: the {} classes here are not the {} there",
                                 classes(), other.classes()));
  }
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

std::string ConfusionMatrix::str() const {
  std::vector<std::string> heads;
  std::size_t widest = std::string("label").size();
  for (const std::string& name : names_) {
    heads.push_back(detail::printable(name));
    widest = std::max(widest, detail::split_characters(heads.back()).size());
  }
  std::string text = "label" + padding("label", widest);
  std::vector<std::size_t> widths;
  const auto n = static_cast<std::size_t>(classes());
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t width = detail::split_characters(heads[k]).size();
    for (std::size_t i = 0; i < n; ++i) {
      width = std::max(width, std::to_string(counts_[i * n + k]).size());
    }
    widths.push_back(width);
    text += "  " + padding(heads[k], width) + heads[k];
  }
  for (std::size_t i = 0; i < n; ++i) {
    text += "\n" + heads[i] + padding(heads[i], widest);
    for (std::size_t k = 0; k < n; ++k) {
      text += fmt::format("  {:>{}}", counts_[i * n + k], widths[k]);
    }
  }
  return text + "\n";
}

}  // namespace gradus
