#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

namespace gradus {

/// Each element is 1 with the probability that `p` holds there, else 0; shape and dtype are those
/// of `p`, float types, and no gradient flows to it. Throws ValueError naming the first element
/// outside [0, 1], DTypeError.
GRADUS_API Tensor bernoulli(const Tensor& p, Generator& generator = default_generator());
/// Elements of any dtype that are 1 (true) with probability p, in steps of 2^-32, else 0.
/// Throws ValueError unless 0 <= p <= 1.
GRADUS_API Tensor bernoulli(double p, const Shape& shape, DType dtype = DType::float32,
                            Generator& generator = default_generator());

/// `count` indices for each row of weights [n] or [R, n], float types, as int64 [count] or
/// [R, count]. Index i is drawn with a probability in proportion to weight i, which need not add up
/// to 1; with weight 0 never. Without replacement no index repeats in a row, in the order drawn.
/// Throws ShapeError for other ranks, ValueError for a weight that is negative or not finite, a row
/// that is all 0 or has fewer weights above 0 than draws without replacement, and a count below 1.
/// Sources: Vose 1991 (with replacement); Efraimidis and Spirakis 2006, "Weighted random sampling
/// with a reservoir" (without).
GRADUS_API Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement = false,
                              Generator& generator = default_generator());

}  // namespace gradus
