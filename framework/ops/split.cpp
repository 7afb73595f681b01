#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/split.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace gradus {

using detail::axis_view;
using detail::AxisView;
using detail::block_bytes;
using detail::splice;

namespace {

std::vector<Shape> part_shapes(const Tensor& x, std::span<const std::int64_t> sizes, int axis) {
  std::int64_t total = 0;
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0) {
      throw ValueError(fmt::format("split: size {} at position {} is negative", sizes[i], i));
    }
    total += std::min(sizes[i], std::numeric_limits<std::int64_t>::max() - total);
  }
  if (total != x.shape()[axis]) {
    throw ShapeError(fmt::format("split: sizes [{}] add up to {}, axis {} of {} has {}",
                                 fmt::join(sizes, ", "), total, axis, x.shape().str(),
                                 x.shape()[axis]));
  }
  for (const std::int64_t size : sizes) shapes.push_back(splice(x.shape(), axis, 1, {size}));
  return shapes;
}

// The parts of these shapes; the axes of a part from `axis` on are one piece of a row of x.
std::vector<Tensor> cut_up(const Tensor& x, const std::vector<Shape>& shapes, int axis) {
  std::vector<Tensor> parts;
  const auto* source = static_cast<const char*>(detail::data(x));
  for (const Shape& shape : shapes) {
    const std::int64_t block = block_bytes(shape, axis, x.dtype());
    parts.push_back(empty(shape, x.dtype()));
    kernels::copy_blocks(source, block_bytes(x.shape(), axis, x.dtype()), detail::raw(parts.back()),
                         block, block, x.shape().numel(0, axis));
    source += block;
  }
  return parts;
}

// The cotangents of the parts side by side; zeros for a part that was not used.
Tensor join_used(Cotangents g, const std::vector<Shape>& shapes, const Shape& shape, DType dtype,
                 int axis) {
  const bool all = std::all_of(g.begin(), g.end(), [](const Tensor& t) { return t.defined(); });
  Tensor dx = all ? empty(shape, dtype) : zeros(shape, dtype);
  auto* target = static_cast<char*>(detail::raw(dx));
  const std::int64_t row = block_bytes(shape, axis, dtype);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::int64_t block = block_bytes(shapes[i], axis, dtype);
    if (g[i].defined()) {
      kernels::copy_blocks(detail::data(g[i]), block, target, row, block, shape.numel(0, axis));
    }
    target += block;
  }
  return dx;
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, std::span<const std::int64_t> sizes, std::int64_t axis) {
  const int a = axis_view(x, axis, "split").axis;
  std::vector<Shape> shapes = part_shapes(x, sizes, a);
  std::vector<Tensor> parts = cut_up(x, shapes, a);
  if (parts.empty()) return parts;
  record_joint(
      "split", parts, {&x, 1},
      [shapes = std::move(shapes), shape = x.shape(), dtype = x.dtype(), a](Cotangents g, Needs) {
        return std::vector<Gradient>{join_used(g, shapes, shape, dtype, a)};
      });
  return parts;
}

namespace {

// A tensor without elements can have more parts than fit in memory.
void check_count(const char* operation, std::int64_t parts) {
  if (parts <= std::int64_t{1} << 30) return;
  throw Error(
      fmt::format("{}: {} parts: that many tensors do not fit in memory", operation, parts));
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, std::int64_t size, std::int64_t axis) {
  if (size <= 0) throw ValueError(fmt::format("split: size {} is not positive", size));
  std::int64_t left = axis_view(x, axis, "split").n;
  check_count("split", left / size);
  std::vector<std::int64_t> sizes;
  for (; left > size; left -= size) sizes.push_back(size);
  sizes.push_back(left);
  return split(x, sizes, axis);
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, std::int64_t axis) {
  if (chunks <= 0) throw ValueError(fmt::format("chunk: {} chunks", chunks));
  const AxisView view = axis_view(x, axis, "chunk");
  if (view.n > 0) return split(x, (view.n - 1) / chunks + 1, view.axis);
  check_count("chunk", chunks);
  return split(x, std::vector<std::int64_t>(static_cast<std::size_t>(chunks), 0), view.axis);
}

std::vector<Tensor> unbind(const Tensor& x, std::int64_t axis) {
  const AxisView view = axis_view(x, axis, "unbind");
  check_count("unbind", view.n);
  std::vector<Shape> shapes(static_cast<std::size_t>(view.n), splice(x.shape(), view.axis, 1, {}));
  std::vector<Tensor> parts = cut_up(x, shapes, view.axis);
  if (parts.empty()) return parts;
  record_joint("unbind", parts, {&x, 1},
               [shapes = std::move(shapes), shape = x.shape(), dtype = x.dtype(), a = view.axis](
                   Cotangents g, Needs) {
                 return std::vector<Gradient>{join_used(g, shapes, shape, dtype, a)};
               });
  return parts;
}

}  // namespace gradus
