#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/axes.h>

#include <algorithm>
#include <array>

namespace gradus::detail {

AxisView axis_view(const Tensor& x, std::int64_t axis, const char* operation) {
  check_defined(operation, "x", x);
  const Shape& shape = x.shape();
  const int a = normalize_axis(axis, shape.rank(), operation);
  return {a, shape.numel(0, a), shape[a], shape.numel(a + 1, shape.rank())};
}

AxisView slice_view(const Tensor& x, std::int64_t axis, const char* operation) {
  check_defined(operation, "x", x);
  if (x.dim() > 0) return axis_view(x, axis, operation);
  return {normalize_axis(axis, 1, operation), 1, 1, 1};
}

Shape splice(const Shape& shape, int axis, int removed, std::span<const std::int64_t> inserted) {
  std::array<std::int64_t, 2 * Shape::max_rank> sizes{};  // Shape refuses too many
  auto end = std::copy(shape.begin(), shape.begin() + axis, sizes.begin());
  end = std::copy(inserted.begin(), inserted.end(), end);
  end = std::copy(shape.begin() + axis + removed, shape.end(), end);
  return Shape(std::span<const std::int64_t>(sizes.begin(), end));
}

Shape broadcast_leading(const char* operation, const Shape& a, const Shape& b) {
  const Shape first = splice(a, a.rank() - 2, 2, {}), second = splice(b, b.rank() - 2, 2, {});
  if (!broadcastable(first, second)) {
    throw ShapeError(fmt::format("{}: leading axes do not broadcast: a is {}, b is {}", operation,
                                 a.str(), b.str()));
  }
  return broadcast_shapes(first, second, operation);
}

void check_same_except(const char* operation, int axis, const Shape& x, const char* words,
                       const Shape& shape) {
  if (shape.rank() == x.rank() && splice(shape, axis, 1, {}) == splice(x, axis, 1, {})) return;
  throw ShapeError(fmt::format("{}: shapes differ on an axis other than {}: x is {}, {} {}",
                               operation, axis, x.str(), words, shape.str()));
}

}  // namespace gradus::detail
