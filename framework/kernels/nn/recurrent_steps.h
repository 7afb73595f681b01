#pragma once
// What the kernels of recurrent layers share: the loop over steps, the products of a step, and
// where states are kept.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/nn/packed_sequences.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <optional>

namespace gradus::kernels {

/// The right operand op(W) [k, n] of one product in each step of each block.
template <class T>
class StepMatrix {
 public:
  /// W is [n, k] if transposed, else [k, n].
  StepMatrix(const PackedSequences& sequences, bool transposed, int64_t k, int64_t n, const T* w)
      : transposed_(transposed), k_(k), n_(n), w_(w) {
    const bool is_used_once = sequences.blocks().size() <= 1 && sequences.most_steps() <= 1;
    if (!is_used_once) packed_.emplace(transposed, k, n, w, transposed ? k : n);
  }

  bool is_packed() const { return packed_.has_value(); }

  /// C [m, n] = A [m, k] op(W) + beta C.
  void multiply(int64_t m, const T* a, T beta, T* c) const {
    if (packed_) return packed_->multiply(m, a, k_, beta, c, n_);
    gemm<T>(false, transposed_, m, n_, k_, 1, a, k_, w_, transposed_ ? k_ : n_, beta, c, n_);
  }

 private:
  bool transposed_;
  int64_t k_, n_;
  const T* w_;
  std::optional<PackedMatrix<T>> packed_;
};

/// Calls f(block) for each block; `cost` is that of one row.
template <class F>
void for_each_block(const PackedSequences& sequences, int64_t cost, const F& f) {
  const auto& blocks = sequences.blocks();
  const auto count = static_cast<int64_t>(blocks.size());
  if (count == 0) return;
  parallel_for_each(count, (sequences.rows() / count + 1) * cost,
                    [&](int64_t i) { f(blocks[static_cast<size_t>(i)]); });
}

/// The work of a row whose products have so many multiply-adds, in additions.
inline int64_t cost_of_products(int64_t multiply_adds) { return multiply_adds / 16 + 64; }

/// The states [width] of the sequences of a block: before each step as packed rows, and the last
/// ones by place in the batch.
template <class T>
struct StateRows {
  const PackedSequences::Block& block;
  int64_t width;
  T* before;
  T* last;

  T* before_step(int64_t step, int64_t i) const {
    return before + (block.first_row(step) + i) * width;
  }
  T* after_step(int64_t step, int64_t i) const {
    if (i < block.active(step + 1)) return before_step(step + 1, i);
    return last + block.order[static_cast<size_t>(i)] * width;
  }
  /// y [B, T, width] = the states after a step, at the places of its elements.
  void copy_after_step(int64_t step, const int64_t* places, T* y) const {
    const int64_t* to = places + block.first_row(step);
    for (int64_t i = 0; i < block.active(step); ++i) {
      std::copy_n(after_step(step, i), width, y + to[i] * width);
    }
  }
  /// `initial` is [B, width], or null for zeros.
  void start(const T* initial) const {
    for (int64_t i = 0; i < block.size(); ++i) {
      T* to = after_step(-1, i);
      if (initial) {
        std::copy_n(initial + block.order[static_cast<size_t>(i)] * width, width, to);
      } else {
        std::fill_n(to, width, T{0});
      }
    }
  }
};

/// The gradients [width] of the states of a block's sequences, from the last state back to the
/// first.
template <class T>
class CarriedGradient {
 public:
  /// `d_last` is [B, width], or null for zeros.
  CarriedGradient(const PackedSequences::Block& block, int64_t width, const T* d_last)
      : block_(block), width_(width), rows_(block.size() * width) {
    for (int64_t i = 0; i < block.size(); ++i) {
      if (d_last) {
        std::copy_n(d_last + place(i), width, row(i));
      } else {
        std::fill_n(row(i), width, T{0});
      }
    }
  }
  /// Row i is that of the block's sequence i.
  T* row(int64_t i) const { return rows_.data() + i * width_; }
  /// Adds the gradients of the states after a step, which lie in `g` [B, T, width] at `places`.
  void add(int64_t step, const int64_t* places, const T* g) const {
    if (!g) return;
    const int64_t* from = places + block_.first_row(step);
    for (int64_t i = 0; i < block_.active(step); ++i) {
      T* __restrict sum = row(i);
      const T* __restrict addend = g + from[i] * width_;
      for (int64_t j = 0; j < width_; ++j) sum[j] += addend[j];
    }
  }
  /// Writes what has arrived at the initial states [B, width], unless that is null.
  void finish(T* d_initial) const {
    if (!d_initial) return;
    for (int64_t i = 0; i < block_.size(); ++i) std::copy_n(row(i), width_, d_initial + place(i));
  }

 private:
  int64_t place(int64_t i) const { return block_.order[static_cast<size_t>(i)] * width_; }

  const PackedSequences::Block& block_;
  int64_t width_;
  Scratch<T> rows_;
};

}  // namespace gradus::kernels
