#pragma once
#include <gradus/framework/random.h>
#include <gradus/framework/tensor.h>

namespace gradus {

// Each overwrites the values of a float tensor in place, trainable leaves included, and returns it.
// Each throws DTypeError for other dtypes. fan_in and fan_out of a weight [out, in, ...] are `in`
// and `out` times the number of elements of the other axes.

/// Draws from U[low, high). Throws ValueError unless low <= high.
GRADUS_API const Tensor& uniform_(const Tensor& tensor, double low, double high,
                                  Generator& generator = default_generator());

/// Draws from N(mean, std^2). Throws ValueError if std < 0.
GRADUS_API const Tensor& normal_(const Tensor& tensor, double mean, double std,
                                 Generator& generator = default_generator());

/// Draws from U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)). Throws ShapeError below two axes.
/// Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
/// neural networks", equation 16.
GRADUS_API const Tensor& xavier_uniform_(const Tensor& tensor, double gain = 1.0,
                                         Generator& generator = default_generator());

/// Draws from N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)). Throws ShapeError below two axes.
GRADUS_API const Tensor& xavier_normal_(const Tensor& tensor, double gain = 1.0,
                                        Generator& generator = default_generator());

/// Draws from U(-a, a), a = gain sqrt(3 / fan_in); the gain suits relu. Throws ShapeError below two
/// axes. Source: He et al. 2015, "Delving deep into rectifiers", equation 10.
GRADUS_API const Tensor& kaiming_uniform_(const Tensor& tensor, double gain = 1.4142135623730951,
                                          Generator& generator = default_generator());

/// Draws from N(0, s^2), s = gain / sqrt(fan_in); the gain suits relu. Throws ShapeError below two
/// axes.
GRADUS_API const Tensor& kaiming_normal_(const Tensor& tensor, double gain = 1.4142135623730951,
                                         Generator& generator = default_generator());

}  // namespace gradus
