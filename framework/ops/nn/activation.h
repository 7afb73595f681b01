#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// For float tensors; elementwise but for glu(). Each throws DTypeError for other dtypes.

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

/// elu() times 1.0507..., with an alpha of 1.6732...: values keep a mean of 0 and a variance of 1.
/// Source: Klambauer et al. 2017, "Self-normalizing neural networks".
GRADUS_API Tensor selu(const Tensor& x);

/// x, but at least 0 and at most 6; the gradient at 0 and 6 is 0.
/// Source: Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10".
GRADUS_API Tensor relu6(const Tensor& x);

/// x where |x| > lambda, else 0, as is the gradient there. Throws ValueError if lambda is NaN.
GRADUS_API Tensor hardshrink(const Tensor& x, double lambda = 0.5);

/// x where x > 0, else negative_slope x; the gradient at 0 is negative_slope.
GRADUS_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);

/// x where x > 0, else alpha (exp(x / alpha) - 1); the gradient at 0 is 1. Throws ValueError for an
/// alpha that is 0, infinite or NaN.
/// Source: Barron 2017, "Continuously differentiable exponential linear units".
GRADUS_API Tensor celu(const Tensor& x, double alpha = 1);

/// x where x > 0, else weight x, where the weight has one element, or one for each feature: those
/// are the last axis of x. The gradient at 0 is weight. Throws ShapeError for other weights.
/// Source: He et al. 2015, "Delving deep into rectifiers: surpassing human-level performance on
/// ImageNet classification".
GRADUS_API Tensor prelu(const Tensor& x, const Tensor& weight);

/// x tanh(log(1 + exp(x))); 0 at -infinity.
/// Source: Misra 2019, "Mish: a self regularized non-monotonic activation function".
GRADUS_API Tensor mish(const Tensor& x);

/// x / (1 + |x|); 1 and -1 at infinity.
GRADUS_API Tensor softsign(const Tensor& x);

/// x / 6 + 1/2, but at least 0 and at most 1; the gradient at -3 and 3 is 0.
GRADUS_API Tensor hardsigmoid(const Tensor& x);

/// x hardsigmoid(x); 0 at -infinity. The gradient at -3 is 0, at 3 it is 1.
/// Source: Howard et al. 2019, "Searching for MobileNetV3".
GRADUS_API Tensor hardswish(const Tensor& x);

/// a sigmoid(b), where a and b are the halves of x along `axis`. Throws IndexError, ShapeError for
/// an axis of odd size.
/// Source: Dauphin et al. 2017, "Language modeling with gated convolutional networks".
GRADUS_API Tensor glu(const Tensor& x, std::int64_t axis = -1);

}  // namespace gradus
