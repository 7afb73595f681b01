#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

#include <cstdint>

namespace gradus {

// Of float tensors, along one axis; results have the shape of x. Any finite x gives finite results.
// NaN or +infinity in a slice makes that slice NaN. A tensor of rank 0 counts as one of shape [1].
// Each throws IndexError for an axis that x does not have, DTypeError.

/// exp(x) / sum(exp(x)) along `axis`. A slice of -infinity only (everything masked) gives 0 with
/// gradient 0, where PyTorch gives NaN.
GRADUS_API Tensor softmax(const Tensor& x, std::int64_t axis);

/// log(softmax(x)) along `axis`, without underflow in between. A slice of -infinity only gives
/// -infinity, where PyTorch gives NaN; its gradient is the cotangent.
GRADUS_API Tensor log_softmax(const Tensor& x, std::int64_t axis);

/// log(sum(exp(x))) over axes or over everything, shaped as any reduction; -infinity for
/// -infinity only (everything masked) or nothing, with gradient 0, where PyTorch's is NaN.
/// +infinity for an element of +infinity; those share the gradient evenly.
/// Throws IndexError, ValueError (see reduce.h), DTypeError.
GRADUS_API Tensor logsumexp(const Tensor& x);
GRADUS_API Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim = false);

}  // namespace gradus
