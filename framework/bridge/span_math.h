#pragma once
#include <gradus/framework/base/export.h>

#include <span>

/// For the loops in your own ops: y[i] = f(x[i]) by the library's vectorised kernels, which are
/// equally fast whatever flags your program is compiled with. They run on the calling thread: call
/// them inside parallel_for. `y` may be the same span as `x`; spans need no alignment and may be
/// empty. The error is at most 4 units in the last place, including subnormal results; NaN maps to
/// NaN. The result for a value has the same bits at any position and in spans of any length.
///
/// Each throws ShapeError if the lengths differ and ValueError if the spans overlap without being
/// the same; nothing is written then. They have a namespace of their own so that the ops of the
/// same names are not overloaded and can be passed to a Sequential.
namespace gradus::spans {

/// e^x.
GRADUS_API void exp(std::span<const float> x, std::span<float> y);
GRADUS_API void exp(std::span<const double> x, std::span<double> y);

/// Natural logarithm; -inf at 0, NaN below.
GRADUS_API void log(std::span<const float> x, std::span<float> y);
GRADUS_API void log(std::span<const double> x, std::span<double> y);

/// Hyperbolic tangent.
GRADUS_API void tanh(std::span<const float> x, std::span<float> y);
GRADUS_API void tanh(std::span<const double> x, std::span<double> y);

/// 1 / (1 + exp(-x)), which does not overflow.
GRADUS_API void sigmoid(std::span<const float> x, std::span<float> y);
GRADUS_API void sigmoid(std::span<const double> x, std::span<double> y);

}  // namespace gradus::spans
