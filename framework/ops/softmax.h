#pragma once
#include <gradus/framework/tensor.h>

#include <cstdint>

namespace gradus {

// Of float tensors, along one axis; results have the shape of x. Any finite x gives finite results.
// NaN or +infinity in a slice makes that slice NaN.
// Each throws IndexError for an axis that x does not have, DTypeError.

/// exp(x) / sum(exp(x)) along `axis`. A slice of -infinity only (everything masked) gives 0 with
/// gradient 0, where PyTorch gives NaN.
GRADUS_API Tensor softmax(const Tensor& x, std::int64_t axis);

/// log(softmax(x)) along `axis`, without underflow in between. A slice of -infinity only gives
/// -infinity, where PyTorch gives NaN; its gradient is the cotangent.
GRADUS_API Tensor log_softmax(const Tensor& x, std::int64_t axis);

}  // namespace gradus
