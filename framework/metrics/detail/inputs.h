#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace gradus::detail {

/// Throws ValueError if nothing was added to a metric before result().
void check_added(const char* metric, std::int64_t added);

/// Throws ValueError if two metrics that are merged leave out different labels.
void check_same_ignore_index(const char* metric, std::int64_t here, std::int64_t there);

/// Throws ValueError if two classes have one name.
void check_distinct(const char* metric, const std::vector<std::string>& names);

/// Throws DTypeError unless labels are int64.
void check_labels(const char* metric, const Tensor& labels);

/// Calls f(scores, label) for each row of scores [..., C] whose label does not equal ignore_index,
/// in order, after all checks. labels: int64 [...]. Throws ShapeError, DTypeError, IndexError for a
/// label outside [0, C), ValueError for a score that is NaN; rows that are ignored may hold
/// anything.
void for_each_row(const char* metric, const Tensor& scores, const Tensor& labels,
                  std::int64_t ignore_index,
                  const std::function<void(std::span<const double>, std::int64_t)>& f);

/// How many classes are before `label` when a row is sorted by decreasing score; of equal scores
/// the lower class is first.
std::int64_t rank_of(std::span<const double> scores, std::int64_t label);

/// A prediction and the label that it should equal.
struct Labelled {
  std::int64_t predicted, label;
};

/// As the number of classes, says that ids may be any.
inline constexpr std::int64_t any_class = std::numeric_limits<std::int64_t>::max();

/// The predictions and labels that count. predictions: scores [..., classes], of which the highest
/// is taken (the lower class of equal ones), or int64 ids of the shape of the labels. Throws like
/// for_each_row, and IndexError for an id outside [0, classes).
std::vector<Labelled> labelled(const char* metric, const Tensor& predictions, const Tensor& labels,
                               std::int64_t ignore_index, std::int64_t classes = any_class);
std::vector<Labelled> labelled(const char* metric, std::span<const std::int64_t> predictions,
                               std::span<const std::int64_t> labels, std::int64_t ignore_index,
                               std::int64_t classes = any_class);

/// Throws ShapeError if two lists that belong together are not of one length.
void check_sizes(const char* metric, const char* a_name, std::size_t a, const char* b_name,
                 std::size_t b);

}  // namespace gradus::detail
