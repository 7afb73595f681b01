#pragma once
#include <gradus/framework/core/tensor.h>

#include <array>
#include <vector>

namespace gradus::detail {

/// Rows in the plane of their first two principal components.
struct Plane {
  std::vector<double> x, y;  ///< of each row, with the mean of all rows at 0
  std::array<double, 2> explained =
      {};  ///< each component's share of the variance; 0 if there is none
};

/// rows: [N, D] of a float type, all finite. The sign of a component is such that its coefficient
/// of the largest magnitude (the first of equal ones) is positive.
Plane pca(const Tensor& rows);

}  // namespace gradus::detail
