#pragma once
// What the kernels of convolutions share: the windows of sequences, as rows of a matrix, and their
// products with a weight.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/nn/convolution.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <cstdint>
#include <deque>

namespace gradus::kernels {

/// Where the windows of elements t lie in other sequences: tap k at (t * up + first + k * step) /
/// down, if that is a whole number inside the sequence; else it is a zero.
struct Taps {
  int64_t count, up, down, first, step;
};

/// The taps of elements of y in x.
inline Taps taps_in_x(const Convolution& c) { return {c.K, c.stride, 1, -c.padding, c.dilation}; }

/// The taps of elements of x in y. The last tap comes first, so that their places ascend too.
inline Taps taps_in_y(const Convolution& c) {
  return {c.K, 1, c.stride, c.padding - (c.K - 1) * c.dilation, c.dilation};
}

/// to [end - begin, taps, channels] = the windows of these rows, of channels [c, c + channels).
template <class T>
void copy_windows(const SequenceRows& rows, int64_t begin, int64_t end, const Taps& taps,
                  const Sequences& from, const T* x, int64_t c, int64_t channels, T* to) {
  const bool adjacent = taps.step == 1 && taps.down == 1 && channels == from.C;
  rows.for_each(begin, end, [&](int64_t, int64_t b, int64_t t) {
    const T* sequence = x + b * from.T * from.C + c;
    const int64_t length = from.length(b), first = t * taps.up + taps.first;
    if (adjacent && first >= 0 && first + taps.count <= length) {
      to = std::copy_n(sequence + first * channels, taps.count * channels, to);
      return;
    }
    for (int64_t k = 0; k < taps.count; ++k) {
      const int64_t place = first + k * taps.step;
      const int64_t s = taps.down == 1 ? place : place / taps.down;
      const bool is_inside = place >= 0 && s < length && s * taps.down == place;
      to = is_inside ? std::copy_n(sequence + s * from.C, channels, to)
                     : std::fill_n(to, channels, T{0});
    }
  });
}

/// to [y.C, K, inputs] = the weight.
template <class T>
void weight_by_tap(const Convolution& c, const T* weight, T* to) {
  const int64_t size = c.K * c.inputs();
  parallel_for_each(c.y.C, 2 * size, [=, &c](int64_t o) {
    transpose_block(weight + o * size, c.K, to + o * size, c.inputs(), c.inputs(), c.K);
  });
}

/// to [groups, K, outputs, inputs] = the weight, with the last tap first.
template <class T>
void weight_from_last_tap(const Convolution& c, const T* weight, T* to) {
  const int64_t size = c.K * c.inputs(), tap = c.outputs() * c.inputs();
  parallel_for_each(c.y.C, 2 * size, [=, &c](int64_t o) {
    const int64_t group = o / c.outputs(), i = o % c.outputs();
    T* const last = to + ((group + 1) * c.K - 1) * tap + i * c.inputs();
    transpose_block(weight + o * size, c.K, last, -tap, c.inputs(), c.K);
  });
}

/// How many rows are multiplied at a time, so that their windows stay in the caches: a multiple of
/// the rows in a tile of packed_gemm().
inline int64_t tile_length(int64_t window) { return window <= 1024 ? 168 : 84; }

/// The work of so many rows whose products have `multiply_adds` each, in additions.
inline int64_t cost_of_rows(int64_t rows, int64_t multiply_adds) {
  return rows * (multiply_adds / 16 + 64);
}

/// The products of the windows of sequences `from` with a weight, one for each group of channels:
/// the elements of sequences `to`.
template <class T>
class WindowProducts {
 public:
  /// `weight` is [groups, outputs, window], or if not transposed [groups, window, outputs].
  WindowProducts(const Sequences& from, const Sequences& to, const Taps& taps, int64_t groups,
                 bool transposed, const T* weight)
      : from_(from),
        to_(to),
        taps_(taps),
        inputs_(from.C / groups),
        outputs_(to.C / groups),
        window_(taps.count * inputs_) {
    for (int64_t i = 0; i < groups; ++i) {
      weights_.emplace_back(transposed, window_, outputs_, weight + i * window_ * outputs_,
                            transposed ? window_ : outputs_);
    }
  }

  int64_t tile() const { return tile_length(window_); }
  int64_t cost(int64_t rows) const { return cost_of_rows(rows, window_ * to_.C); }

  /// Calls f(row, n, sums) for tiles [row, row + n) of rows [begin, end) of `to`, in order; sums
  /// are [n, to.C].
  template <class F>
  void for_each_tile(const SequenceRows& rows, int64_t begin, int64_t end, const T* x,
                     const F& f) const {
    const int64_t most = std::min(tile(), end - begin);
    if (most <= 0) return;
    const Scratch<T> windows(most * window_), sums(most * to_.C);
    for (int64_t row = begin; row < end; row += most) {
      const int64_t n = std::min(most, end - row);
      int64_t i = 0;
      for (const PackedMatrix<T>& weight : weights_) {
        copy_windows(rows, row, row + n, taps_, from_, x, i * inputs_, inputs_, windows.data());
        weight.multiply(n, windows.data(), window_, T{0}, sums.data() + i * outputs_, to_.C);
        ++i;
      }
      f(row, n, sums.data());
    }
  }

  /// y = the products, plus the bias unless that is null.
  void run(const T* x, const T* bias, T* y) const {
    const SequenceRows rows(to_);
    to_.fill_padding(y, T{0});
    const int64_t tiles = (rows.count() + tile() - 1) / tile(), width = to_.C;
    parallel_for_each(tiles, cost(tile()), [&](int64_t i) {
      const int64_t begin = i * tile(), end = std::min(begin + tile(), rows.count());
      for_each_tile(rows, begin, end, x, [&](int64_t row, int64_t n, const T* sums) {
        rows.for_each(row, row + n, [&](int64_t j, int64_t b, int64_t t) {
          const T* __restrict from = sums + j * width;
          T* __restrict to = y + (b * to_.T + t) * width;
          if (!bias) std::copy_n(from, width, to);
          for (int64_t o = 0; bias && o < width; ++o) to[o] = from[o] + bias[o];
        });
      });
    });
  }

 private:
  Sequences from_, to_;
  Taps taps_;
  int64_t inputs_, outputs_, window_;
  std::deque<PackedMatrix<T>> weights_;  // one for each group
};

}  // namespace gradus::kernels
