#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/detail/inputs.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <unordered_set>

namespace gradus::detail {
namespace {

/// scores [..., C], labels [...].
void check_row_shapes(const char* metric, const Tensor& scores, const Tensor& labels) {
  const Shape& rows = labels.shape();
  const bool fits = scores.dim() == rows.rank() + 1 &&
                    std::equal(rows.begin(), rows.end(), scores.shape().begin());
  if (fits) return;
  throw ShapeError(
      fmt::format("{}: shapes do not fit: scores are {}, labels are {}: each row of scores, [..., "
                  "C], has one label",
                  metric, scores.shape().str(), rows.str()));
}

void check_class(const char* metric, const char* what, std::int64_t id, std::int64_t classes,
                 const Shape& shape, std::int64_t i) {
  if (0 <= id && id < classes) return;
  throw IndexError(fmt::format("{}: {} {} at position {} is outside [0, {})", metric, what, id,
                               position(shape, i), classes));
}

void check_label_range(const char* metric, const Tensor& labels, std::int64_t classes,
                       std::int64_t ignore_index) {
  const auto* label = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] != ignore_index)
      check_class(metric, "label", label[i], classes, labels.shape(), i);
  }
}

template <class T>
void check_numbers(const char* metric, const Tensor& scores, const Tensor& labels,
                   std::int64_t ignore_index) {
  const std::int64_t classes = scores.size(-1);
  const T* score = scores.data<T>();
  const auto* label = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < scores.numel(); ++i) {
    if (!std::isnan(score[i]) || label[i / classes] == ignore_index) continue;
    throw ValueError(
        fmt::format("{}: the score at position {} is NaN", metric, position(scores.shape(), i)));
  }
}

std::int64_t best_of(std::span<const double> scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

/// Ids and their labels, both of `shape`.
std::vector<Labelled> pairs(const char* metric, std::span<const std::int64_t> predictions,
                            std::span<const std::int64_t> labels, const Shape& shape,
                            std::int64_t ignore_index, std::int64_t classes) {
  std::vector<Labelled> found;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignore_index) continue;
    if (classes != any_class) {
      check_class(metric, "label", labels[i], classes, shape, static_cast<std::int64_t>(i));
      check_class(metric, "prediction", predictions[i], classes, shape,
                  static_cast<std::int64_t>(i));
    }
    found.push_back({predictions[i], labels[i]});
  }
  return found;
}

}  // namespace

void check_added(const char* metric, std::int64_t added) {
  if (added > 0) return;
  throw ValueError(
      fmt::format("{}: there is no result yet: nothing that counts was added", metric));
}

void check_same_ignore_index(const char* metric, std::int64_t here, std::int64_t there) {
  if (here == there) return;
  throw ValueError(
      fmt::format("{}: merge: ignore_index is {} here and {} there", metric, here, there));
}

void check_distinct(const char* metric, const std::vector<std::string>& names) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (seen.insert(name).second) continue;
    throw ValueError(fmt::format("{}: two classes have the name '{}': give each its own", metric,
                                 printable(name)));
  }
}

void check_labels(const char* metric, const Tensor& labels) {
  if (labels.dtype() == DType::int64) return;
  throw DTypeError(
      fmt::format("{}: labels are {}, int64 is needed: convert them with to(DType::int64)", metric,
                  name(labels.dtype())));
}

void for_each_row(const char* metric, const Tensor& scores, const Tensor& labels,
                  std::int64_t ignore_index,
                  const std::function<void(std::span<const double>, std::int64_t)>& f) {
  check_defined(metric, {{"scores", scores}, {"labels", labels}});
  check_labels(metric, labels);
  check_row_shapes(metric, scores, labels);
  const std::int64_t classes = scores.size(-1);
  check_label_range(metric, labels, classes, ignore_index);
  visit_float(metric, scores, [&]<class T>(T) {
    check_numbers<T>(metric, scores, labels, ignore_index);
    const T* score = scores.data<T>();
    std::vector<double> row(static_cast<std::size_t>(classes));
    for (const std::int64_t label : labels.span<std::int64_t>()) {
      if (label != ignore_index) {
        std::copy_n(score, classes, row.begin());
        f(row, label);
      }
      score += classes;
    }
  });
}

std::int64_t rank_of(std::span<const double> scores, std::int64_t label) {
  const auto own = static_cast<std::size_t>(label);
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    rank += scores[i] > scores[own] || (scores[i] == scores[own] && i < own) ? 1 : 0;
  }
  return rank;
}

std::vector<Labelled> labelled(const char* metric, const Tensor& predictions, const Tensor& labels,
                               std::int64_t ignore_index, std::int64_t classes) {
  check_defined(metric, {{"predictions", predictions}, {"labels", labels}});
  std::vector<Labelled> found;
  if (is_floating(predictions.dtype())) {
    if (classes != any_class && predictions.dim() > 0 && predictions.size(-1) != classes) {
      throw ShapeError(fmt::format("{}: scores are {}, but there are {} classes", metric,
                                   predictions.shape().str(), classes));
    }
    for_each_row(metric, predictions, labels, ignore_index,
                 [&](std::span<const double> scores, std::int64_t label) {
                   found.push_back({best_of(scores), label});
                 });
    return found;
  }
  check_labels(metric, labels);
  if (predictions.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: predictions are {}: int64 ids or scores of classes are needed", metric,
                    name(predictions.dtype())));
  }
  if (predictions.shape() != labels.shape()) {
    throw ShapeError(fmt::format("{}: shapes do not fit: predictions are {}, labels are {}", metric,
                                 predictions.shape().str(), labels.shape().str()));
  }
  return pairs(metric, predictions.span<std::int64_t>(), labels.span<std::int64_t>(),
               labels.shape(), ignore_index, classes);
}

std::vector<Labelled> labelled(const char* metric, std::span<const std::int64_t> predictions,
                               std::span<const std::int64_t> labels, std::int64_t ignore_index,
                               std::int64_t classes) {
  check_sizes(metric, "predictions", predictions.size(), "labels", labels.size());
  return pairs(metric, predictions, labels, Shape{static_cast<std::int64_t>(labels.size())},
               ignore_index, classes);
}

void check_sizes(const char* metric, const char* a_name, std::size_t a, const char* b_name,
                 std::size_t b) {
  if (a == b) return;
  throw ShapeError(fmt::format("{}: there are {} {} and {} {}: they belong together one by one",
                               metric, a, a_name, b, b_name));
}

}  // namespace gradus::detail
