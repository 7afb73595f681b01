#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/scatter.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/shape.h>

#include <array>

namespace gradus {

using detail::axis_view;
using detail::AxisView;
using detail::check_ids;
using detail::splice;

namespace {

const std::int64_t* ids_of(const Tensor& ids) { return ids.data<std::int64_t>(); }

// Entries ids [n] of an axis, as row numbers of x seen as [outer * n, inner].
Tensor rows_along(const AxisView& view, const Tensor& ids) {
  if (view.outer == 1) return ids;
  const std::int64_t n = ids.numel();
  Tensor rows = empty({view.outer, n}, DType::int64);
  parallel_for(view.outer, n,
               [&, id = ids_of(ids), row = rows.mutable_data<std::int64_t>()](std::int64_t begin,
                                                                              std::int64_t end) {
                 for (std::int64_t o = begin; o < end; ++o) {
                   for (std::int64_t k = 0; k < n; ++k) row[o * n + k] = o * view.n + id[k];
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
      "index_select", detail::gather_rows(x, rows, view.inner, shape),
      vjp(x, [rows = Saved(rows), width = view.inner](const Tensor& g, const Tensor& sum) {
        detail::scatter_rows(g, *rows, width, sum);
      }));
}

Tensor gather(const Tensor& x, std::int64_t axis, const Tensor& ids) {
  detail::check_defined("gather", {{"x", x}, {"ids", ids}});
  const AxisView view = axis_view(x, axis, "gather");
  detail::check_same_except("gather", view.axis, x.shape(), "ids are", ids.shape());
  check_ids("gather", ids, view.n);
  const std::int64_t m = ids.shape()[view.axis];
  const auto routes = [view, m](const Tensor& at) {
    return kernels::Routes{ids_of(at), view.outer, m, view.n, view.inner};
  };
  Tensor y = empty(ids.shape(), x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::gather(routes(ids), x.data<T>(), y.mutable_data<T>());
  });
  return record("gather", y, vjp(x, [routes, ids = Saved(ids)](const Tensor& g, const Tensor& sum) {
                  visit_float("gather", g, [&]<class T>(T) {
                    kernels::scatter_add(routes(*ids), g.data<T>(), sum.mutable_data<T>());
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
    throw ShapeError(fmt::format(
        "take_along_axis: shapes do not broadcast on the axes other than {}: x is {}, ids are {}",
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
    T* out = y.mutable_data<T>();
    const std::int64_t* id = ids_of(ids);
    for (std::int64_t k = 0; k < ids.numel(); ++k) out[k * classes + id[k]] = T{1};
  });
  detail::note_op("one_hot");
  return y;
}

}  // namespace gradus
