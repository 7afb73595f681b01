#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Each overwrites the values of a float tensor in place, even of a trainable leaf, and returns it.
// Each throws DTypeError for other dtypes, ValueError for numbers that make no sense: NaN, infinite
// bounds and gains, a negative deviation. fan_in and fan_out of a weight [out, in, ...] are `in`
// and `out` times the number of elements of the other axes.

/// Draws from U[low, high). Throws ValueError unless low <= high and both are finite in that dtype.
GRADUS_API const Tensor& uniform_(const Tensor& tensor, double low, double high,
                                  Generator& generator = default_generator());

/// Draws from N(mean, std^2). Throws ValueError unless std >= 0 and both are finite in that dtype.
GRADUS_API const Tensor& normal_(const Tensor& tensor, double mean, double std,
                                 Generator& generator = default_generator());

/// Draws from U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)). Throws ShapeError for fewer than two
/// axes.
/// Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
/// neural networks", equation 16.
GRADUS_API const Tensor& xavier_uniform_(const Tensor& tensor, double gain = 1.0,
                                         Generator& generator = default_generator());

/// Draws from N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)). Throws ShapeError for fewer than
/// two axes.
GRADUS_API const Tensor& xavier_normal_(const Tensor& tensor, double gain = 1.0,
                                        Generator& generator = default_generator());

/// The nonlinearity after a layer; its gain keeps the variance of the activations.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// PyTorch's recommended gains: 1, 1, 5/3, sqrt(2), sqrt(2 / (1 + slope^2)), 3/4. `slope` is that
/// of leaky_relu for negative values.
GRADUS_API double calculate_gain(Nonlinearity nonlinearity, double slope = 0.01);

/// The fan that the kaiming functions use: fan_in keeps the variance forward, fan_out backward.
enum class FanMode { fan_in, fan_out };

/// Options of the kaiming functions, with PyTorch's names and defaults.
struct KaimingOptions {
  double a = 0;  ///< the slope of leaky_relu for negative values; 0 is relu
  FanMode mode = FanMode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};

/// Draws from U(-b, b), b = gain sqrt(3 / fan). Throws ShapeError for fewer than two axes.
/// Source: He et al. 2015, "Delving deep into rectifiers", equations 10 and 14.
GRADUS_API const Tensor& kaiming_uniform_(const Tensor& tensor, const KaimingOptions& options = {},
                                          Generator& generator = default_generator());

/// Draws from N(0, s^2), s = gain / sqrt(fan). Throws ShapeError for fewer than two axes.
GRADUS_API const Tensor& kaiming_normal_(const Tensor& tensor, const KaimingOptions& options = {},
                                         Generator& generator = default_generator());

/// Draws from N(mean, std^2) truncated to low <= x <= high (PyTorch's a and b: values, not
/// multiples of std). Throws ValueError unless mean is finite, std finite and above 0, low < high.
GRADUS_API const Tensor& trunc_normal_(const Tensor& tensor, double mean = 0.0, double std = 1.0,
                                       double low = -2.0, double high = 2.0,
                                       Generator& generator = default_generator());

/// Fills [rows, ...], seen as a matrix [rows, rest], with gain times a random matrix whose rows or
/// columns, whichever are fewer, are orthonormal. Throws ShapeError for fewer than two axes,
/// ValueError unless gain is finite in that dtype. Source: Saxe et al. 2013, "Exact solutions to
/// the nonlinear dynamics of learning in deep linear neural networks".
GRADUS_API const Tensor& orthogonal_(const Tensor& tensor, double gain = 1.0,
                                     Generator& generator = default_generator());

/// Draws a matrix [rows, columns] from N(0, std^2) and zeroes the fraction `sparsity` of each
/// column, rounded up to whole elements. Throws ShapeError unless there are two axes, ValueError
/// unless 0 <= sparsity <= 1 and std >= 0. Source: Martens 2010, "Deep learning via Hessian-free
/// optimization".
GRADUS_API const Tensor& sparse_(const Tensor& tensor, double sparsity, double std = 0.01,
                                 Generator& generator = default_generator());

GRADUS_API const Tensor& constant_(const Tensor& tensor, double value);
GRADUS_API const Tensor& zeros_(const Tensor& tensor);
GRADUS_API const Tensor& ones_(const Tensor& tensor);

}  // namespace gradus
