#pragma once
#include <gradus/framework/parallel.h>
#include <gradus/framework/sparse_grad.h>

#include <algorithm>
#include <cstdint>

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

/// Applies the rule to the rows of tables [V, D] that a coalesced gradient holds. Rows some way
/// ahead are asked for early: about 8 KiB, and not more than 2 KiB of each.
template <class T, class Rule, class... Tables>
void update_rows(const Rule& rule, const SparseGrad& gradient, Tables*... tables) {
  const std::int64_t n = gradient.nnz(), D = gradient.row_size();
  const std::int64_t* ids = gradient.ids().data<std::int64_t>();
  const T* values = gradient.values().data<T>();
  constexpr std::int64_t line = 64 / sizeof(T);
  const std::int64_t near = std::min<std::int64_t>(D, 32 * line);
  const std::int64_t ahead =
      std::clamp<std::int64_t>(128 * line / std::max<std::int64_t>(D, 1), 2, 16);
  const auto fetch = [&](const T* row) {
    for (std::int64_t i = 0; i < near; i += line) __builtin_prefetch(row + i, 1);
  };
  constexpr std::int64_t miss = 24;  // a row's cache misses, in additions
  parallel_for(n, D * Rule::cost + miss, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      if (k + ahead < n) (fetch(tables + ids[k + ahead] * D), ...);
      rule(D, values + k * D, (tables + ids[k] * D)...);
    }
  });
}

}  // namespace gradus::detail
