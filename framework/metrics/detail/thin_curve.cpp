#include <gradus/framework/metrics/detail/thin_curve.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>

namespace gradus::detail {
namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

void append(Curve& curve, double x, double y) {
  curve.x.push_back(x);
  curve.y.push_back(std::isfinite(y) ? y : gap);
}

// Adds the points [begin, end) of a curve that count, and their mean.
void add_stretch(const Curve& curve, std::size_t begin, std::size_t end, ThinCurve& to) {
  std::set<std::size_t> kept = {begin, end - 1};
  std::size_t lowest = end, highest = end, hole = end;
  double count = 0, mean_x = 0, mean_y = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const double y = curve.y[i];
    if (!std::isfinite(y)) {
      if (hole == end) hole = i;
      continue;
    }
    if (lowest == end || y < curve.y[lowest]) lowest = i;
    if (highest == end || y > curve.y[highest]) highest = i;
    ++count;
    mean_x += (curve.x[i] - mean_x) / count;
    mean_y += y / count - mean_y / count;  // the difference may overflow
  }
  for (const std::size_t i : {lowest, highest, hole}) {
    if (i != end) kept.insert(i);
  }
  for (const std::size_t i : kept) append(to.drawn, curve.x[i], curve.y[i]);
  if (count > 0) append(to.means, mean_x, mean_y);
}

}  // namespace

ThinCurve thin(const Curve& curve, std::int64_t stretches) {
  ThinCurve result;
  result.drawn.name = curve.name;
  result.not_finite =
      std::count_if(curve.y.begin(), curve.y.end(), [](double y) { return !std::isfinite(y); });
  const std::size_t size = curve.y.size(), parts = static_cast<std::size_t>(stretches);
  if (size <= 4 * parts) {
    for (std::size_t i = 0; i < size; ++i) append(result.drawn, curve.x[i], curve.y[i]);
    return result;
  }
  for (std::size_t part = 0; part < parts; ++part) {
    add_stretch(curve, size * part / parts, size * (part + 1) / parts, result);
  }
  return result;
}

}  // namespace gradus::detail
