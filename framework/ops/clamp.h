#pragma once
#include <gradus/framework/core/tensor.h>

#include <optional>

namespace gradus {

// Elementwise, for float and int64 tensors; two tensors broadcast as in NumPy. NaN in gives NaN
// out. Each throws ShapeError if shapes do not broadcast, DTypeError for mixed or unsupported
// dtypes.

/// |x|; the gradient at 0 is 0.
GRADUS_API Tensor abs(const Tensor& x);
/// -1, 0 or 1, with gradient 0.
GRADUS_API Tensor sign(const Tensor& x);

/// The larger of a and b; NaN wins. Equal elements share the gradient evenly.
GRADUS_API Tensor maximum(const Tensor& a, const Tensor& b);
/// The smaller of a and b; NaN wins. Equal elements share the gradient evenly.
GRADUS_API Tensor minimum(const Tensor& a, const Tensor& b);

/// x, but at least `min` and at most `max`: `clamp(x, 0)`, `clamp(x, {}, 1)`, `clamp(x, 0, 1)`;
/// `max` if min > max. The gradient passes where min <= x <= max, bounds included.
/// Throws ValueError if neither bound is given or one is NaN, DTypeError for a fractional bound
/// with int64.
GRADUS_API Tensor clamp(const Tensor& x, std::optional<Number> min,
                        std::optional<Number> max = std::nullopt);

/// x, but at least `min` and at most `max`, for float tensors. The gradient passes strictly between
/// the bounds: on them it is 0, unlike that of clamp(). Throws ValueError unless
/// min <= max.
GRADUS_API Tensor hardtanh(const Tensor& x, double min = -1, double max = 1);

}  // namespace gradus
