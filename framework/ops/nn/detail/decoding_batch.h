#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/generate.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::detail {

/// The sequences that a model reads side by side. All have the same number of ids in the model.
class DecodingBatch {
 public:
  /// One sequence for each list of ids.
  DecodingBatch(const GenerationModel& model, TokenIds ids);

  std::int64_t size() const { return std::ssize(ids_); }
  const std::vector<std::int64_t>& ids(std::size_t row) const { return ids_[row]; }
  void append(std::size_t row, std::int64_t id) { ids_[row].push_back(id); }

  /// Has the model read ids of all rows up to the end of the shortest, and keeps the logits of what
  /// follows. Throws ShapeError, DTypeError, ValueError for what cannot be the logits.
  void read();
  /// Whether a row is at its end: its next id is to be chosen by its logits.
  bool is_open(std::size_t row) const { return std::ssize(ids_[row]) == read_; }
  /// The logits of a row, [V].
  std::vector<double> logits(std::size_t row) const;
  /// The size of V; 0 before read().
  std::int64_t vocabulary() const { return vocabulary_; }

  bool can_select() const { return model_.select != nullptr; }
  /// Keeps these rows, in this order.
  void select(const std::vector<std::size_t>& rows);

 private:
  Tensor next_ids() const;
  void take(const Tensor& logits);

  const GenerationModel& model_;
  TokenIds ids_;
  std::int64_t read_ = 0, vocabulary_ = 0;
  Tensor logits_;  // [B, V], float64
};

}  // namespace gradus::detail
