#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

#include <concepts>
#include <cstdint>

namespace gradus {

// For float tensors, along one axis; results have the shape of x. Any finite x gives finite
// results. NaN or +infinity in a slice makes that slice NaN. A tensor of rank 0 counts as one of
// shape [1]. Each throws IndexError for an axis that x does not have, DTypeError.

/// exp(x) / sum(exp(x)) along `axis`. A slice that is all -infinity (everything masked) gives 0
/// with gradient 0, where PyTorch gives NaN.
GRADUS_API Tensor softmax(const Tensor& x, std::int64_t axis);

/// log(softmax(x)) along `axis`, without intermediate underflow. A slice that is all -infinity
/// gives -infinity, where PyTorch gives NaN; its gradient is the cotangent.
GRADUS_API Tensor log_softmax(const Tensor& x, std::int64_t axis);

/// softmax(-x) along `axis`.
GRADUS_API Tensor softmin(const Tensor& x, std::int64_t axis);

/// A random draw of categories with a gradient: softmax((logits + noise) / tau) along `axis`, with
/// noise of the Gumbel distribution. With `hard` it is 1 for the greatest and 0 for the others, up
/// to rounding, with the gradient of the soft one; a slice that is all -infinity gives zeros.
/// Throws ValueError unless tau > 0 is finite. Sources: Jang, Gu, Poole 2017, "Categorical
/// reparameterization with Gumbel-softmax"; Maddison, Mnih, Teh 2017, "The concrete distribution".
GRADUS_API Tensor gumbel_softmax(const Tensor& logits, double tau = 1, bool hard = false,
                                 std::int64_t axis = -1,
                                 Generator& generator = default_generator());
/// Deleted: a `hard` in the place of tau.
template <std::same_as<bool> Hard, class... Rest>
Tensor gumbel_softmax(const Tensor&, Hard, const Rest&...) = delete;

/// log(sum(exp(x))) over axes or over everything, shaped like any reduction. It is -infinity if all
/// elements are -infinity (everything masked) or there are none, with gradient 0, where PyTorch's
/// is NaN. It is +infinity if any element is; those elements share the gradient evenly.
/// Throws IndexError, ValueError (see reduce.h), DTypeError.
GRADUS_API Tensor logsumexp(const Tensor& x);
GRADUS_API Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim = false);

}  // namespace gradus
