#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <span>

namespace gradus {

/// Which labels a metric leaves out.
struct LabelOptions {
  std::int64_t ignore_index = -100;  ///< elements with this label do not count
};

/// The share of predictions that equal their label:
///
///   Accuracy accuracy;
///   for (const Batch& batch : batches) accuracy.add(model(batch.tokens), batch.labels);
///   std::printf("%.4f\n", accuracy.result());
class GRADUS_API Accuracy {
 public:
  explicit Accuracy(const LabelOptions& options = {}) : options_(options) {}

  /// predictions: scores [..., C], whose highest is the prediction (of equal ones the lower class),
  /// or int64 ids [...]; labels: int64 [...]. Throws ShapeError, DTypeError, IndexError for a label
  /// outside [0, C), ValueError for a score that is NaN.
  void add(const Tensor& predictions, const Tensor& labels);
  /// Ids, one for each label. Throws ShapeError.
  void add(std::span<const std::int64_t> predictions, std::span<const std::int64_t> labels);
  /// Throws ValueError if the other one has a different ignore_index.
  void merge(const Accuracy& other);

  /// Throws ValueError if nothing was counted.
  double result() const;
  std::int64_t count() const { return count_; }  ///< labels that were counted

 private:
  LabelOptions options_;
  std::int64_t right_ = 0, count_ = 0;
};

/// The share of labels that are among the k classes with the highest scores. Of equal scores the
/// lower class is first, as in topk.
class GRADUS_API TopKAccuracy {
 public:
  /// Throws ValueError unless k is positive.
  explicit TopKAccuracy(std::int64_t k, const LabelOptions& options = {});

  /// scores: [..., C]; labels: int64 [...]. Throws like Accuracy::add, and ValueError if there are
  /// fewer than k classes.
  void add(const Tensor& scores, const Tensor& labels);
  /// Throws ValueError if the other one has a different k or ignore_index.
  void merge(const TopKAccuracy& other);

  /// Throws ValueError if nothing was counted.
  double result() const;
  std::int64_t count() const { return count_; }

 private:
  std::int64_t k_;
  LabelOptions options_;
  std::int64_t right_ = 0, count_ = 0;
};

}  // namespace gradus
