#pragma once
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/optim/detail/row_order.h>

#include <cstdint>
#include <vector>

/// How an optimizer's rule is applied to a parameter. A rule is a function object
///   void operator()(T gradient, T& parameter, T&... buffers) const
/// that updates one element; its cost is the work per element (see parallel_for).
namespace gradus::detail {

/// The direction of a rule, g = sign gradient + decay w. Decoupled decay is not part of g: it
/// replaces w by shrink w.
template <class T>
struct Direction {
  template <class Options>
  explicit Direction(const Options& options, bool decoupled = false)
      : sign(options.maximize ? T{-1} : T{1}),
        decay(static_cast<T>(decoupled ? 0 : options.weight_decay)),
        shrink(static_cast<T>(decoupled ? 1 - options.lr * options.weight_decay : 1)) {}

  T operator()(T gradient, T w) const { return sign * gradient + decay * w; }

  T sign, decay, shrink;
};

/// The loop of all rules, which compilers vectorise. If inlined early, it would lose `restrict`,
/// and compilers would test whether the arrays overlap.
template <class T, class Rule, class... Arrays>
[[gnu::noinline]] void update_elements(const Rule& rule, std::int64_t n,
                                       const T* __restrict gradient, Arrays* __restrict... arrays) {
  for (std::int64_t i = 0; i < n; ++i) rule(gradient[i], arrays[i]...);
}

/// Applies the rule to all n elements, in parallel.
template <class T, class Rule, class... Arrays>
void update_all(std::int64_t cost, const Rule& rule, std::int64_t n, const T* gradient,
                Arrays*... arrays) {
  parallel_for(n, cost, [&](std::int64_t begin, std::int64_t end) {
    update_elements(rule, end - begin, gradient + begin, (arrays + begin)...);
  });
}

/// Applies the rule to the rows of tables [V, D] that a gradient holds. The values of a repeated
/// row are added just before, in the order of their positions, so that neither the coalesced
/// gradient nor the rows that bags share are written out. Rows are prefetched about 8 KiB ahead, at
/// most 2 KiB of each.
template <class T, class Rule, class... Tables>
void update_rows(std::int64_t cost, const Rule& rule, const SparseGrad& gradient, RowOrder& order,
                 Tables*... tables) {
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
  parallel_for(n, D * cost + miss, [&](std::int64_t first, std::int64_t last) {
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
      update_elements(rule, D, g, (tables + order.row(k) * D)...);
    }
  });
}

/// Applies the rule to a parameter and its buffers, with a dense gradient.
template <class T, class Rule, class... Buffers>
void update_dense(std::int64_t cost, const Rule& rule, const Parameter& parameter,
                  const Buffers&... buffers) {
  update_all(cost, rule, parameter.numel(), parameter.grad().dense().data<T>(),
             parameter.mutable_data<T>(), buffers.template mutable_data<T>()...);
}

/// The same, for the rows that a sparse gradient holds.
template <class T, class Rule, class... Buffers>
void update_sparse(std::int64_t cost, const Rule& rule, const Parameter& parameter, RowOrder& order,
                   const Buffers&... buffers) {
  update_rows<T>(cost, rule, parameter.grad().sparse(), order, parameter.mutable_data<T>(),
                 buffers.template mutable_data<T>()...);
}

}  // namespace gradus::detail
