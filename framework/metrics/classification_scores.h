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

/// Precision, recall and their harmonic mean.
struct PrecisionRecall {
  double precision = 0, recall = 0, f1 = 0;
};

/// Those of a class, or of several together.
struct ClassScore : PrecisionRecall {
  std::int64_t support = 0;  ///< how many labels are of the class
};

struct ClassificationOptions {
  /// What precision, recall or F1 is where it would be 0 / 0: a class that was never predicted,
  /// that is no label, or neither. 0 is scikit-learn's default; 1 and NaN are the other choices.
  /// Averages leave out what is NaN.
  double zero_division = 0;
  std::int64_t ignore_index = -100;  ///< elements with this label do not count
};

struct ClassificationResult {
  std::vector<ClassScore> classes;
  ClassScore micro;  ///< of all decisions; with one label an example, each of the three is accuracy
  ClassScore macro;  ///< the mean over the classes, also those that never occur
  ClassScore weighted;  ///< the mean weighted by support
};

/// Precision, recall and F1 by class and on average, as scikit-learn's
/// precision_recall_fscore_support(labels, predictions, labels=range(classes)) has them. Throws
/// Error once it was moved from.
class GRADUS_API ClassificationScores {
 public:
  /// Throws ValueError unless there is a class, and zero_division is 0, 1 or NaN.
  explicit ClassificationScores(std::int64_t classes, const ClassificationOptions& options = {});
  /// Classes with names, which str() shows. Throws ValueError also for two of one name.
  explicit ClassificationScores(std::vector<std::string> names,
                                const ClassificationOptions& options = {});

  /// predictions: scores [..., C], whose highest is the prediction (of equal ones the lower class),
  /// or int64 ids [...]; labels: int64 [...]. Or any number of labels for each example: both
  /// boolean [..., C], true for the classes that it has. Throws ShapeError, DTypeError, IndexError
  /// for an id outside [0, C), ValueError for a score that is NaN.
  void add(const Tensor& predictions, const Tensor& labels);
  void add(std::span<const std::int64_t> predictions, std::span<const std::int64_t> labels);
  /// Throws ValueError if the other one has another number of classes or other options.
  void merge(const ClassificationScores& other);

  std::vector<std::string> names() const;  ///< of the classes: "0", "1", ... if not given
  /// Throws ValueError if nothing was counted.
  ClassificationResult result() const;
  /// A table of the result: a row for each class and each mean. Throws as result() does.
  std::string str() const;
  std::int64_t count() const { return count_; }  ///< labels, or examples with any number of them

 private:
  struct Counts {
    std::int64_t right = 0, predicted = 0, labels = 0;
  };
  ClassScore score(const Counts& counts) const;
  void add(const std::vector<detail::Labelled>& found);
  void add_flags(const Tensor& predictions, const Tensor& labels);

  std::vector<std::string> names_;  // empty if the classes have none
  ClassificationOptions options_;
  std::vector<Counts> counts_;
  std::int64_t count_ = 0;
  detail::MovedFrom moved_;
};

}  // namespace gradus
