#pragma once
#include <gradus/framework/metrics/curve.h>

#include <cstdint>

namespace gradus::detail {

/// A curve as it is drawn.
struct ThinCurve {
  Curve drawn;                  ///< y is NaN where there is a gap
  Curve means;                  ///< of the stretches, for smoothing; empty if nothing was left out
  std::int64_t not_finite = 0;  ///< how many values of the whole curve are NaN or infinite
};

/// Divides a curve of more than 4 * `stretches` points into that many stretches of about as many
/// points, and keeps of each the first and last point, the lowest, the highest, and a gap if it has
/// one. A shorter curve is kept as it is. Values that are not finite become gaps.
/// Source: Jugel, Jerzak, Hackenbroich, Markl, "M4: A Visualization-Oriented Time Series Data
/// Aggregation", 2014.
ThinCurve thin(const Curve& curve, std::int64_t stretches);

}  // namespace gradus::detail
