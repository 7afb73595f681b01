#include <fmt/format.h>
#include <gradus/framework/ops/axes.h>

#include <algorithm>
#include <array>

namespace gradus::detail {

AxisView axis_view(const Tensor& x, std::int64_t axis, const char* operation) {
  const Shape& shape = x.shape();
  const int a = normalize_axis(axis, shape.rank(), operation);
  return {a, shape.numel(0, a), shape[a], shape.numel(a + 1, shape.rank())};
}

AxisView slice_view(const Tensor& x, std::int64_t axis, const char* operation) {
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

std::string position(const Shape& shape, std::int64_t element) {
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = fmt::format("{}{}{}", element % shape[axis], text.empty() ? "" : ", ", text);
    element /= shape[axis];
  }
  return "[" + text + "]";
}

}  // namespace gradus::detail
