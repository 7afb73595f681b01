#include <fmt/format.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/defined.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/detail/sized.h>
#include <gradus/framework/error.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/kernels/scatter.h>
#include <gradus/framework/ops/axes.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/parallel.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

namespace gradus {

using detail::axis_view;
using detail::AxisView;
using detail::check_beside;
using detail::check_ids;
using detail::splice;

void detail::check_ids(const char* operation, const Tensor& ids, std::int64_t limit) {
  check_defined(operation, "ids", ids);
  if (ids.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: ids are {}, int64 is needed: convert them with "
                    "to(DType::int64)",
                    operation, name(ids.dtype())));
  }
  const auto* values = ids.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(values, ids.numel(), 0, limit);
  if (bad < 0) return;
  throw IndexError(fmt::format("{}: index {} at position {} is outside [0, {})", operation,
                               values[bad], position(ids.shape(), bad), limit));
}

namespace {

std::int64_t* ids_of(const Tensor& ids) { return static_cast<std::int64_t*>(detail::raw(ids)); }

// Rows ids[k] of x seen as a table of rows of `width` elements.
Tensor gathered(const Tensor& x, const Tensor& ids, std::int64_t width, const Shape& shape) {
  Tensor y = empty(shape, x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    // detail::data: copying rows takes any alignment
    kernels::gather_rows(static_cast<const T*>(detail::data(x)), ids_of(ids), ids.numel(), width,
                         static_cast<T*>(detail::raw(y)));
  });
  return y;
}

// The way back: adds the rows of g into the table `sum`.
void scatter_add(const Tensor& g, const Tensor& ids, std::int64_t width, const Tensor& sum) {
  detail::dispatch_float(g.dtype(), "scatter_add", [&]<class T>(T) {
    const std::int64_t rows = width == 0 ? 0 : sum.numel() / width;
    kernels::scatter_add_rows(g.data<T>(), ids_of(ids), ids.numel(), width, T{1},
                              static_cast<T*>(detail::raw(sum)), rows);
  });
}

// Entries ids [n] of an axis as rows of x seen as [outer * n, inner].
Tensor rows_along(const AxisView& view, const Tensor& ids) {
  if (view.outer == 1) return ids;
  const std::int64_t n = ids.numel();
  Tensor rows = empty({view.outer, n}, DType::int64);
  parallel_for(view.outer, n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      for (std::int64_t k = 0; k < n; ++k) ids_of(rows)[o * n + k] = o * view.n + ids_of(ids)[k];
    }
  });
  return rows;
}

}  // namespace

Tensor index_select(const Tensor& x, std::int64_t axis, const Tensor& ids) {
  detail::check_defined("index_select", {{"x", x}, {"ids", ids}});
  const AxisView view = axis_view(x, axis, "index_select");
  if (ids.dim() != 1) {
    throw ShapeError(
        fmt::format("index_select: ids are {}: a vector [n] is needed", ids.shape().str()));
  }
  check_ids("index_select", ids, view.n);
  const Tensor rows = rows_along(view, ids);
  const Shape shape = splice(x.shape(), view.axis, 1, {ids.numel()});
  return record(
      "index_select", gathered(x, rows, view.inner, shape),
      vjp(x, [rows = Saved(rows), width = view.inner](const Tensor& g, const Tensor& sum) {
        scatter_add(g, *rows, width, sum);
      }));
}

Tensor gather(const Tensor& x, std::int64_t axis, const Tensor& ids) {
  detail::check_defined("gather", {{"x", x}, {"ids", ids}});
  const AxisView view = axis_view(x, axis, "gather");
  check_beside("gather", view.axis, x.shape(), "ids are", ids.shape());
  check_ids("gather", ids, view.n);
  const std::int64_t m = ids.shape()[view.axis];
  const auto routes = [view, m](const Tensor& at) {
    return kernels::Routes{ids_of(at), view.outer, m, view.n, view.inner};
  };
  Tensor y = empty(ids.shape(), x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::gather(routes(ids), x.data<T>(), static_cast<T*>(detail::raw(y)));
  });
  return record("gather", y, vjp(x, [routes, ids = Saved(ids)](const Tensor& g, const Tensor& sum) {
                  detail::dispatch_float(g.dtype(), "gather", [&]<class T>(T) {
                    kernels::scatter_add(routes(*ids), g.data<T>(),
                                         static_cast<T*>(detail::raw(sum)));
                  });
                }));
}

namespace {

// x with the sizes of ids on the axes where it has size 1; `axis` stays.
Tensor spread(const Tensor& x, int axis, const Tensor& like) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  for (int i = 0; i < x.dim(); ++i) {
    sizes[static_cast<std::size_t>(i)] =
        i == axis || x.shape()[i] != 1 ? x.shape()[i] : like.shape()[i];
  }
  const Shape shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(x.dim())));
  return shape == x.shape() ? x : broadcast_to(x, shape);
}

}  // namespace

Tensor take_along_axis(const Tensor& x, const Tensor& ids, std::int64_t axis) {
  const AxisView view = axis_view(x, axis, "take_along_axis");
  check_ids("take_along_axis", ids, view.n);
  bool fits = ids.dim() == x.dim();
  for (int i = 0; fits && i < x.dim(); ++i) {
    const std::int64_t a = x.shape()[i], b = ids.shape()[i];
    fits = i == view.axis || a == b || a == 1 || b == 1;
  }
  if (!fits) {
    throw ShapeError(
        fmt::format("take_along_axis: shapes do not broadcast beside axis {}: x is {}, ids are {}",
                    view.axis, x.shape().str(), ids.shape().str()));
  }
  return gather(spread(x, view.axis, ids), view.axis, spread(ids, view.axis, x));
}

Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype) {
  if (classes < 0) throw ValueError(fmt::format("one_hot: {} classes", classes));
  check_ids("one_hot", ids, classes);
  const std::int64_t n = ids.numel();
  Tensor y = detail::empty_sized("one_hot", fmt::format("{} classes", classes), {n, classes}, dtype)
                 .zero_();
  y = detail::Access::view(y, 0, splice(ids.shape(), ids.dim(), 0, {classes}));
  detail::dispatch(dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(detail::raw(y));
    for (std::int64_t k = 0; k < ids.numel(); ++k) out[k * classes + ids_of(ids)[k]] = T{1};
  });
  detail::note_op("one_hot");
  return y;
}

namespace {

// The lookups of a call that give a gradient: where they are, and their share of it.
template <class T>
struct Lookups {
  std::vector<std::int64_t> positions, ids;
  std::vector<T> factors;  // 1 / occurrences of the id; empty if all are 1

  Lookups(const Tensor& all, std::int64_t rows, const EmbeddingLookup& lookup) {
    const std::int64_t n = all.numel();
    positions.reserve(static_cast<std::size_t>(n));
    ids.reserve(static_cast<std::size_t>(n));
    for (std::int64_t k = 0; k < n; ++k) {
      if (ids_of(all)[k] == lookup.padding_idx) continue;
      positions.push_back(k);
      ids.push_back(ids_of(all)[k]);
    }
    if (lookup.scale_grad_by_freq) set_factors(rows);
  }

  std::int64_t count() const { return static_cast<std::int64_t>(ids.size()); }
  const T* factors_or_null() const { return factors.empty() ? nullptr : factors.data(); }

 private:
  void set_factors(std::int64_t rows) {
    std::vector<std::int64_t> unique, slot;
    kernels::unique_rows(ids.data(), count(), rows, unique, slot);
    std::vector<T> occurrences(unique.size(), T{0});
    for (const std::int64_t s : slot) occurrences[static_cast<std::size_t>(s)] += T{1};
    factors.reserve(slot.size());
    for (const std::int64_t s : slot) {
      factors.push_back(T{1} / occurrences[static_cast<std::size_t>(s)]);
    }
  }
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
  if (has_plain_gradient(ids, lookup)) return scatter_add(g, ids, D, sum);
  detail::dispatch_float(g.dtype(), "embedding", [&]<class T>(T) {
    const Lookups<T> kept(ids, V, lookup);
    kernels::scatter_add_segments(g.data<T>(), kept.positions.data(), kept.factors_or_null(),
                                  kept.ids.data(), kept.count(), D, T{1},
                                  static_cast<T*>(detail::raw(sum)), V);
  });
}

}  // namespace

SparseGrad detail::embedding_gradient(const Tensor& g, const Tensor& ids,
                                      const EmbeddingLookup& lookup, const Shape& shape) {
  const std::int64_t n = ids.numel(), D = shape[1];
  if (has_plain_gradient(ids, lookup)) {
    return Access::sparse(Access::view(ids, 0, {n}), Access::view(g, 0, {n, D}), shape, false);
  }
  return detail::dispatch_float(g.dtype(), "embedding", [&]<class T>(T) {
    const Lookups<T> kept(ids, shape[0], lookup);
    Tensor values = empty({kept.count(), D}, g.dtype());
    T* rows = static_cast<T*>(detail::raw(values));
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
  check_ids("embedding", ids, shape[0]);
  const Tensor y = gathered(weight, ids, shape[1], splice(shape, 0, 1, ids.shape().sizes()));
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
