#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

namespace gradus {

// For float tensors, over axes or over everything, shaped like any reduction (see reduce.h). The
// deviations from the mean are squared and added in a second pass, in double.
// Each throws IndexError, ValueError, DTypeError.

/// sum((x - mean(x))^2) / max(0, n - correction) over n elements: with `correction` 1 the unbiased
/// estimate, NaN for one element; with 0 the mean of the squares.
GRADUS_API Tensor var(const Tensor& x);
GRADUS_API Tensor var(const Tensor& x, const Axes& axes, bool keepdim = false,
                      double correction = 1);

/// The square root of var(); its gradient is 0 where it is 0. Write gradus::std(x), even after
/// `using namespace gradus`: there `std` alone may be this function or the namespace.
GRADUS_API Tensor std(const Tensor& x);
GRADUS_API Tensor std(const Tensor& x, const Axes& axes, bool keepdim = false,
                      double correction = 1);

}  // namespace gradus
