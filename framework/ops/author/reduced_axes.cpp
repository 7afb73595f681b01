#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/ops/author/reduced_axes.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {

ReducedAxes::ReducedAxes(const char* operation, const Tensor& x)
    : shape_(defined(operation, "x", x).shape()) {
  std::fill_n(reduced_.begin(), shape_.rank(), true);
}

ReducedAxes::ReducedAxes(const char* operation, const Tensor& x, const Axes& axes)
    : shape_(defined(operation, "x", x).shape()) {
  for (const std::int64_t axis : axes) {
    bool& reduced =
        reduced_[static_cast<std::size_t>(normalize_axis(axis, shape_.rank(), operation))];
    if (std::exchange(reduced, true)) {
      throw ValueError(fmt::format("{}: axis {} is given twice for a tensor of shape {}", operation,
                                   axis, shape_.str()));
    }
  }
  if (axes.begin() == axes.end()) {
    throw ValueError(
        fmt::format("{}: the list of axes is empty: leave it out to reduce all axes", operation));
  }
}

Shape ReducedAxes::result(bool keepdim) const {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  std::size_t rank = 0;
  for (int axis = 0; axis < shape_.rank(); ++axis) {
    if (!reduced(axis)) sizes[rank++] = shape_[axis];
    if (reduced(axis) && keepdim) sizes[rank++] = 1;
  }
  return Shape(std::span<const std::int64_t>(sizes.data(), rank));
}

std::int64_t ReducedAxes::count() const {
  std::int64_t product = 1;
  for (int axis = 0; axis < shape_.rank(); ++axis) product *= reduced(axis) ? shape_[axis] : 1;
  return product;
}

namespace {

/// The axes of the input in the order of its rows: those that stay, then those that are reduced.
struct Order {
  explicit Order(const ReducedAxes& plan) {
    std::size_t next = 0;
    for (const bool reduced : {false, true}) {
      for (int axis = 0; axis < plan.input().rank(); ++axis) {
        if (plan.reduced(axis) == reduced) axes[next++] = axis;
      }
    }
    in_order = std::is_sorted(axes.begin(), axes.begin() + plan.input().rank());
  }
  std::array<std::int64_t, Shape::max_rank> axes{};
  bool in_order;
};

Tensor permuted(const Tensor& x, const Shape& from, const std::int64_t* axes, const Shape& to) {
  Tensor y = empty(to, x.dtype());
  kernels::permute(data(x), raw(y), from.rank(), from.begin(), axes,
                   static_cast<std::size_t>(item_size(x.dtype())));
  return y;
}

}  // namespace

Tensor to_rows(const Tensor& x, const ReducedAxes& plan) {
  const Shape rows{plan.result_numel(), plan.count()};
  const Order order(plan);
  if (order.in_order) return Access::view(x, 0, rows);
  return permuted(x, plan.input(), order.axes.data(), rows);
}

Tensor from_rows(const Tensor& rows, const ReducedAxes& plan) {
  const Order order(plan);
  if (order.in_order) return Access::view(rows, 0, plan.input());
  const int rank = plan.input().rank();
  std::array<std::int64_t, Shape::max_rank> sizes{}, back{};  // of the rows, seen with all axes
  for (int i = 0; i < rank; ++i) {
    const auto at = static_cast<std::size_t>(i);
    sizes[at] = plan.input()[static_cast<int>(order.axes[at])];
    back[static_cast<std::size_t>(order.axes[at])] = i;
  }
  const Shape from(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank)));
  return permuted(rows, from, back.data(), plan.input());
}

namespace {

// x seen as [outer, a, b], with the last two axes swapped.
Tensor swapped(const Tensor& x, std::int64_t outer, std::int64_t a, std::int64_t b,
               const Shape& result) {
  if (a == 1 || b == 1) return Access::view(x, 0, result);
  const std::array<std::int64_t, 3> axes{0, 2, 1};
  return permuted(x, {outer, a, b}, axes.data(), result);
}

}  // namespace

Tensor to_rows(const Tensor& x, const AxisView& view) {
  return swapped(x, view.outer, view.n, view.inner, {view.outer * view.inner, view.n});
}

Tensor from_rows(const Tensor& rows, const AxisView& view, const Shape& shape) {
  return swapped(rows, view.outer, view.inner, view.n, shape);
}

}  // namespace gradus::detail
