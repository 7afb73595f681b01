#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace gradus::detail {

/// Rows of float32 that come one after another, of which the number is not known before. They lie
/// in several blocks until the end, so that no more than one copy of them is needed.
class GrowingMatrix {
 public:
  /// expected: about how many rows there will be, or 0.
  GrowingMatrix(std::int64_t columns, std::int64_t expected);

  std::int64_t rows() const { return rows_; }
  /// The memory of the next row, good until the next call of add_row().
  float* free_row() {
    if (used_ == room_) grow();
    return block_ + used_ * columns_;
  }
  /// Keeps what was written there.
  void add_row() {
    ++used_;
    ++rows_;
  }
  /// The matrix [rows, columns]. Ends this.
  Tensor finish();

 private:
  struct Block {
    std::unique_ptr<float[]> values;
    std::int64_t rows;
  };
  void grow();
  Tensor joined();

  std::int64_t columns_, rows_ = 0;
  Tensor first_;  // the expected rows
  std::int64_t first_rows_;
  std::vector<Block> others_;  // not of the tensors' pool, which would keep their memory
  float* block_ = nullptr;     // the last block
  std::int64_t used_ = 0, room_ = 0;
};

}  // namespace gradus::detail
