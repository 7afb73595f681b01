#pragma once
#include <gradus/framework/kernels/scratch.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::kernels {

/// How the elements of sequences [B, T, ...] of different lengths lie as rows of one matrix,
/// without the padding. The sequences, the longest first, are cut into blocks of about equal
/// numbers of rows, each of which one thread can run from the first step to the last. The rows of a
/// block go step by step; those of a step are the sequences that have not ended, which are the
/// first ones of the block.
class PackedSequences {
 public:
  /// Sequence i of the block is sequence `order[i]` of the batch. Its row of step s is
  /// rows[s] + i, as long as that is less than rows[s + 1].
  struct Block {
    std::span<const int64_t> order;
    std::vector<int64_t> rows;  ///< one more than there are steps

    int64_t size() const { return static_cast<int64_t>(order.size()); }
    int64_t steps() const { return static_cast<int64_t>(rows.size()) - 1; }
    int64_t first_row(int64_t step) const { return rows[static_cast<size_t>(step)]; }
    /// How many sequences take a step; 0 after the last.
    int64_t active(int64_t step) const {
      return step < steps() ? first_row(step + 1) - first_row(step) : 0;
    }
  };

  /// `lengths` [B] in [0, T]; if null, all are T. In reverse, the steps of a sequence start at its
  /// last element. There are as many blocks as if each had up to `block_size` sequences, or fewer
  /// where a few sequences have most of the rows. Memory for all rows must be addressable.
  PackedSequences(const int64_t* lengths, int64_t B, int64_t T, bool reverse, int64_t block_size);
  PackedSequences(const PackedSequences&) = delete;  // blocks refer to the order
  PackedSequences& operator=(const PackedSequences&) = delete;

  /// Sequences of a batch that one thread should run together, for a weight_hh of so many bytes.
  /// They share each pass over it, so there are more of them if it is larger than the caches, but
  /// never more than half the batch if each half has enough. For a single step all are one block,
  /// whose product then runs on several threads.
  static int64_t block_size(int64_t B, int64_t T, int64_t weight_bytes);

  int64_t batch() const { return static_cast<int64_t>(order_.size()); }
  int64_t rows() const { return rows_; }
  int64_t most_steps() const { return blocks_.empty() ? 0 : blocks_[0].steps(); }
  const std::vector<Block>& blocks() const { return blocks_; }
  /// For each row, the place of its element: sequence * T + time.
  const int64_t* places() const { return places_.data(); }

  /// packed [rows, C] = the elements of x [B, T, C].
  template <class T>
  void pack(const T* x, int64_t C, T* packed) const;
  /// The elements of y [B, T, C] = packed [rows, C].
  template <class T>
  void unpack(const T* packed, int64_t C, T* y) const;
  /// The padding of y [B, T, C] = 0.
  template <class T>
  void clear_padding(T* y, int64_t C) const;

 private:
  void add_block(std::span<const int64_t> order, bool reverse);

  int64_t T_, rows_ = 0;
  std::vector<int64_t> lengths_, order_;
  std::vector<Block> blocks_;
  Scratch<int64_t> places_;
};

}  // namespace gradus::kernels
