#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/attention_block.h>
#include <gradus/framework/kernels/simd/lanes.h>

namespace gradus::kernels {
namespace {

using gradus::detail::Batch;
using gradus::detail::batch_size;

template <class T>
constexpr int64_t width = tile_columns<T>;

int64_t round_up(int64_t n, int64_t unit) { return blocks_of(n, unit) * unit; }

template <class T>
T dot(const T* x, const T* y, int64_t n) {
  Batch<T> sum(T{0});
  gradus::detail::for_batches<T>(0, n, [&](int64_t i, auto lanes) {
    sum = multiply_add(load(x + i, lanes), load(y + i, lanes), sum);
  });
  return gradus::detail::reduce_add<T>(sum);
}

/// A block of queries and what arrives at their outputs. Queries whose cotangent is 0 or that have
/// no keys are replaced by zeros with a greatest score of infinity: they contribute exact zeros,
/// whatever they hold.
template <class T>
struct QueryBlock {
  explicit QueryBlock(const Attention<T>& c)
      : call(c),
        q_step(round_up(c.d, width<T>)),
        d_out_step(round_up(c.dv, width<T>)),
        q(query_block * q_step),
        d_out(query_block * d_out_step),
        q_columns(query_block * c.d),
        d_out_columns(query_block * c.dv),
        dq_columns(query_block * c.d) {}

  void load(const QueryRange& range, const AttentionVjp<T>& vjp) {
    queries = range;
    const int64_t rows = queries.panels(width<T>) * width<T>;
    std::fill_n(dq_columns.data(), rows * call.d, T{0});
    for (int64_t i = 0; i < rows; ++i) load_query(i, vjp);
    for (int64_t p = 0; p < queries.panels(width<T>); ++p) {
      const int64_t i = p * width<T>;
      transpose_block(q.data() + i * q_step, q_step, q_panel(p), width<T>, width<T>, call.d);
      transpose_block(d_out.data() + i * d_out_step, d_out_step, d_out_panel(p), width<T>, width<T>,
                      call.dv);
    }
  }

  void load_query(int64_t i, const AttentionVjp<T>& vjp) {
    const int64_t place = (queries.b * call.H + queries.h) * call.Q + queries.first + i;
    const T* g =
        i < queries.count ? vjp.d_out.at(queries.b, queries.h, queries.first + i) : nullptr;
    const bool is_active = g && vjp.factor[place] != 0 &&
                           !std::all_of(g, g + call.dv, [](T value) { return value == 0; });
    greatest[i] = is_active ? vjp.greatest[place] : std::numeric_limits<T>::infinity();
    factor[i] = is_active ? vjp.factor[place] : T{0};
    mean[i] = 0;
    T *const q_row = q.data() + i * q_step, *const d_out_row = d_out.data() + i * d_out_step;
    std::fill(q_row + (is_active ? call.d : 0), q_row + q_step, T{0});
    std::fill(d_out_row + (is_active ? call.dv : 0), d_out_row + d_out_step, T{0});
    if (!is_active) return;
    const T* from = call.q.at(queries.b, queries.h, queries.first + i);
    for (int64_t c = 0; c < call.d; ++c) q_row[c] = call.scale * from[c];
    std::copy_n(g, call.dv, d_out_row);
    mean[i] = dot(g, vjp.out.at(queries.b, queries.h, queries.first + i), call.dv);
  }

  /// dq = scale * dq_columns; zeros for queries that have no part.
  void store_dq(Heads<T> dq, bool adds) const {
    if (!dq.data) return;
    Scratch<T> rows(width<T> * call.d);
    for (int64_t p = 0; p < queries.panels(width<T>); ++p) {
      const QueryRange panel = queries.panel(p, width<T>);
      transpose_block(dq_panel(p), width<T>, rows.data(), call.d, call.d, panel.count);
      for (int64_t i = 0; i < panel.count; ++i) {
        T* y = dq.at(panel.b, panel.h, panel.first + i);
        const T* x = rows.data() + i * call.d;
        const bool is_active = factor[p * width<T> + i] != 0;
        for (int64_t c = 0; c < call.d; ++c) {
          const T value = is_active ? call.scale * x[c] : T{0};
          y[c] = adds ? y[c] + value : value;
        }
      }
    }
  }

  T* q_panel(int64_t p) const { return q_columns.data() + p * width<T> * call.d; }
  T* d_out_panel(int64_t p) const { return d_out_columns.data() + p * width<T> * call.dv; }
  T* dq_panel(int64_t p) const { return dq_columns.data() + p * width<T> * call.d; }

  const Attention<T>& call;
  QueryRange queries{};
  int64_t q_step, d_out_step;
  Scratch<T> q, d_out;                              // rows
  Scratch<T> q_columns, d_out_columns, dq_columns;  // panels
  alignas(64) T greatest[query_block], factor[query_block];
  alignas(64) T mean[query_block];  // of the gradients of the weights, weighted by these
};

/// The gradients of the keys [begin, end) of one head, and their share in those of the queries.
template <class T>
class KeyRange {
 public:
  KeyRange(const Attention<T>& call, const AttentionVjp<T>& vjp)
      : call_(call),
        vjp_(vjp),
        block_(call),
        s_(key_block * width<T>),
        weights_(key_block * stride),
        d_scores_(key_block * stride),
        keys_(call.k, call.d),
        values_(call.v, call.dv),
        scores_(call),
        factors_(call.dropout.p > 0) {}

  void run(int64_t b, int64_t kv_head, int64_t begin, int64_t end, Heads<T> dq) {
    for (int64_t i = 0; i < call_.group(); ++i) {
      const int64_t h = kv_head * call_.group() + i;
      for (int64_t first = 0; first < call_.Q; first += query_block) {
        block_.load({b, h, first, std::min(query_block, call_.Q - first)}, vjp_);
        const int64_t keys = std::min(end, keys_of(call_, block_.queries));
        for (int64_t j = begin; j < keys; j += key_block)
          add(kv_head, j, std::min(keys - j, key_block));
        block_.store_dq(dq, false);
      }
    }
  }

 private:
  /// Elements between the rows of keys: not a power of two, which would share few cache sets.
  static constexpr int64_t stride = query_block + width<T>;

  void add(int64_t kv_head, int64_t j, int64_t n) {
    const QueryRange& queries = block_.queries;
    const T* keys = keys_.load(queries.b, kv_head, j, n);
    const T* values = values_.load(queries.b, kv_head, j, n);
    const int64_t panels = queries.panels(width<T>);
    for (int64_t p = 0; p < panels; ++p) {
      const QueryRange panel = queries.panel(p, width<T>);
      const int64_t seen = std::clamp<int64_t>(keys_of(call_, panel) - j, 0, n);
      T* weights = weights_.data() + p * width<T>;
      T* d_scores = d_scores_.data() + p * width<T>;
      if (seen > 0) differentiate(panel, p, j, seen, keys, values, weights, d_scores);
      for (int64_t i = seen; i < n; ++i) {
        std::fill_n(weights + i * stride, width<T>, T{0});
        std::fill_n(d_scores + i * stride, width<T>, T{0});
      }
    }
    add_products(n, panels * width<T>, weights_.data(), block_.d_out, block_.d_out_step, call_.dv,
                 vjp_.dv, kv_head, j);
    add_products(n, panels * width<T>, d_scores_.data(), block_.q, block_.q_step, call_.d, vjp_.dk,
                 kv_head, j);
  }

  /// The weights, and the gradients of the scores, of keys [j, j + n) and the queries of a panel.
  void differentiate(const QueryRange& panel, int64_t p, int64_t j, int64_t n, const T* keys,
                     const T* values, T* weights, T* d_scores) {
    scores_.compute(panel, j, n, keys, block_.q_panel(p), s_.data());
    multiply_panel<T, TileLeft::by_rows>(n, call_.dv, values, call_.dv, block_.d_out_panel(p),
                                         width<T>, width<T>, T{0}, d_scores, stride);
    const T* kept = call_.dropout.p > 0 ? factors_.dropout(call_, panel, j, n) : nullptr;
    for (int64_t half = 0; half < width<T>; half += batch_size<T>) {
      const int64_t first = p * width<T> + half;
      if (kept) {
        differentiate_half<true>(first, n, s_.data() + half, kept + half, weights + half,
                                 d_scores + half);
      } else {
        differentiate_half<false>(first, n, s_.data() + half, kept, weights + half,
                                  d_scores + half);
      }
    }
    if (vjp_.d_mask) add_to_mask(panel, j, n, d_scores);
    if (vjp_.dq.data) {
      multiply_panel<T, TileLeft::by_columns>(call_.d, n, keys, call_.d, d_scores, stride, width<T>,
                                              T{1}, block_.dq_panel(p), width<T>);
    }
  }

  /// d_scores: on entry the gradients of the weights.
  template <bool dropout>
  void differentiate_half(int64_t first, int64_t n, const T* s, const T* kept, T* weights,
                          T* d_scores) {
    const Batch<T> zero(T{0});
    const auto greatest = Batch<T>::load_aligned(block_.greatest + first);
    const auto factor = Batch<T>::load_aligned(block_.factor + first);
    const auto mean = Batch<T>::load_aligned(block_.mean + first);
    const auto is_idle = factor == zero;
    for (int64_t i = 0; i < n; ++i) {
      const Batch<T> shifted = Batch<T>::load_aligned(s + i * width<T>) - greatest;
      const Batch<T> e = select(is_idle, zero, gradus::detail::exp_flushed<T>(shifted));
      const Batch<T> p = e * factor;
      Batch<T> g = Batch<T>::load_aligned(d_scores + i * stride);
      Batch<T> weight = p;
      if constexpr (dropout) {
        const auto scale = Batch<T>::load_aligned(kept + i * width<T>);
        const auto is_dropped = scale == zero;
        g = select(is_dropped, zero, g * scale);
        weight = select(is_dropped, zero, p * scale);
      }
      weight.store_aligned(weights + i * stride);
      select(e == zero, zero, p * (g - mean)).store_aligned(d_scores + i * stride);
    }
  }

  void add_to_mask(const QueryRange& panel, int64_t j, int64_t n, const T* d_scores) const {
    for (int64_t i = 0; i < panel.count; ++i) {
      T* to = vjp_.d_mask + call_.mask.place(panel.b, panel.h, panel.first + i, j);
      for (int64_t c = 0; c < n; ++c) to[c * call_.mask.key] += d_scores[c * stride + i];
    }
  }

  /// Adds left [n, rows] right [rows, d] to the gradients of keys or values [j, j + n).
  void add_products(int64_t n, int64_t rows, const T* left, const Scratch<T>& right,
                    int64_t right_step, int64_t d, Heads<T> to, int64_t kv_head, int64_t j) const {
    if (!to.data) return;
    T* c = to.at(block_.queries.b, kv_head, j);
    for (int64_t column = 0; column < d; column += width<T>) {
      multiply_panel<T, TileLeft::by_rows>(n, rows, left, stride, right.data() + column, right_step,
                                           std::min(width<T>, d - column), T{1}, c + column,
                                           to.time);
    }
  }

  const Attention<T>& call_;
  const AttentionVjp<T>& vjp_;
  QueryBlock<T> block_;
  Scratch<T> s_, weights_, d_scores_;
  CloseRows<T> keys_, values_;
  Scores<T> scores_;
  ScoreFactors<T> factors_;
};

template <class T>
void clear(Heads<T> x, int64_t B, int64_t heads, int64_t times, int64_t d) {
  if (!x.data) return;
  if (x.head == d) {  // side by side: as one
    d *= heads;
    heads = 1;
  }
  parallel_for_each(B * heads * times, d / 8 + 4, [=](int64_t i) {
    std::fill_n(x.at(i / (heads * times), i / times % heads, i % times), d, T{0});
  });
}

/// How the keys of a head are cut: into few ranges, as each but the first has gradients of the
/// queries of its own. Depends on the shapes alone.
int64_t ranges_of(int64_t heads, int64_t K) {
  constexpr int64_t enough = 16, shortest = 512;
  return std::clamp<int64_t>(std::min(enough / heads, K / shortest), 1, enough);
}

}  // namespace

template <class T>
void attention_vjp(const Attention<T>& call, const AttentionVjp<T>& vjp) {
  clear(vjp.dk, call.B, call.kv_heads, call.K, call.d);
  clear(vjp.dv, call.B, call.kv_heads, call.K, call.dv);
  // Heads that share an element of the gradient of the mask run one after another.
  const int64_t B = vjp.d_mask && call.mask.batch == 0 ? 1 : call.B;
  const int64_t heads = vjp.d_mask && call.mask.head == 0 ? 1 : call.kv_heads;
  const int64_t ranges = vjp.d_mask ? 1 : ranges_of(std::max<int64_t>(B * heads, 1), call.K);
  const int64_t length = round_up(blocks_of(call.K, ranges), key_block);
  const int64_t elements = call.B * call.H * call.Q * call.d;
  const Scratch<T> shares(vjp.dq.data ? (ranges - 1) * elements : 0);
  const auto dq_of = [&](int64_t range) -> Heads<T> {
    if (range == 0 || !vjp.dq.data) return vjp.dq;
    return {shares.data() + (range - 1) * elements, call.H * call.Q * call.d, call.Q * call.d,
            call.d};
  };
  const int64_t cost = call.group() * call.Q * (length * (2 * call.d + 2 * call.dv + 32) / 16 + 64);
  parallel_for_each(
      B * heads * ranges, cost * (call.B / std::max<int64_t>(B, 1)), [&](int64_t task) {
        const int64_t range = task % ranges, head = task / ranges % heads,
                      first = task / ranges / heads;
        KeyRange<T> keys(call, vjp);
        for (int64_t b = first; b < call.B; b += B) {
          for (int64_t h = head; h < call.kv_heads; h += heads) {
            keys.run(b, h, range * length, std::min(call.K, (range + 1) * length), dq_of(range));
          }
        }
      });
  if (!vjp.dq.data || ranges == 1) return;
  parallel_for_each(call.B * call.H * call.Q, ranges * call.d / 8 + 4, [&](int64_t i) {
    const int64_t b = i / (call.H * call.Q), h = i / call.Q % call.H, t = i % call.Q;
    T* __restrict to = vjp.dq.at(b, h, t);
    for (int64_t range = 1; range < ranges; ++range) {
      const T* __restrict from = dq_of(range).at(b, h, t);
      for (int64_t c = 0; c < call.d; ++c) to[c] += from[c];
    }
  });
}

GRADUS_INSTANTIATE_FLOATS(attention_vjp)

}  // namespace gradus::kernels
