#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/cross_entropy.h>

namespace gradus {

/// cross_entropy(linear(x, weight, bias), labels, options) without ever holding all logits: they
/// are computed in chunks of 100 MiB. For vocabularies. x: [..., D]; weight: [C, D]; bias: [C], or
/// undefined; labels: int64 [...], not probabilities. Returns [] or, with Reduction::none, [...].
/// Rows with an ignored label cost nothing, and what they hold does not matter.
///
/// The gradients, all dense, are computed along with the loss if this thread records, at the cost
/// of one product less than otherwise, and are scaled by backward; those that are not needed are
/// not computed. With Reduction::none they wait for the cotangents, and backward computes the
/// logits again. Throws as linear() and cross_entropy() do. Source: Hsu et al. 2024, "Liger kernel:
/// efficient Triton kernels for LLM training".
GRADUS_API Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                       const Tensor& labels,
                                       const CrossEntropyOptions& options = {});

}  // namespace gradus
