#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/triangle.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/triangle.h>

#include <algorithm>
#include <cstdlib>

namespace gradus {

using detail::splice;
using kernels::Diagonal;

namespace {

Tensor triangle(const Tensor& x, std::int64_t k, bool upper) {
  Tensor y = empty_like(x);
  const std::int64_t rows = x.shape()[x.dim() - 2], columns = x.shape()[x.dim() - 1];
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::triangle(x.data<T>(), y.mutable_data<T>(), x.shape().numel(0, x.dim() - 2), rows,
                      columns, k, upper);
  });
  return y;
}

void check_matrices(const char* operation, const Tensor& x) {
  detail::check_defined(operation, "x", x);
  if (x.dim() >= 2) return;
  throw ShapeError(fmt::format("{}: x is {}: matrices [..., rows, columns] are needed", operation,
                               x.shape().str()));
}

}  // namespace

Tensor tril(const Tensor& x, std::int64_t k) {
  check_matrices("tril", x);
  return record("tril", triangle(x, k, false),
                vjp(x, [k](const Tensor& g) { return triangle(g, k, false); }));
}

Tensor triu(const Tensor& x, std::int64_t k) {
  check_matrices("triu", x);
  return record("triu", triangle(x, k, true),
                vjp(x, [k](const Tensor& g) { return triangle(g, k, true); }));
}

namespace {

// Two axes of a shape, of which the first is that of the rows.
struct Plane {
  int rows, columns;
};

Plane plane_of(const char* operation, int rank, std::int64_t axis0, std::int64_t axis1) {
  const Plane plane{normalize_axis(axis0, rank, operation), normalize_axis(axis1, rank, operation)};
  if (plane.rows == plane.columns) {
    throw ValueError(
        fmt::format("{}: axes {} and {} of {} axes are the same", operation, axis0, axis1, rank));
  }
  return plane;
}

// Where diagonal `offset` of a plane is.
Diagonal diagonal_of(const Shape& shape, std::int64_t offset, const Plane& plane) {
  const int first = std::min(plane.rows, plane.columns);
  const int second = std::max(plane.rows, plane.columns);
  Diagonal d{shape.numel(0, first),
             shape[first],
             shape.numel(first + 1, second),
             shape[second],
             shape.numel(second + 1, shape.rank()),
             0,
             0,
             0};
  offset = std::clamp(offset, -shape[plane.rows], shape[plane.columns]);  // beyond: empty
  if (plane.rows > plane.columns) offset = -offset;  // in the order of the axes
  d.row = std::max<std::int64_t>(0, -offset);
  d.column = std::max<std::int64_t>(0, offset);
  d.length = std::max<std::int64_t>(0, std::min(d.n0 - d.row, d.n1 - d.column));
  return d;
}

Tensor taken(const Tensor& x, const Diagonal& d, const Shape& shape) {
  Tensor y = empty(shape, x.dtype());
  detail::dispatch(
      x.dtype(), [&]<class T>(T) { kernels::take_diagonal(x.data<T>(), y.mutable_data<T>(), d); });
  return y;
}

}  // namespace

Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t axis0, std::int64_t axis1) {
  check_matrices("diagonal", x);
  const Plane plane = plane_of("diagonal", x.dim(), axis0, axis1);
  const Diagonal d = diagonal_of(x.shape(), offset, plane);
  Shape shape = splice(x.shape(), std::max(plane.rows, plane.columns), 1, {});
  shape = splice(shape, std::min(plane.rows, plane.columns), 1, {});
  shape = splice(shape, shape.rank(), 0, {d.length});
  return record("diagonal", taken(x, d, shape), vjp(x, [d](const Tensor& g, const Tensor& sum) {
                  visit_float("diagonal", g, [&]<class T>(T) {
                    kernels::add_diagonal(g.data<T>(), sum.mutable_data<T>(), d);
                  });
                }));
}

Tensor diag_embed(const Tensor& x, std::int64_t offset, std::int64_t axis0, std::int64_t axis1) {
  detail::check_defined("diag_embed", "x", x);
  if (x.dim() == 0) throw ShapeError("diag_embed: x is []: vectors [..., n] are needed");
  const Plane plane = plane_of("diag_embed", x.dim() + 1, axis0, axis1);
  const std::int64_t n = x.shape()[x.dim() - 1];
  constexpr std::int64_t most = std::int64_t{1} << 31;  // its square is too large for a tensor
  if (offset > most || offset < -most) {
    throw ShapeError(fmt::format("diag_embed: offset {} is too large", offset));
  }
  const std::int64_t size = n + std::abs(offset);
  Shape shape = splice(x.shape(), x.dim() - 1, 1, {});
  shape = splice(shape, std::min(plane.rows, plane.columns), 0, {size});
  shape = splice(shape, std::max(plane.rows, plane.columns), 0, {size});
  const Diagonal d = diagonal_of(shape, offset, plane);
  const Tensor y = detail::empty_sized("diag_embed", shape, x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::fill(y.mutable_data<T>(), T{0}, y.numel());
    kernels::set_diagonal(x.data<T>(), y.mutable_data<T>(), d);
  });
  return record("diag_embed", y,
                vjp(x, [d, shape = x.shape()](const Tensor& g) { return taken(g, d, shape); }));
}

Tensor diag(const Tensor& x, std::int64_t offset) {
  detail::check_defined("diag", "x", x);
  if (x.dim() == 1) return diag_embed(x, offset);
  if (x.dim() == 2) return diagonal(x, offset);
  throw ShapeError(fmt::format("diag: x is {}: a vector or a matrix is needed", x.shape().str()));
}

}  // namespace gradus
