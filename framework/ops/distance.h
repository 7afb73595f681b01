#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// For float tensors. Each throws ShapeError, DTypeError.

/// sum(a b) / (max(|a|, eps) max(|b|, eps)) along an axis of the broadcast shape of a and b; the
/// result does not have that axis. For a zero vector it is 0, and the gradient of that vector is
/// the other one, normalized, divided by eps; if eps is 0 too, it is 0. Throws IndexError for an
/// axis that does not exist, ValueError for an eps that is negative or not finite.
GRADUS_API Tensor cosine_similarity(const Tensor& a, const Tensor& b, std::int64_t axis = 1,
                                    double eps = 1e-8);

/// The p-norm of the difference between each row of a [..., P, M] and each row of b [..., R, M]:
/// [..., P, R], for p from 0 (the number of elements that differ) to infinity. Leading axes
/// broadcast. Each difference is computed directly: no digits are lost between rows that lie close
/// together. The gradient is 0 at a distance of 0 and at elements that are equal; elements that tie
/// for p = infinity share it evenly. Throws ValueError for a p that is negative or NaN.
GRADUS_API Tensor cdist(const Tensor& a, const Tensor& b, double p = 2);

/// norm(a - b + eps, p) over the last axis: a and b [..., D] broadcast.
/// Throws as norm() does.
GRADUS_API Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p = 2,
                                    double eps = 1e-6, bool keepdim = false);

}  // namespace gradus
