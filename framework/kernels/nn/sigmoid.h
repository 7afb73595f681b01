#pragma once
// What activations and losses share.
#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/simd/math.h>

namespace gradus::kernels {

/// sigmoid(x) and 1 - sigmoid(x), both without cancellation.
template <class B>
struct Sigmoid {
  explicit Sigmoid(const B& x) {
    const B one = constant<B>(1);
    const B e = detail::exp(-detail::abs(x));
    const B large = one / (one + e), small = e * large;
    const auto negative = x < constant<B>(0);
    value = detail::select(negative, small, large);
    rest = detail::select(negative, large, small);
  }
  B value, rest;
};

}  // namespace gradus::kernels
