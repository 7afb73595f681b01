#pragma once
// For authors of ops: shapes around one axis.
#include <gradus/framework/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace gradus::detail {

/// A tensor seen as [outer, n, inner] around one of its axes.
struct AxisView {
  int axis;
  std::int64_t outer, n, inner;
};

/// Throws IndexError, naming `operation`, if there is no such axis (it may count from the end).
GRADUS_API AxisView axis_view(const Tensor& x, std::int64_t axis, const char* operation);
/// The same; a tensor of rank 0 counts as one of shape [1], as in PyTorch.
GRADUS_API AxisView slice_view(const Tensor& x, std::int64_t axis, const char* operation);

/// `shape` with `removed` axes from `axis` on replaced by axes of the sizes `inserted`.
GRADUS_API Shape splice(const Shape& shape, int axis, int removed,
                        std::span<const std::int64_t> inserted);
inline Shape splice(const Shape& shape, int axis, int removed,
                    std::initializer_list<std::int64_t> inserted) {
  return splice(shape, axis, removed,
                std::span<const std::int64_t>(inserted.begin(), inserted.size()));
}

/// "[1, 3]": where the element with that number is in a tensor of that shape.
GRADUS_API std::string position(const Shape& shape, std::int64_t element);

}  // namespace gradus::detail
