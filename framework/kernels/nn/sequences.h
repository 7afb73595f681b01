#pragma once
#include <gradus/framework/base/parallel.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradus::kernels {

/// Sequences [B, T, C].
struct Sequences {
  int64_t B, T, C;
  const int64_t* lengths = nullptr;  ///< [B]; null if all are T

  int64_t length(int64_t b) const { return lengths ? lengths[b] : T; }

  /// Elements from the end of each sequence on of y [B, T, C] = value.
  template <class E>
  void fill_padding(E* y, E value) const {
    if (!lengths) return;
    parallel_for_each(B, T * C / 8 + 8, [=, this](int64_t b) {
      std::fill(y + (b * T + length(b)) * C, y + (b + 1) * T * C, value);
    });
  }
};

/// The elements of sequences, without the padding, as rows of one matrix: sequence by sequence.
class SequenceRows {
 public:
  explicit SequenceRows(const Sequences& sequences) {
    first_.reserve(static_cast<size_t>(sequences.B) + 1);
    for (int64_t b = 0; b < sequences.B; ++b) first_.push_back(count() + sequences.length(b));
  }

  int64_t count() const { return first_.back(); }
  /// The first row of sequence b; for b = B, the number of rows.
  int64_t first(int64_t b) const { return first_[static_cast<size_t>(b)]; }

  /// Calls f(row - begin, b, t, n) for the parts [t, t + n) of sequences b that rows [begin, end)
  /// are.
  template <class F>
  void for_each_part(int64_t begin, int64_t end, const F& f) const {
    const auto after = std::upper_bound(first_.begin(), first_.end(), begin);
    for (int64_t b = after - first_.begin() - 1, row = begin; row < end; ++b) {
      const int64_t n = std::min(end, first(b + 1)) - row;
      if (n > 0) f(row - begin, b, row - first(b), n);
      row += n;
    }
  }

  /// Calls f(row - begin, b, t) for element t of sequence b in each of rows [begin, end).
  template <class F>
  void for_each(int64_t begin, int64_t end, const F& f) const {
    for_each_part(begin, end, [&](int64_t row, int64_t b, int64_t t, int64_t n) {
      for (int64_t i = 0; i < n; ++i) f(row + i, b, t + i);
    });
  }

 private:
  std::vector<int64_t> first_{0};
};

}  // namespace gradus::kernels
