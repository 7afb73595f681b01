#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// Of float tensors. Each throws ShapeError, DTypeError.

/// sum(a b) / (max(|a|, eps) max(|b|, eps)) along an axis of the broadcast shape of a and b, which
/// the result lacks. 0 for a zero vector, whose gradient is that of the other one divided by eps; 0
/// with gradient 0 if eps is 0 too. Throws IndexError for an axis that is not there, ValueError for
/// an eps that is negative or not finite.
GRADUS_API Tensor cosine_similarity(const Tensor& a, const Tensor& b, std::int64_t axis = 1,
                                    double eps = 1e-8);

/// The p-norm of the difference of every row of a [..., P, M] and every row of b [..., R, M]:
/// [..., P, R], for p from 0 (how many elements differ) to infinity. Leading axes broadcast. Every
/// difference is formed: no digits are lost between rows that lie close together. The gradient is 0
/// at a distance of 0 and at elements that are equal; elements that tie for p = infinity share it
/// evenly. Throws ValueError for a p that is negative or NaN.
GRADUS_API Tensor cdist(const Tensor& a, const Tensor& b, double p = 2);

/// norm(a - b + eps, p) over the last axis: a and b [..., D] broadcast.
/// Throws as norm() does.
GRADUS_API Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p = 2,
                                    double eps = 1e-6, bool keepdim = false);

}  // namespace gradus
