#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/gemv.h>
#include <gradus/framework/kernels/nn/attention_block.h>
#include <gradus/framework/kernels/simd/wide_sum.h>

namespace gradus::kernels {
namespace {

using gradus::detail::Batch;
using gradus::detail::batch_size;

constexpr int64_t few_queries = 4;  // would leave most of a panel empty

/// The softmax of a panel of queries, whose scores come block by block.
template <class T>
class RunningSoftmax {
 public:
  static constexpr int64_t width = tile_columns<T>, step = batch_size<T>;

  RunningSoftmax() {
    for (int64_t half = 0; half < 2; ++half) {
      greatest_[half] = Batch<T>(-std::numeric_limits<T>::infinity());
      sum_[half] = Batch<T>(T{0});
    }
  }

  /// s [n, width] = exp(s - the greatest score so far). Multiplies what was summed before with
  /// other differences, out [rows, width], so that it fits.
  void add(int64_t n, T* s, int64_t rows, T* out) {
    for (int64_t half = 0; half < 2; ++half)
      add_half(half, n, s + half * step, rows, out + half * step);
  }

  /// out = out / sum, and the two numbers of each query that describe its softmax.
  void finish(int64_t rows, T* out, T* greatest, T* factor) const {
    const Batch<T> zero(T{0}), one(T{1}), infinite(std::numeric_limits<T>::infinity());
    for (int64_t half = 0; half < 2; ++half) {
      const auto has_none = sum_[half] == zero;
      const Batch<T> inverse = select(has_none, zero, one / select(has_none, one, sum_[half]));
      inverse.store_unaligned(factor + half * step);
      select(has_none, infinite, shift(half)).store_unaligned(greatest + half * step);
      for (int64_t i = 0; i < rows; ++i) {
        T* y = out + i * width + half * step;
        (Batch<T>::load_aligned(y) * inverse).store_aligned(y);
      }
    }
  }

 private:
  /// What is subtracted: 0 if all scores are -infinity, so that exp gives 0.
  Batch<T> shift(int64_t half) const {
    const Batch<T> none(-std::numeric_limits<T>::infinity());
    return select(greatest_[half] == none, Batch<T>(T{0}), greatest_[half]);
  }

  void add_half(int64_t half, int64_t n, T* s, int64_t rows, T* out) {
    const Batch<T> before = greatest_[half];  // -infinity at first: the change is then 0
    Batch<T> even = before, odd = even;
    int64_t i = 0;
    for (; i + 1 < n; i += 2) {
      even = max(Batch<T>::load_aligned(s + i * width), even);
      odd = max(Batch<T>::load_aligned(s + (i + 1) * width), odd);
    }
    if (i < n) even = max(Batch<T>::load_aligned(s + i * width), even);
    greatest_[half] = max(even, odd);
    const Batch<T> now = shift(half);
    if (any(before != now)) {
      const Batch<T> change = gradus::detail::exp_flushed<T>(before - now);
      sum_[half] = sum_[half] * change;
      for (int64_t c = 0; c < rows; ++c) {
        T* y = out + c * width;
        (Batch<T>::load_aligned(y) * change).store_aligned(y);
      }
    }
    Batch<T> sum(T{0});
    for (int64_t j = 0; j < n; ++j) {
      const Batch<T> e =
          gradus::detail::exp_flushed<T>(Batch<T>::load_aligned(s + j * width) - now);
      sum += e;
      e.store_aligned(s + j * width);
    }
    sum_[half] += sum;
  }

  Batch<T> greatest_[2], sum_[2];
};

/// The attention of one block of queries.
template <class T>
class Block {
 public:
  Block(const Attention<T>& call, const QueryRange& queries)
      : call_(call),
        queries_(queries),
        panels_(queries.panels(width)),
        q_(panels_ * call.d * width),
        out_(panels_ * call.dv * width),
        s_(key_block * width),
        keys_(call.k, call.d),
        values_(call.v, call.dv),
        scores_(call),
        factors_(call.dropout.p > 0) {
    for (int64_t p = 0; p < panels_; ++p) pack(p);
    std::fill_n(out_.data(), panels_ * call.dv * width, T{0});
  }

  void run(Heads<T> out, T* greatest, T* factor) {
    const int64_t keys = keys_of(call_, queries_);
    for (int64_t j = 0; j < keys; j += key_block) {
      const int64_t n = std::min(keys - j, key_block), kv_head = queries_.h / call_.group();
      const T* k = keys_.load(queries_.b, kv_head, j, n);
      const T* v = values_.load(queries_.b, kv_head, j, n);
      for (int64_t p = 0; p < panels_; ++p) add(p, j, k, v);
    }
    for (int64_t p = 0; p < panels_; ++p) finish(p, out, greatest, factor);
  }

 private:
  static constexpr int64_t width = tile_columns<T>;

  T* q_panel(int64_t p) const { return q_.data() + p * call_.d * width; }
  T* out_panel(int64_t p) const { return out_.data() + p * call_.dv * width; }

  void pack(int64_t p) {
    const auto [b, h, first, count] = queries_.panel(p, width);
    T* to = q_panel(p);
    pack_columns(call_.q.at(b, h, first), call_.q.time, count, call_.d, to);
    for (int64_t i = 0; i < call_.d * width; ++i) to[i] *= call_.scale;
  }

  /// Adds what keys [j, j + key_block) contribute to a panel.
  void add(int64_t p, int64_t j, const T* keys, const T* values) {
    const QueryRange queries = queries_.panel(p, width);
    const int64_t n = std::min(keys_of(call_, queries) - j, key_block);
    if (n <= 0) return;
    scores_.compute(queries, j, n, keys, q_panel(p), s_.data());
    softmax_[p].add(n, s_.data(), call_.dv, out_panel(p));
    if (call_.dropout.p > 0) {
      const T* kept = factors_.dropout(call_, queries, j, n);
      for (int64_t i = 0; i < n * width; ++i) s_[i] = kept[i] == 0 ? T{0} : s_[i] * kept[i];
    }
    multiply_panel<T, TileLeft::by_columns>(call_.dv, n, values, call_.dv, s_.data(), width, width,
                                            T{1}, out_panel(p), width);
  }

  void finish(int64_t p, Heads<T> out, T* greatest, T* factor) {
    const auto [b, h, first, count] = queries_.panel(p, width);
    T ends[2][width];
    softmax_[p].finish(call_.dv, out_panel(p), ends[0], ends[1]);
    transpose_block(out_panel(p), width, out.at(b, h, first), out.time, call_.dv, count);
    if (!greatest) return;
    const int64_t place = (b * call_.H + h) * call_.Q + first;
    std::copy_n(ends[0], count, greatest + place);
    std::copy_n(ends[1], count, factor + place);
  }

  const Attention<T>& call_;
  const QueryRange queries_;
  const int64_t panels_;
  Scratch<T> q_, out_, s_;
  CloseRows<T> keys_, values_;
  Scores<T> scores_;
  ScoreFactors<T> factors_;
  RunningSoftmax<T> softmax_[query_block / width];
};

/// The attention of one query of head h, for calls with few: as products of matrices and vectors.
template <class T>
void attend_one(const Attention<T>& call, int64_t b, int64_t h, int64_t i, T* out) {
  const int64_t n = keys_of(call, {b, h, i, 1}), kv_head = h / call.group();
  std::fill_n(out, call.dv, T{0});
  if (n == 0) return;
  const Scratch<T> scores(n);
  T* s = scores.data();
  gemv(false, n, call.d, call.scale, call.k.at(b, kv_head, 0), call.k.time, call.q.at(b, h, i),
       int64_t{1}, T{0}, s, int64_t{1});
  add_mask(call.mask, call.mask.place(b, h, i, 0), n, s);
  const T most = *std::max_element(s, s + n);  // any if there is a NaN, which the sum shows
  if (most == -std::numeric_limits<T>::infinity() && s[0] == most) return;
  const Batch<T> shift(most);
  gradus::detail::map_batches<T>(
      s, n, [&](const Batch<T>& x) { return gradus::detail::exp_flushed<T>(x - shift); },
      gradus::detail::Operand<T>(s, 1));
  const T sum = gradus::detail::add_up<T>(s, n, gradus::detail::unchanged);
  if (sum == 0) return;
  gemv(true, n, call.dv, 1 / sum, call.v.at(b, kv_head, 0), call.v.time, s, int64_t{1}, T{0}, out,
       int64_t{1});
}

}  // namespace

template <class T>
void attention(const Attention<T>& call, Heads<T> out, T* greatest, T* factor) {
  const bool few = call.Q <= few_queries && call.dropout.p == 0;
  const Scratch<T> unused(few && greatest ? call.B * call.H * call.Q * call.dv : 0);
  if (few) {
    parallel_for_each(call.B * call.H * call.Q, call.K * (call.d + call.dv + 8) / 8 + 64,
                      [&](int64_t row) {
                        const int64_t b = row / (call.H * call.Q), h = row / call.Q % call.H;
                        const int64_t i = row % call.Q;
                        attend_one(call, b, h, i, out.at(b, h, i));
                      });
    if (!greatest) return;
    // Of the scores as attention_vjp() computes them, in panels: these are rounded otherwise.
    out = {unused.data(), call.H * call.Q * call.dv, call.Q * call.dv, call.dv};
  }
  const int64_t blocks = blocks_of(call.Q, query_block);
  const int64_t cost = std::min(call.Q, query_block) * (call.K * (call.d + call.dv + 32) / 16 + 64);
  parallel_for_each(call.B * call.H * blocks, cost, [&](int64_t task) {
    const int64_t first = task % blocks * query_block, head = task / blocks;
    const QueryRange queries{head / call.H, head % call.H, first,
                             std::min(query_block, call.Q - first)};
    Block<T>(call, queries).run(out, greatest, factor);
  });
}

GRADUS_INSTANTIATE_FLOATS(attention)

}  // namespace gradus::kernels
