#pragma once
// For authors of ops: which axes a reduction removes, and a tensor as rows along those axes.
#include <gradus/framework/ops/author/axes.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus::detail {

/// Which axes of a shape a reduction removes.
class GRADUS_API ReducedAxes {
 public:
  // `operation` names the op in errors. Each throws Error if x is undefined.

  /// All axes of x.
  ReducedAxes(const char* operation, const Tensor& x);
  /// Throws IndexError for an axis that x does not have, ValueError for an empty list or a repeated
  /// axis.
  ReducedAxes(const char* operation, const Tensor& x, const Axes& axes);

  bool reduced(int axis) const { return reduced_[static_cast<std::size_t>(axis)]; }
  const Shape& input() const { return shape_; }
  Shape result(bool keepdim) const;

  /// The number of elements that are reduced to one element of the result.
  std::int64_t count() const;
  std::int64_t result_numel() const { return result(false).numel(); }

 private:
  Shape shape_;
  std::array<bool, Shape::max_rank> reduced_{};
};

/// x as rows [result_numel(), count()], one row for each element of the result. Not part of any
/// graph; shares the storage of x if its last axes are reduced.
GRADUS_API Tensor to_rows(const Tensor& x, const ReducedAxes& plan);
/// Rows back in the order of the input.
GRADUS_API Tensor from_rows(const Tensor& rows, const ReducedAxes& plan);

/// x as rows [outer * inner, n] along one axis. Not part of any graph; shares the storage of x if
/// the axis is the last one.
GRADUS_API Tensor to_rows(const Tensor& x, const AxisView& view);
/// Rows back in the order of a tensor of that shape.
GRADUS_API Tensor from_rows(const Tensor& rows, const AxisView& view, const Shape& shape);

}  // namespace gradus::detail
