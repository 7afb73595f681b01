#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace gradus {

using detail::Access;
using detail::axis_view;
using detail::AxisView;
using detail::block_bytes;
using detail::splice;

namespace {

// The vjp of the ops that only view the same values in another shape.
auto reshape_back(const Tensor& x) {
  return [shape = x.shape()](const Tensor& g) { return Access::view(g, 0, shape); };
}

Shape infer_shape(const Shape& from, std::span<const std::int64_t> sizes) {
  const auto hole = std::find(sizes.begin(), sizes.end(), -1);
  if (hole == sizes.end()) {
    const Shape shape(sizes);
    if (shape.numel() == from.numel()) return shape;
    throw ShapeError(fmt::format("reshape: {} has {} elements, {} has {}", from.str(), from.numel(),
                                 shape.str(), shape.numel()));
  }
  std::vector<std::int64_t> filled(sizes.begin(), sizes.end());
  if (std::count(sizes.begin(), sizes.end(), -1) > 1) {
    throw ShapeError(fmt::format("reshape: more than one size of [{}] is -1: x is {}",
                                 fmt::join(sizes, ", "), from.str()));
  }
  std::int64_t& size = filled[static_cast<std::size_t>(hole - sizes.begin())];
  size = 1;
  const std::int64_t others = Shape(filled).numel();
  if (others == 0 || from.numel() % others != 0) {
    throw ShapeError(fmt::format("reshape: no size for -1 in [{}] gives the {} elements of {}",
                                 fmt::join(sizes, ", "), from.numel(), from.str()));
  }
  size = from.numel() / others;
  return Shape(filled);
}

}  // namespace

Tensor reshape(const Tensor& x, std::span<const std::int64_t> sizes) {
  detail::check_defined("reshape", "x", x);
  return record("reshape", Access::view(x, 0, infer_shape(x.shape(), sizes)),
                vjp(x, reshape_back(x)));
}

Tensor flatten(const Tensor& x, std::int64_t first, std::int64_t last) {
  detail::check_defined("flatten", "x", x);
  if (x.dim() == 0) return reshape(x, {1});
  const int begin = normalize_axis(first, x.dim(), "flatten");
  const int end = normalize_axis(last, x.dim(), "flatten") + 1;
  if (end <= begin) {
    throw ShapeError(
        fmt::format("flatten: axis {} comes before axis {} of {}", last, first, x.shape().str()));
  }
  return reshape(x, splice(x.shape(), begin, end - begin, {x.shape().numel(begin, end)}));
}

Tensor squeeze(const Tensor& x, std::int64_t axis) {
  detail::check_defined("squeeze", "x", x);
  const int a = normalize_axis(axis, x.dim(), "squeeze");
  if (x.shape()[a] != 1) {
    throw ShapeError(fmt::format("squeeze: axis {} of {} has size {}, not 1", axis, x.shape().str(),
                                 x.shape()[a]));
  }
  return record("squeeze", Access::view(x, 0, splice(x.shape(), a, 1, {})),
                vjp(x, reshape_back(x)));
}

Tensor squeeze(const Tensor& x) {
  detail::check_defined("squeeze", "x", x);
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  sizes.erase(std::remove(sizes.begin(), sizes.end(), 1), sizes.end());
  return record("squeeze", Access::view(x, 0, Shape(sizes)), vjp(x, reshape_back(x)));
}

Tensor unflatten(const Tensor& x, std::int64_t axis, std::span<const std::int64_t> sizes) {
  const AxisView view = axis_view(x, axis, "unflatten");
  std::vector<std::int64_t> filled(sizes.begin(), sizes.end());
  const auto hole = std::find(filled.begin(), filled.end(), -1);
  const std::string described = fmt::format("[{}]", fmt::join(sizes, ", "));
  if (hole != filled.end()) {
    *hole = 1;
    const std::int64_t others = Shape(filled).numel();
    if (others > 0) *hole = view.n / others;
  }
  if (filled.empty() || Shape(filled).numel() != view.n) {
    throw ShapeError(fmt::format("unflatten: axis {} of {} has {} entries: sizes {} do not fit",
                                 view.axis, x.shape().str(), view.n, described));
  }
  return reshape(x, splice(x.shape(), view.axis, 1, filled));
}

Tensor unsqueeze(const Tensor& x, std::int64_t axis) {
  detail::check_defined("unsqueeze", "x", x);
  const int a = normalize_axis(axis, x.dim() + 1, "unsqueeze");
  return record("unsqueeze", Access::view(x, 0, splice(x.shape(), a, 0, {1})),
                vjp(x, reshape_back(x)));
}

namespace {

using AxisOrder = std::array<std::int64_t, Shape::max_rank>;

Tensor permuted(const Tensor& x, const AxisOrder& axes) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  const auto rank = static_cast<std::size_t>(x.dim());
  for (std::size_t i = 0; i < rank; ++i) sizes[i] = x.shape()[static_cast<int>(axes[i])];
  Tensor y = empty(Shape(std::span<const std::int64_t>(sizes.data(), rank)), x.dtype());
  kernels::permute(detail::data(x), detail::raw(y), x.dim(), x.shape().begin(), axes.data(),
                   static_cast<std::size_t>(item_size(x.dtype())));
  return y;
}

}  // namespace

Tensor transpose(const Tensor& x, std::int64_t axis0, std::int64_t axis1) {
  detail::check_defined("transpose", "x", x);
  const int a = normalize_axis(axis0, x.dim(), "transpose");
  const int b = normalize_axis(axis1, x.dim(), "transpose");
  AxisOrder axes{0, 1, 2, 3, 4, 5, 6, 7};
  std::swap(axes[static_cast<std::size_t>(a)], axes[static_cast<std::size_t>(b)]);
  return record("transpose", permuted(x, axes),
                vjp(x, [axes](const Tensor& g) { return permuted(g, axes); }));
}

Tensor permute(const Tensor& x, const std::vector<std::int64_t>& axes) {
  detail::check_defined("permute", "x", x);
  AxisOrder forward{}, backward{};
  std::array<bool, Shape::max_rank> seen{};
  bool valid = axes.size() == static_cast<std::size_t>(x.dim());
  for (std::size_t i = 0; valid && i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(normalize_axis(axes[i], x.dim(), "permute"));
    valid = !std::exchange(seen[axis], true);
    forward[i] = static_cast<std::int64_t>(axis);
    backward[axis] = static_cast<std::int64_t>(i);
  }
  if (!valid) {
    throw ValueError(fmt::format("permute: axes [{}] do not name each axis of {} once",
                                 fmt::join(axes, ", "), x.shape().str()));
  }
  return record("permute", permuted(x, forward),
                vjp(x, [backward](const Tensor& g) { return permuted(g, backward); }));
}

namespace {

void check_parts(const char* operation, const std::vector<Tensor>& tensors) {
  if (tensors.empty()) throw ValueError(fmt::format("{}: the list of tensors is empty", operation));
  detail::check_all_defined(operation, "tensor", tensors);
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].dtype() == tensors[0].dtype()) continue;
    throw DTypeError(fmt::format("{}: dtypes differ: tensor 0 is {}, tensor {} is {}", operation,
                                 name(tensors[0].dtype()), i, name(tensors[i].dtype())));
  }
}

// The parts side by side: each is one [outer, block] matrix, in which the block begins at `axis`.
Tensor join(const std::vector<Tensor>& parts, const Shape& shape, int axis) {
  Tensor y = empty(shape, parts[0].dtype());
  auto* target = static_cast<char*>(detail::raw(y));
  const std::int64_t row = block_bytes(shape, axis, y.dtype());
  for (const Tensor& part : parts) {
    const std::int64_t block = block_bytes(part.shape(), axis, y.dtype());
    kernels::copy_blocks(detail::data(part), block, target, row, block, shape.numel(0, axis));
    target += block;
  }
  return y;
}

// The reverse, for the parts that are needed: views of g where they are contiguous.
std::vector<Gradient> take_apart(const Tensor& g, Needs needs, const std::vector<Shape>& shapes,
                                 int axis) {
  std::vector<Gradient> parts(shapes.size());
  const std::int64_t outer = g.shape().numel(0, axis);
  const std::int64_t row = block_bytes(g.shape(), axis, g.dtype());
  std::int64_t offset = 0;  // in bytes
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::int64_t block = block_bytes(shapes[i], axis, g.dtype());
    if (needs[i] && outer == 1) {
      parts[i] = Access::view(g, offset / item_size(g.dtype()), shapes[i]);
    } else if (needs[i]) {
      Tensor part = empty(shapes[i], g.dtype());
      kernels::copy_blocks(static_cast<const char*>(detail::data(g)) + offset, row,
                           detail::raw(part), block, block, outer);
      parts[i] = std::move(part);
    }
    offset += block;
  }
  return parts;
}

std::vector<Shape> shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<Shape> shapes;
  shapes.reserve(tensors.size());
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t axis) {
  check_parts("cat", tensors);
  const Shape& first = tensors[0].shape();
  const int a = normalize_axis(axis, first.rank(), "cat");
  std::int64_t size = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Shape& shape = tensors[i].shape();
    if (shape.rank() != first.rank() || splice(shape, a, 1, {}) != splice(first, a, 1, {})) {
      throw ShapeError(
          fmt::format("cat: shapes differ on an axis other than {}: tensor 0 is {}, tensor {} "
                      "is {}",
                      a, first.str(), i, shape.str()));
    }
    size += shape[a];
  }
  Tensor y = join(tensors, splice(first, a, 1, {size}), a);
  record_joint("cat", {&y, 1}, tensors, [shapes = shapes_of(tensors), a](Cotangents g, Needs n) {
    return take_apart(g[0], n, shapes, a);
  });
  return y;
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t axis) {
  check_parts("stack", tensors);
  const Shape& first = tensors[0].shape();
  const int a = normalize_axis(axis, first.rank() + 1, "stack");
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].shape() == first) continue;
    throw ShapeError(fmt::format("stack: shapes differ: tensor 0 is {}, tensor {} is {}",
                                 first.str(), i, tensors[i].shape().str()));
  }
  const auto count = static_cast<std::int64_t>(tensors.size());
  Tensor y = join(tensors, splice(first, a, 0, {count}), a);
  record_joint("stack", {&y, 1}, tensors, [shapes = shapes_of(tensors), a](Cotangents g, Needs n) {
    return take_apart(g[0], n, shapes, a);
  });
  return y;
}

namespace {

// Indices start, start + step, ... of an axis.
struct Range {
  std::int64_t start, step, count;
};

// The rule of x[start:end:step] in NumPy for an axis of size n.
Range range_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t n) {
  const bool forward = step > 0;
  const auto clamped = [&](std::int64_t i) {
    if (i < 0) i += n;
    return forward ? std::clamp<std::int64_t>(i, 0, n) : std::clamp<std::int64_t>(i, -1, n - 1);
  };
  start = clamped(start);
  end = clamped(end);
  step = std::clamp(step, -n - 1, n + 1);  // longer steps too give at most one index
  const std::int64_t length = forward ? end - start : start - end;
  return {start, step, length <= 0 ? 0 : (length - 1) / (forward ? step : -step) + 1};
}

// The vjp of slice and select: adds g to the part of the cotangent of x that was taken.
auto add_slice_back(const AxisView& view, const Range& range) {
  return [view, range](const Tensor& g, const Tensor& sum) {
    visit_float("slice", g, [&]<class T>(T) {
      T* target = sum.mutable_data<T>();
      if (range.step == 1) {
        kernels::add_blocks(g.data<T>(), range.count * view.inner,
                            target + range.start * view.inner, view.n * view.inner,
                            range.count * view.inner, view.outer);
      } else {
        kernels::add_strided(g.data<T>(), target, view.outer, view.n, view.inner, range.start,
                             range.step, range.count);
      }
    });
  };
}

// The values of a range of an axis, as a tensor of the given shape; shares if the axis leads and
// the range is contiguous.
Tensor taken(const Tensor& x, const AxisView& view, const Range& range, const Shape& shape) {
  if (view.axis == 0 && range.step == 1) return Access::view(x, range.start * view.inner, shape);
  Tensor y = empty(shape, x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::copy_strided(x.data<T>(), y.mutable_data<T>(), view.outer, view.n, view.inner,
                          range.start, range.step, range.count);
  });
  return y;
}

}  // namespace

Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t start, std::int64_t end,
             std::int64_t step) {
  const AxisView view = axis_view(x, axis, "slice");
  if (step == 0) throw ValueError("slice: step is 0");
  const Range range = range_of(start, end, step, view.n);
  return record("slice", taken(x, view, range, splice(x.shape(), view.axis, 1, {range.count})),
                vjp(x, add_slice_back(view, range)));
}

Tensor select(const Tensor& x, std::int64_t axis, std::int64_t index) {
  const AxisView view = axis_view(x, axis, "select");
  if (index < -view.n || index >= view.n) {
    throw IndexError(fmt::format("select: index {} is outside [{}, {}) on axis {} of {}", index,
                                 -view.n, view.n, view.axis, x.shape().str()));
  }
  const Range range{index < 0 ? index + view.n : index, 1, 1};
  return record("select", taken(x, view, range, splice(x.shape(), view.axis, 1, {})),
                vjp(x, add_slice_back(view, range)));
}

Tensor Tensor::operator[](std::int64_t index) const { return select(*this, 0, index); }

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  detail::check_defined("broadcast_to", "x", x);
  if (!broadcasts_to(x.shape(), shape)) {
    throw ShapeError(
        fmt::format("broadcast_to: {} does not broadcast to {}", x.shape().str(), shape.str()));
  }
  const Tensor y = detail::empty_sized("broadcast_to", shape, x.dtype());
  detail::repeat_into(x, y);
  return record("broadcast_to", y, vjp(x, [](const Tensor& g) { return g; }));
}

}  // namespace gradus
