#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Elementwise, for float tensors. Each throws DTypeError for other dtypes.

/// How gelu() is computed: with the error function, or by PyTorch's approximation with tanh.
enum class Approximate { none, tanh };

/// x P(X <= x), X normal: x (1 + erf(x / sqrt(2))) / 2. With Approximate::tanh
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. 0 at -infinity.
/// Source: Hendrycks and Gimpel 2016, "Gaussian error linear units".
GRADUS_API Tensor gelu(const Tensor& x, Approximate approximate = Approximate::none);

/// x sigmoid(x), also known as swish; 0 at -infinity.
GRADUS_API Tensor silu(const Tensor& x);

/// log(1 + exp(beta x)) / beta; x itself where beta x > threshold.
/// Throws ValueError if beta is 0, infinite or NaN, or if threshold is NaN.
GRADUS_API Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);

/// log(sigmoid(x)).
GRADUS_API Tensor logsigmoid(const Tensor& x);

/// x where x > 0, else alpha (exp(x) - 1); the gradient at 0 is alpha.
/// Source: Clevert, Unterthiner and Hochreiter 2015, "Fast and accurate deep network learning by
/// exponential linear units".
GRADUS_API Tensor elu(const Tensor& x, double alpha = 1);

/// x where x > 0, else negative_slope x; the gradient at 0 is negative_slope.
GRADUS_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);

}  // namespace gradus
