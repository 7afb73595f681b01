#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/bags.h>
#include <gradus/framework/kernels/prefetch.h>
#include <gradus/framework/kernels/wide_sums.h>

#include <algorithm>
#include <type_traits>

namespace gradus::kernels {
namespace {

/// Calls f(b, begin, end, prefetch) for every bag and its positions, in parallel. f calls
/// prefetch(k) at each position k, which fetches rows ahead.
template <class T, class F>
void for_each_bag(const T* table, const int64_t* ids, const int64_t* starts, int64_t bags,
                  int64_t D, F&& f) {
  if (bags == 0 || D == 0) return;
  const int64_t n = starts[bags];
  const Prefetcher<false> prefetch(table, D * int64_t{sizeof(T)});
  const int64_t cost = (n / bags + 1) * (D + kMissCost);
  parallel_for(bags, cost, [&](int64_t first, int64_t last) {
    int64_t asked = starts[first];  // rows before it have been prefetched
    for (int64_t b = first; b < last; ++b) {
      f(b, starts[b], starts[b + 1], [&](int64_t k) {
        for (const int64_t soon = std::min(k + 1 + prefetch.ahead(), n); asked < soon; ++asked) {
          prefetch(ids[asked]);
        }
      });
    }
  });
}

template <class T>
inline void add_row(T weight, const T* __restrict row, T* __restrict sum, int64_t n) {
  for (int64_t i = 0; i < n; ++i) sum[i] += weight * row[i];
}

template <class T>
inline void set_row(T weight, const T* __restrict row, T* __restrict sum, int64_t n) {
  for (int64_t i = 0; i < n; ++i) sum[i] = weight * row[i];
}

/// One bag. Long ones are summed in blocks of positions in T, and the blocks in double.
template <class T>
struct BagSum {
  static constexpr int64_t kPositions = 64, kColumns = 512;
  const T* table;
  const int64_t* ids;
  const T* weights;
  int64_t D;

  T weight(int64_t k) const { return weights ? weights[k] : T{1}; }
  const T* row(int64_t k) const { return table + ids[k] * D; }

  template <class Ask>
  void short_one(int64_t begin, int64_t end, Ask&& ask, T* sum) const {
    ask(begin);
    set_row(weight(begin), row(begin), sum, D);
    for (int64_t k = begin + 1; k < end; ++k) {
      ask(k);
      add_row(weight(k), row(k), sum, D);
    }
  }

  template <class Ask>
  void long_one(int64_t begin, int64_t end, Ask&& ask, T* out) const {
    T sum[kColumns];
    double total[kColumns];
    for (int64_t column = 0; column < D; column += kColumns) {
      const int64_t width = std::min(kColumns, D - column);
      std::fill_n(total, width, 0.0);
      for (int64_t block = begin; block < end; block += kPositions) {
        std::fill_n(sum, width, T{0});
        for (int64_t k = block; k < std::min(block + kPositions, end); ++k) {
          ask(k);
          add_row(weight(k), row(k) + column, sum, width);
        }
        for (int64_t i = 0; i < width; ++i) total[i] += static_cast<double>(sum[i]);
      }
      for (int64_t i = 0; i < width; ++i) out[column + i] = static_cast<T>(total[i]);
    }
  }
};

template <class T>
void divide_row(T* row, int64_t D, int64_t count) {
  const T size = static_cast<T>(count);
  for (int64_t i = 0; i < D; ++i) row[i] /= size;
}

/// 0 if x is 0, whatever y is. Eight partial sums, so that the compiler can use vectors.
template <class T>
double dot(const T* x, const T* y, int64_t n) {
  if (std::all_of(x, x + n, [](T v) { return v == 0; })) return 0;
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int64_t j = 0; j < 8; ++j) {
      part[j] += static_cast<double>(x[i + j]) * static_cast<double>(y[i + j]);
    }
  }
  for (; i < n; ++i) part[i & 7] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

/// Adjacent columns of bags and the ids of their maxima.
template <class T>
struct WinnerColumns {
  const T* rows;
  const int64_t* winners;
  int64_t bags, D, begin, end;

  template <class F>
  void for_each(const F& f) const {
    for (int64_t b = 0; b < bags; ++b) {
      for (int64_t d = begin; d < end; ++d) {
        const int64_t winner = winners[b * D + d];
        if (winner >= 0) f(winner * D + d, rows[b * D + d]);
      }
    }
  }

  /// table[winner, d] += rows[b, d]; targets that win many bags are summed in double.
  void add_to(T* table) const {
    if constexpr (std::is_same_v<T, float>) {
      FrequentTargets frequent(bags > FrequentTargets::limit ? bags * (end - begin) : 0);
      if (frequent.buckets() > 0) {
        for_each([&](int64_t target, float) { frequent.count(target); });
      }
      if (frequent.any()) {
        WideSums wide(1, table);
        for_each([&](int64_t target, float value) {
          if (frequent.has(target)) {
            *wide.at(target) += static_cast<double>(value);
          } else {
            table[target] += value;
          }
        });
        return wide.finish();
      }
    }
    for_each([=](int64_t target, T value) { table[target] += value; });
  }
};

}  // namespace

template <class T>
void bag_sums(const T* table, const int64_t* ids, const int64_t* starts, const T* weights,
              int64_t bags, int64_t D, bool mean, T* out) {
  const BagSum<T> sum{table, ids, weights, D};
  for_each_bag(table, ids, starts, bags, D, [&](int64_t b, int64_t begin, int64_t end, auto&& ask) {
    T* y = out + b * D;
    if (begin == end) {
      std::fill_n(y, D, T{0});
      return;
    }
    if (end - begin <= BagSum<T>::kPositions) {
      sum.short_one(begin, end, ask, y);
    } else {
      sum.long_one(begin, end, ask, y);
    }
    if (mean) divide_row(y, D, end - begin);
  });
}

template <class T>
void bag_maxima(const T* table, const int64_t* ids, const int64_t* starts, int64_t bags, int64_t D,
                T* out, int64_t* winners) {
  for_each_bag(table, ids, starts, bags, D, [&](int64_t b, int64_t begin, int64_t end, auto&& ask) {
    T* y = out + b * D;
    int64_t* winner = winners ? winners + b * D : nullptr;
    if (winner) std::fill_n(winner, D, begin == end ? int64_t{-1} : ids[begin]);
    if (begin == end) {
      std::fill_n(y, D, T{0});
      return;
    }
    std::copy_n(table + ids[begin] * D, D, y);
    for (int64_t k = begin + 1; k < end; ++k) {
      ask(k);
      const T* row = table + ids[k] * D;
      for (int64_t d = 0; d < D; ++d) {
        const bool wins = row[d] > y[d] || (row[d] != row[d] && y[d] == y[d]);
        y[d] = wins ? row[d] : y[d];
        if (winner) winner[d] = wins ? ids[k] : winner[d];
      }
    }
  });
}

template <class T>
void scatter_to_winners(const T* rows, const int64_t* winners, int64_t bags, int64_t D, T* table) {
  if (bags == 0) return;
  constexpr int64_t kColumns = 16;  // columns that one task owns
  parallel_for_each((D + kColumns - 1) / kColumns, 4 * kColumns * bags, [&](int64_t i) {
    const int64_t begin = i * kColumns;
    WinnerColumns<T>{rows, winners, bags, D, begin, std::min(begin + kColumns, D)}.add_to(table);
  });
}

template <class T>
void divide_by_bag_sizes(const T* rows, const int64_t* starts, int64_t bags, int64_t D, T* out) {
  parallel_for_each(bags, 2 * D + 1, [&](int64_t b) {
    const int64_t count = starts[b + 1] - starts[b];
    if (count == 0) {
      std::fill_n(out + b * D, D, T{0});
    } else {
      std::copy_n(rows + b * D, D, out + b * D);
      divide_row(out + b * D, D, count);
    }
  });
}

template <class T>
void bag_dots(const T* table, const int64_t* ids, const T* rows, const int64_t* segments, int64_t n,
              int64_t D, T* out) {
  const Prefetcher<false> prefetch(table, D * int64_t{sizeof(T)});
  parallel_for(n, 2 * D + kMissCost, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      if (k + prefetch.ahead() < end) prefetch(ids[k + prefetch.ahead()]);
      out[k] = static_cast<T>(dot(rows + segments[k] * D, table + ids[k] * D, D));
    }
  });
}

void bag_segments(const int64_t* starts, int64_t bags, int64_t* segments) {
  for (int64_t b = 0; b < bags; ++b) std::fill(segments + starts[b], segments + starts[b + 1], b);
}

int64_t first_bad_offset(const int64_t* offsets, int64_t count, int64_t n) {
  int64_t before = 0;
  for (int64_t i = 0; i < count; before = offsets[i++]) {
    if (i == 0 ? offsets[i] != 0 : offsets[i] < before || offsets[i] > n) return i;
  }
  return -1;
}

GRADUS_INSTANTIATE_FLOATS(bag_sums)
GRADUS_INSTANTIATE_FLOATS(bag_maxima)
GRADUS_INSTANTIATE_FLOATS(scatter_to_winners)
GRADUS_INSTANTIATE_FLOATS(divide_by_bag_sizes)
GRADUS_INSTANTIATE_FLOATS(bag_dots)

}  // namespace gradus::kernels
