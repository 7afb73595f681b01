#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <span>

namespace gradus {

/// The mean over queries of 1 / rank of the first item that is relevant (MRR), 0 where none is
/// found. The best item has rank 1; of equal scores the item with the lower id is first.
class GRADUS_API MeanReciprocalRank {
 public:
  /// The scores of C items for each query, [..., C], and what is relevant: int64 [...], one item
  /// for each, or boolean [..., C]. Throws ShapeError, DTypeError, IndexError for an item outside
  /// [0, C), ValueError for a score that is NaN and for a query with nothing relevant.
  void add(const Tensor& scores, const Tensor& relevant);
  /// The ids of the items found for one query, the best first, and those of the relevant ones.
  /// Throws ValueError if nothing is relevant or an id is listed twice.
  void add(std::span<const std::int64_t> found, std::span<const std::int64_t> relevant);
  void merge(const MeanReciprocalRank& other);

  /// Throws ValueError if nothing was added.
  double result() const;
  std::int64_t count() const { return queries_; }

 private:
  double sum_ = 0;
  std::int64_t queries_ = 0;
};

/// The mean over queries of the share of relevant items that are among the best k.
class GRADUS_API RecallAtK {
 public:
  /// Throws ValueError unless k is positive.
  explicit RecallAtK(std::int64_t k);

  /// As for MeanReciprocalRank. Throws ValueError also if there are fewer than k scores.
  void add(const Tensor& scores, const Tensor& relevant);
  /// Fewer than k items may be found.
  void add(std::span<const std::int64_t> found, std::span<const std::int64_t> relevant);
  /// Throws ValueError if the other one has a different k.
  void merge(const RecallAtK& other);

  /// Throws ValueError if nothing was added.
  double result() const;
  std::int64_t count() const { return queries_; }

 private:
  std::int64_t k_;
  double sum_ = 0;
  std::int64_t queries_ = 0;
};

}  // namespace gradus
