#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/metrics/detail/aligned.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/score_table.h>

#include <cmath>
#include <cstddef>
#include <utility>

namespace gradus {
namespace {

const char* const metric = "ClassificationScores";

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// A weighted mean without the values that are NaN; the plain one where all weights are 0.
class Mean {
 public:
  void add(double value, double weight) {
    if (std::isnan(value)) return;
    plain_ += value;
    ++values_;
    sum_ += value * weight;
    weights_ += weight;
  }
  double result() const { return weights_ > 0 ? sum_ / weights_ : plain_ / values_; }

 private:
  double sum_ = 0, weights_ = 0, plain_ = 0, values_ = 0;
};

ClassScore mean(const std::vector<ClassScore>& scores, bool by_support) {
  Mean precision, recall, f1;
  ClassScore result;
  for (const ClassScore& score : scores) {
    const double weight = by_support ? static_cast<double>(score.support) : 1;
    precision.add(score.precision, weight);
    recall.add(score.recall, weight);
    f1.add(score.f1, weight);
    result.support += score.support;
  }
  result.precision = precision.result();
  result.recall = recall.result();
  result.f1 = f1.result();
  return result;
}

}  // namespace

ClassificationScores::ClassificationScores(std::int64_t classes,
                                           const ClassificationOptions& options)
    : options_(options) {
  if (classes < 1) {
    throw ValueError(
        fmt::format("ClassificationScores: there are {} classes: one is needed", classes));
  }
  const double value = options.zero_division;
  if (value != 0 && value != 1 && !std::isnan(value)) {
    throw ValueError(
        fmt::format("ClassificationScores: zero_division is {}: it must be 0, 1 or NaN", value));
  }
  counts_.resize(static_cast<std::size_t>(classes));
}

ClassificationScores::ClassificationScores(std::vector<std::string> names,
                                           const ClassificationOptions& options)
    : ClassificationScores(std::ssize(names), options) {
  detail::check_distinct(metric, names);
  names_ = std::move(names);
}

std::vector<std::string> ClassificationScores::names() const {
  moved_.check(metric);
  if (!names_.empty()) return names_;
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < counts_.size(); ++i) numbers.push_back(fmt::to_string(i));
  return numbers;
}

void ClassificationScores::add(const Tensor& predictions, const Tensor& labels) {
  moved_.check(metric);
  detail::check_defined(metric, {{"predictions", predictions}, {"labels", labels}});
  if (labels.dtype() == DType::boolean) return add_flags(predictions, labels);
  add(detail::labelled(metric, predictions, labels, options_.ignore_index,
                       static_cast<std::int64_t>(counts_.size())));
}

void ClassificationScores::add(std::span<const std::int64_t> predictions,
                               std::span<const std::int64_t> labels) {
  moved_.check(metric);
  add(detail::labelled(metric, predictions, labels, options_.ignore_index,
                       static_cast<std::int64_t>(counts_.size())));
}

void ClassificationScores::add(const std::vector<detail::Labelled>& found) {
  for (const auto& [predicted, label] : found) {
    ++counts_[static_cast<std::size_t>(predicted)].predicted;
    ++counts_[static_cast<std::size_t>(label)].labels;
    if (predicted == label) ++counts_[static_cast<std::size_t>(label)].right;
  }
  count_ += static_cast<std::int64_t>(found.size());
}

void ClassificationScores::add_flags(const Tensor& predictions, const Tensor& labels) {
  if (predictions.dtype() != DType::boolean) {
    throw DTypeError(
        fmt::format("{}: labels are boolean, predictions are {}: compare the scores "
                    "with a threshold first, as in greater(scores, 0)",
                    metric, name(predictions.dtype())));
  }
  const auto classes = static_cast<std::int64_t>(counts_.size());
  if (predictions.shape() != labels.shape() || labels.dim() == 0 || labels.size(-1) != classes) {
    throw ShapeError(fmt::format("{}: predictions are {}, labels are {}: both must be [..., {}]",
                                 metric, predictions.shape().str(), labels.shape().str(), classes));
  }
  const bool* predicted = predictions.data<bool>();
  const bool* label = labels.data<bool>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    Counts& counts = counts_[static_cast<std::size_t>(i % classes)];
    counts.predicted += predicted[i] ? 1 : 0;
    counts.labels += label[i] ? 1 : 0;
    counts.right += predicted[i] && label[i] ? 1 : 0;
  }
  count_ += labels.numel() / classes;
}

void ClassificationScores::merge(const ClassificationScores& other) {
  moved_.check(metric);
  other.moved_.check(metric);
  if (counts_.size() != other.counts_.size() ||
      !same(options_.zero_division, other.options_.zero_division)) {
    throw ValueError(
        fmt::format("{}: merge: {} classes and a zero_division of {} here, {} and {} there", metric,
                    counts_.size(), options_.zero_division, other.counts_.size(),
                    other.options_.zero_division));
  }
  detail::check_same_ignore_index(metric, options_.ignore_index, other.options_.ignore_index);
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i].right += other.counts_[i].right;
    counts_[i].predicted += other.counts_[i].predicted;
    counts_[i].labels += other.counts_[i].labels;
  }
  count_ += other.count_;
}

ClassScore ClassificationScores::score(const Counts& counts) const {
  const auto divide = [&](std::int64_t part, std::int64_t all) {
    return all == 0 ? options_.zero_division : static_cast<double>(part) / static_cast<double>(all);
  };
  ClassScore score;
  score.precision = divide(counts.right, counts.predicted);
  score.recall = divide(counts.right, counts.labels);
  score.f1 = divide(2 * counts.right, counts.predicted + counts.labels);
  score.support = counts.labels;
  return score;
}

ClassificationResult ClassificationScores::result() const {
  moved_.check(metric);
  detail::check_added(metric, count_);
  ClassificationResult result;
  Counts all;
  for (const Counts& counts : counts_) {
    result.classes.push_back(score(counts));
    all.right += counts.right;
    all.predicted += counts.predicted;
    all.labels += counts.labels;
  }
  result.micro = score(all);
  result.macro = mean(result.classes, false);
  result.weighted = mean(result.classes, true);
  return result;
}

std::string ClassificationScores::str() const {
  return detail::aligned(detail::score_table(*this));
}

}  // namespace gradus
