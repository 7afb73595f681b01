#pragma once
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/framework/module/module.h>

#include <cstddef>
#include <cstdint>
#include <vector>

/// How an optimizer's rule meets a parameter. A rule is a function object
///   void operator()(std::int64_t n, const T* gradient, T* parameter, T*... buffers) const
/// that updates n elements in one pass; its `cost` is the work of an element (see parallel_for).
namespace gradus::detail {

/// Applies the rule to all n elements.
template <class T, class Rule, class... Arrays>
void update_all(const Rule& rule, std::int64_t n, const T* gradient, Arrays*... arrays) {
  parallel_for(n, Rule::cost, [&](std::int64_t begin, std::int64_t end) {
    rule(end - begin, gradient + begin, (arrays + begin)...);
  });
}

/// The positions of a sparse gradient, sorted by row. An optimizer keeps one, for its memory.
class GRADUS_API RowOrder {
 public:
  void sort(const SparseGrad& gradient);

  /// Distinct rows; row(k) rises with k < size().
  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t row(std::int64_t k) const { return rows_[static_cast<std::size_t>(k)]; }
  /// The positions of row(k), in rising order.
  const std::int64_t* begin(std::int64_t k) const {
    return positions_.data() + begins_[static_cast<std::size_t>(k)];
  }
  const std::int64_t* end(std::int64_t k) const { return begin(k + 1); }

 private:
  std::vector<std::int64_t> rows_, begins_, positions_, slots_;
};

/// Applies the rule to the rows of tables [V, D] that a gradient holds. The values of a row that
/// repeats are added in the order of their positions just before, so that neither the coalesced
/// gradient nor, of bags, the rows that they share are written out. Rows some way ahead are asked
/// for early: about 8 KiB, not more than 2 KiB of each.
template <class T, class Rule, class... Tables>
void update_rows(const Rule& rule, const SparseGrad& gradient, RowOrder& order, Tables*... tables) {
  order.sort(gradient);
  const std::int64_t n = order.size(), D = gradient.row_size();
  const SparseEntries entries = gradient.entries();
  const T* rows = entries.rows.data<T>();
  const std::int64_t* sources =
      entries.sources.defined() ? entries.sources.data<std::int64_t>() : nullptr;
  const T* factors = entries.factors.defined() ? entries.factors.data<T>() : nullptr;
  const auto row_at = [=](std::int64_t k) { return rows + (sources ? sources[k] : k) * D; };
  constexpr std::int64_t line = 64 / sizeof(T);
  const std::int64_t near = D < 32 * line ? D : 32 * line;
  const std::int64_t fitting = 128 * line / (D > 0 ? D : 1);
  const std::int64_t ahead = fitting < 2 ? 2 : fitting > 16 ? 16 : fitting;
  const auto fetch = [&](const T* row) {
    for (std::int64_t i = 0; i < near; i += line) __builtin_prefetch(row + i, 1);
  };
  constexpr std::int64_t miss = 24;  // a row's cache misses, in additions
  parallel_for(n, D * Rule::cost + miss, [&](std::int64_t first, std::int64_t last) {
    std::vector<T> sum(static_cast<std::size_t>(D));
    for (std::int64_t k = first; k < last; ++k) {
      if (k + ahead < n) {
        fetch(row_at(*order.begin(k + ahead)));
        (fetch(tables + order.row(k + ahead) * D), ...);
      }
      const std::int64_t* position = order.begin(k);
      const T* g = row_at(*position);
      if (factors || order.end(k) - position > 1) {
        const T weight = factors ? factors[*position] : T{1};
        for (std::int64_t i = 0; i < D; ++i) sum[static_cast<std::size_t>(i)] = weight * g[i];
        for (++position; position < order.end(k); ++position) {
          const T* more = row_at(*position);
          const T factor = factors ? factors[*position] : T{1};
          for (std::int64_t i = 0; i < D; ++i) sum[static_cast<std::size_t>(i)] += factor * more[i];
        }
        g = sum.data();
      }
      rule(D, g, (tables + order.row(k) * D)...);
    }
  });
}

/// Applies the rule to a parameter and its buffers: to all of it if its gradient is dense, to the
/// rows present if it is sparse.
template <class T, class Rule, class... Buffers>
void update_parameter(const Rule& rule, const Parameter& parameter, RowOrder& order,
                      const Buffers&... buffers) {
  const Gradient& gradient = parameter.grad();
  T* w = parameter.mutable_data<T>();
  if (gradient.is_dense()) {
    update_all(rule, parameter.numel(), gradient.dense().data<T>(), w,
               buffers.template mutable_data<T>()...);
  } else {
    update_rows<T>(rule, gradient.sparse(), order, w, buffers.template mutable_data<T>()...);
  }
}

/// The same for a gradient that is known to be dense.
template <class T, class Rule, class... Buffers>
void update_dense(const Rule& rule, const Parameter& parameter, const Buffers&... buffers) {
  update_all(rule, parameter.numel(), parameter.grad().dense().data<T>(),
             parameter.mutable_data<T>(), buffers.template mutable_data<T>()...);
}

}  // namespace gradus::detail
