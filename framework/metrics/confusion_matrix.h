#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/metrics/accuracy.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus {

namespace detail {
struct Labelled;
}

/// How often each class was predicted for each label. Throws Error once it was moved from.
class GRADUS_API ConfusionMatrix {
 public:
  /// Throws ValueError unless there is a class.
  explicit ConfusionMatrix(std::int64_t classes, const LabelOptions& options = {});
  /// Classes with names, which str() shows. Throws ValueError also for two of one name.
  explicit ConfusionMatrix(std::vector<std::string> names, const LabelOptions& options = {});

  /// predictions: scores [..., C], whose highest is the prediction (of equal ones the lower class),
  /// or int64 ids [...]; labels: int64 [...]. Throws ShapeError, DTypeError, IndexError for an id
  /// outside [0, C), ValueError for a score that is NaN.
  void add(const Tensor& predictions, const Tensor& labels);
  void add(std::span<const std::int64_t> predictions, std::span<const std::int64_t> labels);
  /// Throws ValueError if the other one has different classes or another ignore_index.
  void merge(const ConfusionMatrix& other);

  std::int64_t classes() const;
  const std::vector<std::string>& names() const;  ///< "0", "1", ... if not given
  /// How often `predicted` was predicted where `label` was right. Throws IndexError.
  std::int64_t count(std::int64_t label, std::int64_t predicted) const;
  /// All counts, int64 [C, C]: a row for each label, a column for each prediction. Zeros if nothing
  /// was added.
  Tensor result() const;
  /// A table of the counts: a row for each label, a column for each prediction. Where names would
  /// make it wider than 80 characters, ids are above the columns, and in front of the names of the
  /// rows.
  std::string str() const;

 private:
  void add(const std::vector<detail::Labelled>& found);
  std::string table(const std::vector<std::string>& labels,
                    const std::vector<std::string>& predictions) const;

  std::vector<std::string> names_;
  LabelOptions options_;
  std::vector<std::int64_t> counts_;  // row by row
  detail::MovedFrom moved_;
};

}  // namespace gradus
