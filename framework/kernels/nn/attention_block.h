#pragma once
// What the kernels of attention share. Blocks of queries are kept as panels, one for each
// tile_columns of them, in which a column is a query: scores [keys, tile_columns], queries
// [d, tile_columns]. So all sums over keys go down the columns, and keys and values are left
// operands, which need no packing.
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/gemm_tile.h>
#include <gradus/framework/kernels/nn/attention.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/math.h>

#include <algorithm>
#include <limits>

namespace gradus::kernels {

inline constexpr int64_t query_block = 128;  ///< a multiple of tile_columns on all machines
inline constexpr int64_t key_block = 64;     ///< the group of random_words()

inline int64_t blocks_of(int64_t n, int64_t block) { return (n + block - 1) / block; }

/// C [m, columns] = A [m, k] B [k, tile_columns] + beta C, in tiles of about equal heights.
template <class T, TileLeft left>
void multiply_panel(int64_t m, int64_t k, const T* a, int64_t a_step, const T* b, int64_t b_step,
                    int64_t columns, T beta, T* c, int64_t c_step) {
  const int64_t tiles = blocks_of(m, tile_rows);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t i = m * tile / tiles, rows = m * (tile + 1) / tiles - i;
    multiply_tile<T, left>(rows)(k, left == TileLeft::by_rows ? a + i * a_step : a + i, a_step, b,
                                 b_step, columns, {T{1}, beta, c + i * c_step, c_step, 1});
  }
}

/// The queries [first, first + count) of one head, of which a panel has at most tile_columns.
struct QueryRange {
  int64_t b, h;
  int64_t first, count;

  int64_t panels(int64_t width) const { return blocks_of(count, width); }
  QueryRange panel(int64_t i, int64_t width) const {
    return {b, h, first + i * width, std::min(width, count - i * width)};
  }
};

/// The number of keys that any of these queries takes part with.
template <class T>
int64_t keys_of(const Attention<T>& call, const QueryRange& queries) {
  const int64_t length = call.length(queries.b);
  if (!call.causal) return length;
  const int64_t last = queries.first + queries.count - 1;
  return std::clamp<int64_t>(call.K - call.Q + last + 1, 0, length);
}

/// panel [width, tile_columns] = the rows x [n, width] as columns, and zeros for the others.
template <class T>
void pack_columns(const T* x, int64_t x_step, int64_t n, int64_t width, T* panel) {
  if (n < tile_columns<T>) std::fill_n(panel, width * tile_columns<T>, T{0});
  transpose_block(x, x_step, panel, tile_columns<T>, n, width);
}

/// Rows that are read many times, close together: far apart they would share few cache sets.
template <class T>
class CloseRows {
 public:
  CloseRows(Heads<const T> x, int64_t width)
      : x_(x), width_(width), rows_(x.time == width ? 0 : key_block * width) {}

  /// Rows [first, first + n) of a head, n <= key_block, `width` elements apart, until the next
  /// call.
  const T* load(int64_t b, int64_t h, int64_t first, int64_t n) const {
    const T* from = x_.at(b, h, first);
    if (x_.time == width_) return from;
    for (int64_t i = 0; i < n; ++i) std::copy_n(from + i * x_.time, width_, &rows_[i * width_]);
    return rows_.data();
  }

 private:
  Heads<const T> x_;
  int64_t width_;
  Scratch<T> rows_;
};

/// y [n] += what a mask adds to the scores of n keys, from the first one's place in it on.
template <class T>
void add_mask(const AttentionMask<T>& mask, int64_t place, int64_t n, T* y) {
  constexpr T never = -std::numeric_limits<T>::infinity();
  if (mask.takes_part) {
    const bool* from = mask.takes_part + place;
    for (int64_t i = 0; i < n; ++i) y[i] = from[i * mask.key] ? y[i] : never;
  } else if (mask.addend) {
    const T* from = mask.addend + place;
    for (int64_t i = 0; i < n; ++i) y[i] += from[i * mask.key];
  }
}

/// Scratch for what is applied to the scores of a panel: [key_block, tile_columns].
template <class T>
class ScoreFactors {
 public:
  explicit ScoreFactors(bool is_used) : rows_(is_used ? size : 0), columns_(is_used ? size : 0) {
    if (is_used) std::fill_n(rows_.data(), size, T{0});
  }

  /// The mask of keys [j, j + n) as what is added to their scores.
  const T* mask(const Attention<T>& call, const QueryRange& queries, int64_t j, int64_t n) {
    const AttentionMask<T>& mask = call.mask;
    for (int64_t i = 0; i < queries.count; ++i) {
      const int64_t from = mask.place(queries.b, queries.h, queries.first + i, j);
      if (mask.takes_part) {
        fill_row(mask.takes_part + from, mask.key, n, row(i), [](bool takes_part) {
          return takes_part ? T{0} : -std::numeric_limits<T>::infinity();
        });
      } else {
        fill_row(mask.addend + from, mask.key, n, row(i), [](T addend) { return addend; });
      }
    }
    return transposed(queries.count, n);
  }

  /// What dropout multiplies the weights of keys [j, j + n) by; j is a multiple of key_block.
  const T* dropout(const Attention<T>& call, const QueryRange& queries, int64_t j, int64_t n) {
    const auto& [seed, offset, p] = call.dropout;
    const auto kept = static_cast<uint64_t>((1 - p) * 0x1p32);  // of 2^32 words
    const T scale = kept == 0 ? T{0} : static_cast<T>(1 / (1 - p));
    for (int64_t i = 0; i < queries.count; ++i) {
      const int64_t row_of_all = (queries.b * call.H + queries.h) * call.Q + queries.first + i;
      uint32_t words[key_block];
      random_words(seed, offset, row_of_all * blocks_of(call.K, key_block) + j / key_block, words,
                   key_block);
      T* to = row(i);
      for (int64_t c = 0; c < n; ++c) to[c] = words[c] < kept ? scale : T{0};
    }
    return transposed(queries.count, n);
  }

 private:
  static constexpr int64_t size = key_block * tile_columns<T>;

  T* row(int64_t i) const { return rows_.data() + i * key_block; }

  template <class X, class F>
  static void fill_row(const X* x, int64_t step, int64_t n, T* y, const F& f) {
    if (step == 0) {
      std::fill_n(y, n, f(*x));
    } else {
      for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
    }
  }

  const T* transposed(int64_t count, int64_t n) {
    pack_columns(rows_.data(), key_block, count, n, columns_.data());
    return columns_.data();
  }

  Scratch<T> rows_, columns_;
};

/// The scores of keys [j, j + n), n <= key_block, and the queries of a panel.
template <class T>
class Scores {
 public:
  explicit Scores(const Attention<T>& call) : call_(call), factors_(call.mask.defined()) {}

  /// s [n, tile_columns] = keys [n, d] times the panel of queries, which are already scaled, plus
  /// the mask; -infinity where a query does not take part.
  void compute(const QueryRange& queries, int64_t j, int64_t n, const T* keys, const T* panel,
               T* s) {
    constexpr int64_t width = tile_columns<T>;
    multiply_panel<T, TileLeft::by_rows>(n, call_.d, keys, call_.d, panel, width, width, T{0}, s,
                                         width);
    if (call_.mask.defined()) {
      const T* addend = factors_.mask(call_, queries, j, n);
      const bool selects = call_.mask.takes_part;
      for (int64_t i = 0; i < n * width; ++i)
        s[i] = selects && addend[i] < 0 ? addend[i] : s[i] + addend[i];
    }
    if (!call_.causal) return;
    const int64_t first = j - (call_.K - call_.Q) - queries.first;  // query that sees key j
    for (int64_t i = std::max<int64_t>(0, 1 - first); i < n; ++i) {
      std::fill_n(s + i * width, std::min(first + i, width), -std::numeric_limits<T>::infinity());
    }
  }

 private:
  const Attention<T>& call_;
  ScoreFactors<T> factors_;
};

}  // namespace gradus::kernels
