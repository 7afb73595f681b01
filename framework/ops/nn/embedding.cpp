#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/nn/embedding.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace gradus {
namespace {

// The lookups of a call that contribute to the gradient: their positions and factors.
template <class T>
struct Lookups {
  std::vector<std::int64_t> positions, ids;
  std::vector<T> factors;  // 1 / occurrences of the id; empty if all are 1

  Lookups(const Tensor& all, std::int64_t rows, const EmbeddingLookup& lookup) {
    const std::int64_t n = all.numel();
    const auto* id = all.data<std::int64_t>();
    positions.reserve(static_cast<std::size_t>(n));
    ids.reserve(static_cast<std::size_t>(n));
    for (std::int64_t k = 0; k < n; ++k) {
      if (id[k] == lookup.padding_idx) continue;
      positions.push_back(k);
      ids.push_back(id[k]);
    }
    if (!lookup.scale_grad_by_freq) return;
    factors.resize(ids.size());
    kernels::inverse_counts(ids.data(), count(), rows, factors.data());
  }

  std::int64_t count() const { return static_cast<std::int64_t>(ids.size()); }
  const T* factors_or_null() const { return factors.empty() ? nullptr : factors.data(); }
};

bool has_plain_gradient(const Tensor& ids, const EmbeddingLookup& lookup) {
  if (lookup.scale_grad_by_freq) return false;
  const auto values = ids.span<std::int64_t>();
  return lookup.padding_idx < 0 ||
         std::find(values.begin(), values.end(), lookup.padding_idx) == values.end();
}

void add_dense_gradient(const Tensor& g, const Tensor& ids, const EmbeddingLookup& lookup,
                        const Tensor& sum) {
  const std::int64_t V = sum.shape()[0], D = sum.shape()[1];
  if (has_plain_gradient(ids, lookup)) return detail::scatter_rows(g, ids, D, sum);
  visit_float("embedding", g, [&]<class T>(T) {
    const Lookups<T> kept(ids, V, lookup);
    kernels::scatter_add_segments(g.data<T>(), kept.positions.data(), kept.factors_or_null(),
                                  kept.ids.data(), kept.count(), D, T{1}, sum.mutable_data<T>(), V);
  });
}

}  // namespace

SparseGrad detail::embedding_gradient(const Tensor& g, const Tensor& ids,
                                      const EmbeddingLookup& lookup, const Shape& shape) {
  const std::int64_t n = ids.numel(), D = shape[1];
  if (has_plain_gradient(ids, lookup)) {
    return Access::sparse(Access::view(ids, 0, {n}), Access::view(g, 0, {n, D}), shape, false);
  }
  return visit_float("embedding", g, [&]<class T>(T) {
    const Lookups<T> kept(ids, shape[0], lookup);
    Tensor values = empty({kept.count(), D}, g.dtype());
    T* rows = values.mutable_data<T>();
    kernels::gather_rows(g.data<T>(), kept.positions.data(), kept.count(), D, rows);
    if (lookup.scale_grad_by_freq) {
      std::vector<std::int64_t> each(kept.ids.size());
      std::iota(each.begin(), each.end(), 0);
      kernels::scale_rows(rows, each.data(), kept.count(), D, kept.factors.data());
    }
    return Access::sparse(tensor(kept.ids), std::move(values), shape, false);
  });
}

Tensor embedding(const Tensor& weight, const Tensor& ids, const EmbeddingLookup& lookup) {
  detail::check_defined("embedding", {{"weight", weight}, {"ids", ids}});
  const Shape& shape = weight.shape();
  if (shape.rank() != 2) {
    throw ShapeError(
        fmt::format("embedding: weight is {}: a matrix [V, D] is needed", shape.str()));
  }
  if (lookup.padding_idx < -1 || lookup.padding_idx >= shape[0]) {
    throw IndexError(fmt::format("embedding: padding_idx {} is outside [0, {}): -1 stands for none",
                                 lookup.padding_idx, shape[0]));
  }
  detail::check_ids("embedding", ids, shape[0]);
  const Tensor y =
      detail::gather_rows(weight, ids, shape[1], detail::splice(shape, 0, 1, ids.shape().sizes()));
  if (lookup.sparse) {
    return record("embedding", y, vjp(weight, [ids = Saved(ids), lookup, shape](const Tensor& g) {
                    return detail::embedding_gradient(g, *ids, lookup, shape);
                  }));
  }
  return record("embedding", y,
                vjp(weight, [ids = Saved(ids), lookup](const Tensor& g, const Tensor& sum) {
                  add_dense_gradient(g, *ids, lookup, sum);
                }));
}

}  // namespace gradus
