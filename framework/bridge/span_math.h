#pragma once
#include <gradus/framework/base/export.h>

#include <span>

/// For the loops of ops of your own: y[i] = f(x[i]) by the vectorised kernels of the library, which
/// are as fast whatever flags your program is compiled with. They work on the calling thread: call
/// them inside parallel_for. `y` may be the same span as `x`; spans need no alignment and may be
/// empty. The error is at most 4 units in the last place, subnormal results included; NaN gives
/// NaN. A value has the same bits at any position and in spans of any length.
///
/// Each throws ShapeError if the lengths differ and ValueError if the spans overlap without being
/// the same; nothing is written then. The namespace keeps them apart from the ops of those names,
/// which stay single functions that a Sequential can take.
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
