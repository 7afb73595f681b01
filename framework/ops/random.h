#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

namespace gradus {

/// Each element is 1 with the probability that `p` holds at its place, else 0. Shape and dtype are
/// those of `p`, a float tensor, to which no gradient flows. Throws ValueError naming the first
/// element outside [0, 1], DTypeError.
GRADUS_API Tensor bernoulli(const Tensor& p, Generator& generator = default_generator());
/// Elements of any dtype that are 1 (true) with probability p, in steps of 2^-32, else 0.
/// Throws ValueError unless 0 <= p <= 1.
GRADUS_API Tensor bernoulli(double p, const Shape& shape, DType dtype = DType::float32,
                            Generator& generator = default_generator());

/// Draws `count` indices for each row of float weights [n] or [R, n]: int64 [count] or [R, count],
/// in the order drawn. Index i is drawn with a probability proportional to weight i, and never if
/// that is 0; the weights need not add up to 1. Without replacement no index repeats in a row.
/// Throws ShapeError for other ranks; ValueError for a weight that is negative or not finite, for a
/// row that is all 0, for one with fewer positive weights than draws without replacement, and for a
/// count below 1.
/// Sources: Vose 1991 (with replacement); Efraimidis and Spirakis 2006, "Weighted random sampling
/// with a reservoir" (without).
GRADUS_API Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement = false,
                              Generator& generator = default_generator());

}  // namespace gradus
