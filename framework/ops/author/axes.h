#pragma once
// For authors of ops: shapes around one axis.
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>

namespace gradus::detail {

/// A tensor seen as [outer, n, inner] around one of its axes.
struct AxisView {
  int axis;
  std::int64_t outer, n, inner;
};

/// Throws IndexError, naming `operation`, if there is no such axis (a negative one counts from the
/// end), Error if the tensor is undefined.
GRADUS_API AxisView axis_view(const Tensor& x, std::int64_t axis, const char* operation);
/// The same; a tensor of rank 0 counts as one of shape [1], as in PyTorch.
GRADUS_API AxisView slice_view(const Tensor& x, std::int64_t axis, const char* operation);

/// `shape` with `removed` axes, starting at `axis`, replaced by axes of the sizes `inserted`.
GRADUS_API Shape splice(const Shape& shape, int axis, int removed,
                        std::span<const std::int64_t> inserted);
inline Shape splice(const Shape& shape, int axis, int removed,
                    std::initializer_list<std::int64_t> inserted) {
  return splice(shape, axis, removed,
                std::span<const std::int64_t>(inserted.begin(), inserted.size()));
}

/// The broadcast of the leading axes of a and b: all but the last two, which are those of a matrix.
/// Throws ShapeError, naming `operation` and both shapes.
GRADUS_API Shape broadcast_leading(const char* operation, const Shape& a, const Shape& b);

/// Throws ShapeError, naming `operation`, unless a shape equals that of x on every axis but one.
/// `words` names its owner in the message, as in "ids are".
GRADUS_API void check_same_except(const char* operation, int axis, const Shape& x,
                                  const char* words, const Shape& shape);

/// The bytes of a tensor that has only the axes of `shape` from `axis` on.
inline std::int64_t block_bytes(const Shape& shape, int axis, DType dtype) {
  return shape.numel(axis, shape.rank()) * item_size(dtype);
}

}  // namespace gradus::detail
